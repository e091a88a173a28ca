"""JAX as users write it: a jitted step in a Python loop, hyperparameters as Python numbers.

python -m benchmarks.peers.jax_loop START
"""

import sys
import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks.peers.jax_networks import objective_of, optimizer_of, params_of
from benchmarks.peers.start import Start, read_start
from benchmarks.rig.protocol import serve


class Loop:
    """One network with its optimizer."""

    def __init__(self, start: Start):
        self.inputs, self.targets = jnp.asarray(start.inputs), jnp.asarray(start.targets)
        self.first_batches, self.minibatch = jnp.asarray(start.batches), start.minibatch
        self.params, optimizer = params_of(start), optimizer_of(start)
        self.opt_state, self.key = optimizer.init(self.params), jax.random.key(0)
        gradient = jax.value_and_grad(objective_of(start))

        @partial(jax.jit, donate_argnums=(0, 1))
        def update(params: Any, opt_state: Any, inputs: jax.Array, targets: jax.Array) -> tuple[Any, Any, jax.Array]:
            loss, slopes = gradient(params, inputs, targets)
            updates, opt_state = optimizer.update(slopes, opt_state, params)
            return optax.apply_updates(params, updates), opt_state, loss

        self._update = update

    def update(self, batch: jax.Array | None) -> jax.Array:
        """One update on the whole train set or on a minibatch; the loss before it."""
        inputs = self.inputs if batch is None else self.inputs[batch]
        targets = self.targets if batch is None else self.targets[batch]
        self.params, self.opt_state, loss = self._update(self.params, self.opt_state, inputs, targets)
        return loss

    def first_losses(self, steps: int) -> list[float]:
        """The first updates, with the minibatches of the reference."""
        batches = [None if self.minibatch is None else self.first_batches[step] for step in range(steps)]
        return [float(self.update(batch)) for batch in batches]

    def train(self, steps: int) -> None:
        """Further updates, each epoch in an order of its own."""
        batches: list[Any] = []
        loss = None
        for _ in range(steps):
            if self.minibatch is not None and not batches:
                self.key, drawn = jax.random.split(self.key)
                order = jax.random.permutation(drawn, len(self.inputs))
                batches = list(order.reshape(-1, self.minibatch))
            loss = self.update(batches.pop() if batches else None)
        jax.block_until_ready((self.params, loss))


def main() -> None:
    began = time.perf_counter()
    start = read_start(sys.argv[1])
    loop = Loop(start)
    serve(loop.first_losses(start.steps), loop.train, runs=1, began=began)


if __name__ == "__main__":
    main()
