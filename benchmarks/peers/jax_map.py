"""A map by naive vmapped JAX: `jit(vmap(train))` of every run to the last step; train sets padded to the largest.

    python -m benchmarks.peers.jax_map MAP OUTCOME [--together 16]

The devices share the runs of a group (`JAX_NUM_CPU_DEVICES`). Looks are those of the other engines; nothing ends early.
"""

import argparse
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.peers.jax_networks import optimizer_of, outputs_of, over_devices
from benchmarks.peers.map_runs import MapRuns, read_map, write_outcome
from benchmarks.peers.start import Start


class Vmapped:
    """Trains groups of runs, all in one program.

    Attributes:
      train_one: params, optimizer state, decay, inputs, targets, count, steps -> params, optimizer state; of one run.
      look_one: params, inputs, targets, count -> train loss, test accuracy; of one run.
      optimizer: of any run; it only makes the state before the first update.
    """

    def __init__(self, runs: MapRuns, start: Start):
        outputs, self.runs = outputs_of(start), runs
        self.room = int(runs.n_train.max())

        def losses(params: Any, inputs: jax.Array, targets: jax.Array) -> jax.Array:
            return optax.softmax_cross_entropy_with_integer_labels(outputs(params, inputs), targets)

        def objective(params: Any, inputs: jax.Array, targets: jax.Array, count: jax.Array) -> jax.Array:
            return jnp.sum(losses(params, inputs, targets), where=jnp.arange(self.room) < count) / count

        def train(params: Any, state: Any, decay: Any, inputs: Any, targets: Any, count: Any, steps: Any) -> Any:
            optimizer = optimizer_of(start, weight_decay=decay)

            def update(_: Any, carried: Any) -> Any:
                params, state = carried
                slopes = jax.grad(objective)(params, inputs, targets, count)
                updates, state = optimizer.update(slopes, state, params)
                return optax.apply_updates(params, updates), state

            return jax.lax.fori_loop(0, steps, update, (params, state))

        def look(params: Any, inputs: jax.Array, targets: jax.Array, count: jax.Array) -> Any:
            is_train = jnp.arange(len(inputs)) < count
            found = outputs(params, inputs)
            loss = optax.softmax_cross_entropy_with_integer_labels(found, targets)
            is_right = jnp.argmax(found, 1) == targets
            return jnp.sum(loss, where=is_train) / count, jnp.mean(is_right, where=~is_train)

        self.train_one, self.look_one, self.optimizer = train, look, optimizer_of(start)
        self._init = jax.jit(jax.vmap(self.optimizer.init))
        self._train = jax.jit(jax.vmap(train, in_axes=(0, 0, 0, 0, 0, 0, None)), donate_argnums=(0, 1))
        self._look = jax.jit(jax.vmap(look))

    def train(self, group: np.ndarray) -> list[dict[str, Any]]:
        """Train some runs to the last step."""
        runs = self.runs
        order, room = runs.order[group], self.room
        arrays = (runs.inputs[order], runs.targets[order], runs.n_train[group], runs.weight_decay[group])
        params = {name: leaf[group] for name, leaf in runs.params.items()}
        params, (inputs, targets, counts, decays) = over_devices((params, arrays))
        data = (decays, inputs[:, :room], targets[:, :room], counts)
        params, state = self._train(params, self._init(params), *data, 0)  # compiles
        self._look(params, inputs, targets, counts)
        began, done, losses = time.perf_counter(), 0, []
        for step in runs.looks:
            params, state = self._train(params, state, *data, int(step) - done)
            done = int(step)
            loss, accuracy = self._look(params, inputs, targets, counts)
            losses.append(np.asarray(loss))
        accuracy, ended = np.asarray(accuracy), time.perf_counter()
        return [
            {"losses": [float(at[lane]) for at in losses], "accuracy": float(accuracy[lane]), "final_step": done}
            | {"began": began, "ended": ended}
            for lane in range(len(group))
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("map")
    parser.add_argument("outcome")
    parser.add_argument("--together", type=int, default=16)
    options = parser.parse_args()
    runs = read_map(options.map)
    vmapped, outcomes = Vmapped(runs, runs.start(0)), []
    total, devices = len(runs.n_train), len(jax.devices())
    together = -(-options.together // devices) * devices
    for first in range(0, total, together):
        group = np.arange(first, first + together) % total  # the last group is filled up: one program for all
        outcomes += vmapped.train(group)
    write_outcome(options.outcome, outcomes[:total])


if __name__ == "__main__":
    main()
