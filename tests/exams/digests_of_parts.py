"""Prints a checksum of what each optimizer and regularizer does to long matrices; see test_every_pool.py.

Arguments: `alone`, or `engine` for whole runs of the engine on its last device, as in a sweep.
"""

import hashlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

from grokjax.core.part import Part
from grokjax.core.streams import stream
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.devices import choose_pools, prepare_host_devices
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.worker import LocalWorker
from tests.exams.conftest import examples_of

SHAPES = {"hidden/wide": (200, 600), "hidden/square": (300, 300), "output/tall": (3000, 40), "bias": (600,)}
UPDATES = 2


def digest(tree: object) -> str:
    sums = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        sums.update(np.ascontiguousarray(leaf).tobytes())
    return sums.hexdigest()[:16]


def alone(slot: str, part: Part) -> str:
    """Weights after a few updates along gradients that are drawn."""
    random = np.random.default_rng(0)
    params, *gradients = (
        {name: jnp.asarray(random.normal(size=shape), jnp.float32) for name, shape in SHAPES.items()}
        for _ in range(UPDATES + 1)
    )

    @jax.jit
    def train(part: Part, params: dict, gradients: list[dict]) -> dict:
        regularizers, optimizer = ((part,), AdamW()) if slot == "regularizers" else ((), part)
        transform = optax.chain(*(one.gradient() for one in regularizers), optimizer.transform())
        state = transform.init(params)
        for step, gradient in enumerate(gradients):
            for one in regularizers:
                key = stream(0, "noise", step)
                params = one.ascend(one.perturb(params, key, jnp.int32(step)), gradient)
                slope = jax.grad(lambda at, one=one, key=key: jnp.asarray(one.penalty(at, key, jnp.int32(0))))(params)
                gradient = jax.tree.map(jnp.add, gradient, slope)
            updates, state = transform.update(gradient, state, params)
            params = optax.apply_updates(params, updates)
            for one in regularizers:
                params = one.project(one.jitter(params, stream(0, "noise", step), jnp.int32(step)))
        return params

    return digest(train(part, params, gradients))


def by_the_engine(slot: str, part: Part) -> str:
    """State of a run after a few updates."""
    fields = {"optimizer": AdamW(), "regularizers": (part,)} if slot == "regularizers" else {"optimizer": part}
    model = MLP(width=300, depth=2, bias=True)
    run = Run(task=ModularArithmetic(modulus=97, train_fraction=0.3), model=model, **fields)
    measure = MeasurePlan(every=Cadence("every", UPDATES), looks=Cadence("every", UPDATES), what=())
    feed = Feed(run, run.task.signature(), [run.task], measure, None, UPDATES)
    pool, values = choose_pools("cpu", "map")[-1], feed.values(run)
    worker = LocalWorker(Traced(feed.program(1, 1), pool).compile([pool], values, feed.tables, feed.schedule)[0])
    worker.fill(0, 0, values)
    worker.start_segment(np.full(1, UPDATES), False).result()
    lane = worker.take(0)
    worker.close()
    return digest(lane.state)


if __name__ == "__main__":
    prepare_host_devices()
    of = by_the_engine if "engine" in sys.argv else alone
    for slot in ("optimizers", "regularizers"):
        for name, part in examples_of(slot):
            sys.stdout.write(f"{name} {of(slot, part)}\n")
