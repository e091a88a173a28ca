"""Naive vmapped JAX: `jit(vmap(train))`, every run trained for the same number of steps.

python -m benchmarks.peers.jax_vmap START --runs 8

The devices share the runs (`JAX_NUM_CPU_DEVICES`).
"""

import argparse
import time
from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks.peers.jax_networks import objective_of, optimizer_of, over_devices, params_of
from benchmarks.peers.start import Start, read_start
from benchmarks.rig.protocol import serve


class Vmapped:
    """Networks of one shape as arrays with a leading axis [run], each with data and hyperparameters of its own."""

    def __init__(self, start: Start, runs: int):
        settings = start.settings
        self.minibatch, self.batches = start.minibatch, jnp.asarray(start.batches)
        gradient = jax.value_and_grad(objective_of(start))
        everywhere = (params_of(start), jnp.asarray(start.inputs), jnp.asarray(start.targets))
        self.params, self.inputs, self.targets = over_devices(
            jax.tree.map(lambda leaf: jnp.stack([leaf] * runs), everywhere)
        )
        self.rate, self.decay, self.keys = over_devices(
            (
                jnp.full(runs, settings["learning_rate"]),
                jnp.full(runs, settings["weight_decay"]),
                jax.vmap(jax.random.key)(jnp.arange(runs)),
            )
        )
        examples, minibatch = len(start.inputs), start.minibatch

        def update(params: Any, opt_state: Any, rate: Any, decay: Any, inputs: Any, targets: Any) -> tuple:
            loss, slopes = gradient(params, inputs, targets)
            updates, opt_state = optimizer_of(start, rate, decay).update(slopes, opt_state, params)
            return optax.apply_updates(params, updates), opt_state, loss

        def train(
            params: Any, opt_state: Any, rate: Any, decay: Any, inputs: Any, targets: Any, key: Any, steps: Any
        ) -> tuple:
            def body(step: Any, carried: Any) -> Any:
                params, opt_state, order = carried
                if minibatch is None:
                    params, opt_state, _ = update(params, opt_state, rate, decay, inputs, targets)
                    return params, opt_state, order
                per_epoch = examples // minibatch
                epoch = jax.random.fold_in(key, step // per_epoch)
                order = jax.lax.cond(
                    step % per_epoch == 0, lambda: jax.random.permutation(epoch, examples), lambda: order
                )
                batch = jax.lax.dynamic_slice_in_dim(order, step % per_epoch * minibatch, minibatch)
                params, opt_state, _ = update(params, opt_state, rate, decay, inputs[batch], targets[batch])
                return params, opt_state, order

            return jax.lax.fori_loop(0, steps, body, (params, opt_state, jnp.arange(examples)))[:2]

        self.opt_state = jax.vmap(optimizer_of(start).init)(self.params)
        self._update = jax.jit(jax.vmap(update))
        # The step number is not mapped, so that the shuffle of an epoch stays a branch.
        self._train = jax.jit(jax.vmap(train, in_axes=(0, 0, 0, 0, 0, 0, 0, None)), donate_argnums=(0, 1))

    def first_losses(self, steps: int) -> list[float]:
        """The first updates, with the minibatches of the reference in every run."""
        found = []
        for step in range(steps):
            inputs, targets = self.inputs, self.targets
            if self.minibatch is not None:
                inputs, targets = inputs[:, self.batches[step]], targets[:, self.batches[step]]
            self.params, self.opt_state, losses = self._update(
                self.params, self.opt_state, self.rate, self.decay, inputs, targets
            )
            found.append(float(losses[-1]))
        return found

    def train(self, steps: int) -> None:
        """Further updates of every run, in one call."""
        self.params, self.opt_state = self._train(
            self.params, self.opt_state, self.rate, self.decay, self.inputs, self.targets, self.keys, steps
        )
        jax.block_until_ready(self.params)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("start")
    parser.add_argument("--runs", type=int, default=8)
    options = parser.parse_args()
    began = time.perf_counter()
    start = read_start(options.start)
    vmapped = Vmapped(start, options.runs)
    serve(vmapped.first_losses(start.steps), vmapped.train, runs=options.runs, began=began)


if __name__ == "__main__":
    main()
