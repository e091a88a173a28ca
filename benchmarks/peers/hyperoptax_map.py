"""A map by hyperoptax 0.2.0: `GridSearch.optimize_scan` over the runs, which trains `n_parallel` of them by `vmap`.

    python -m benchmarks.peers.hyperoptax_map MAP OUTCOME [--together 16]

What it searches over maps to one number, so a run is looked at once, at its end, and the losses that are compared come
from short searches of their own. Every run goes to the last step. One process on one device, as it is made for.
"""

import argparse
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hyperoptax.grid import GridSearch
from hyperoptax.spaces import DiscreteSpace

from benchmarks.peers.jax_map import Vmapped
from benchmarks.peers.map_runs import MapRuns, read_map, write_outcome

CHECKED = 10
"""Looks whose losses are compared: the first ones, one update apart."""


def search_of(runs: MapRuns, together: int) -> Any:
    """A compiled search: updates, whether the loss is wanted -> [run] accuracies of the test set, or train losses."""
    one = Vmapped(runs, runs.start(0))
    total = len(runs.n_train)
    padded = -(-total // together) * together  # a grid that is no multiple loses its last points
    data = {name: jnp.asarray(leaf) for name, leaf in runs.params.items()}
    inputs, targets = jnp.asarray(runs.inputs[runs.order]), jnp.asarray(runs.targets[runs.order])
    counts, decays = jnp.asarray(runs.n_train), jnp.asarray(runs.weight_decay)
    state, search = GridSearch.init({"run": DiscreteSpace(tuple(range(padded)))}, n_parallel=together)

    @jax.jit
    def results(steps: jax.Array, wants_loss: jax.Array) -> jax.Array:
        def objective(key: jax.Array, config: dict[str, jax.Array]) -> jax.Array:
            run = config["run"] % total
            params = {name: leaf[run] for name, leaf in data.items()}
            mine = (inputs[run][: one.room], targets[run][: one.room], counts[run], steps)
            params, _ = one.train_one(params, one.optimizer.init(params), decays[run], *mine)
            loss, accuracy = one.look_one(params, inputs[run], targets[run], counts[run])
            return jnp.where(wants_loss, loss, accuracy)

        _, (_, found) = search.optimize_scan(state, jax.random.key(0), objective, padded // together)
        return found.reshape(-1)[:total]

    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("map")
    parser.add_argument("outcome")
    parser.add_argument("--together", type=int, default=16)
    options = parser.parse_args()
    runs = read_map(options.map)
    search = search_of(runs, options.together)
    losses = np.stack([np.asarray(search(int(step), True)) for step in runs.looks[:CHECKED]], axis=1)
    steps, began = int(runs.looks[-1]), time.perf_counter()
    accuracies = np.asarray(search(steps, False))
    ended = time.perf_counter()
    write_outcome(
        options.outcome,
        [
            {"losses": one.tolist(), "accuracy": float(accuracy), "final_step": steps, "began": began, "ended": ended}
            for one, accuracy in zip(losses, accuracies, strict=True)
        ],
    )


if __name__ == "__main__":
    main()
