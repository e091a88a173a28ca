"""The Python side: one run, a sweep, and its results. `python python_api.py` runs it."""
# ruff: noqa: T201

from grokjax import Run, Sweep, open_results
from grokjax.losses.mse import MSE
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.tasks.modular_arithmetic import ModularArithmetic

run = Run(
    task=ModularArithmetic(operation="x+y", modulus=23, train_fraction=0.6),
    model=MLP(width=200, activation="square"),
    optimizer=AdamW(learning_rate=1e-2, weight_decay=5.0),
    loss=MSE(),
)
sweep = Sweep(name="decay", base=run, steps=1000, axes={"optimizer.weight_decay": [0.3, 5, 40]}, seeds=2)

if __name__ == "__main__":
    alone = run.train(steps=1000)  # in memory, no folder
    print(alone.summary["phase"], alone.summary["test/accuracy"])

    results = sweep.run(root="results/decay")  # the same call again trains nothing
    print(results.runs[["run_id", "optimizer.weight_decay", "phase", "steps_to_test_99"]])
    print(results.grid("test/accuracy").sel(weight_decay=5.0, step=1000).values)  # [seed]

    columns = ["optimizer.weight_decay", "generalized", "generalized_low", "steps_to_test_99", "censored", "fell"]
    print(results.cells()[columns].round(2).to_string(index=False))  # one row per cell
    edge = results.boundary("weight_decay")
    print(edge.direction, edge.at, edge.low, edge.high)

    results = open_results("results/decay")  # later, in another process
    name = results.runs["run_id"].iloc[2]
    print({layer: params["kernel"].shape for layer, params in results.params(name).items()})
    data = results.dataset(name)
    print(results.evaluate(name, data["inputs"], data["targets"]))
