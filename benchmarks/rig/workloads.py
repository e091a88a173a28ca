"""The networks that are timed, as runs of grokjax, and the files from which every peer starts the same run."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from grokjax.losses.mse import MSE
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import Minibatch, Run
from grokjax.store.records import flat_params
from grokjax.tasks.arrays import Arrays
from grokjax.tasks.modular_arithmetic import ModularArithmetic

Settings = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Workload:
    """One network with its task.

    Attributes:
      about: one line for tables.
      run: folder for data files -> the run.
      forms: in which our network may be computed, the default first.
    """

    about: str
    run: Callable[[Path], Run]
    forms: tuple[str, ...] = ("tables", "plain")

    def with_form(self, folder: Path, form: str) -> Run:
        """The run with its network computed in one of the forms."""
        run = self.run(folder)
        return dataclasses.replace(run, model=dataclasses.replace(run.model, form=form))


def _nanda(folder: Path) -> Run:
    task = ModularArithmetic(modulus=113, train_fraction=0.3)
    return Run(task=task, model=Transformer(), optimizer=AdamW(weight_decay=1.0))


def _embedded_mlp(modulus: int, embedding: int, width: int, train_fraction: float) -> Callable[[Path], Run]:
    def run(folder: Path) -> Run:
        model = MLP(width=width, embedding=embedding, encoding="concatenated", shared_embedding=False, bias=True)
        task = ModularArithmetic(modulus=modulus, train_fraction=train_fraction)
        return Run(task=task, model=model, optimizer=AdamW(weight_decay=1.0))

    return run


def _decoder(folder: Path) -> Run:
    # 4608 examples: nine equal minibatches, so that no program is made for a shorter one.
    task = ModularArithmetic(modulus=97, train_fraction=0.4898, sequence="x op y =")
    model = Transformer(layers=2, norm="pre")
    return Run(task=task, model=model, optimizer=AdamW(weight_decay=1.0), minibatch=Minibatch(at_most=512))


def _image_mlp(folder: Path) -> Run:
    """The network of Omnigrok on 1,000 examples of MNIST's shape: its speed does not depend on the pictures."""
    path = folder / "images.npz"
    if not path.exists():
        drawn = np.random.default_rng(0)
        inputs = drawn.uniform(size=(1250, 784)).astype(np.float32)
        np.savez(path, inputs=inputs, targets=drawn.integers(10, size=1250))
    model = MLP(depth=2, width=200, bias=True, initializer="torch")
    task = Arrays(path=str(path), train_fraction=0.8)
    return Run(task=task, model=model, optimizer=AdamW(weight_decay=0.01), loss=MSE(), minibatch=Minibatch(at_most=200))


WORKLOADS = {
    "W1": Workload("transformer, 1 layer, p = 113, full batch 30 %", _nanda, ("tables", "merged", "plain")),
    "W2": Workload("MLP 2x128-256-97, full batch 40 %", _embedded_mlp(97, 128, 256, 0.4)),
    "W3": Workload("transformer, 2 layers, p = 97, batch 512", _decoder),
    "W4": Workload("MLP 784-200-200-10, batch 200", _image_mlp, ("plain",)),
    "P31": Workload("MLP 2x32-128-31, full batch 60 %", _embedded_mlp(31, 32, 128, 0.6)),
    "tiny": Workload("MLP 2x4-8-5, for tests", _embedded_mlp(5, 4, 8, 0.6)),
}


def settings_of(run: Run) -> Settings:
    """What a peer must know beside arrays."""
    model, optimizer, loss = run.model, run.optimizer, run.loss
    network = (
        {"network": "mlp", "depth": model.depth}
        if isinstance(model, MLP)
        else {"network": "transformer", "layers": model.layers, "heads": model.heads, "norm": model.norm}
    )
    return network | {
        "loss": loss.kind,
        "learning_rate": float(optimizer.learning_rate),
        "weight_decay": float(optimizer.weight_decay),
        "betas": [float(optimizer.b1), float(optimizer.b2)],
        "eps": float(optimizer.eps),
    }


def write_start(
    path: Path,
    run: Run,
    params: Any,
    train: np.ndarray,
    batches: np.ndarray,
    losses: np.ndarray,
    moved: np.ndarray,
) -> None:
    """Write what a peer starts from.

    Args:
      params: initial parameters.
      train: [train] int, examples of the train set.
      batches: [step, example] places in `train` of the first updates; one row for all with the full batch.
      losses: [step] of the reference.
      moved: [step] relative change of each loss by one rounding of the initial parameters, the largest of some draws.
    """
    table = run.task.table()
    targets = table.targets[train]
    if isinstance(run.loss, MSE) and targets.ndim == 1:
        targets = np.eye(table.num_classes, dtype=np.float32)[targets]
    np.savez(
        path,
        settings=json.dumps(settings_of(run)),
        inputs=table.inputs[train],
        targets=targets,
        batches=batches,
        losses=losses,
        moved=moved,
        **{f"param/{name}": leaf for name, leaf in flat_params(jax.tree.map(np.asarray, params)).items()},
    )
