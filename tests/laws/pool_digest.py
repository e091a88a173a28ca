"""Prints a checksum of every bit of a few runs, trained by this process on its last device; see test_pools.py.

Arguments: lanes, `pinned` to keep all threads on one core, `measured` to take every measure that fits the runs, and
`wide` with the name of one that has more than 128 classes, to train it alone.
Devices and threads are as in a sweep.
"""

import hashlib
import os
import sys

import jax
import numpy as np

from grokjax.core.catalogue import catalogue
from grokjax.core.interfaces import Measure
from grokjax.measures.hessian import Hessian
from grokjax.measures.weight_norm import WeightNorm
from grokjax.models.factored import Factored
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Minibatch, Run
from grokjax.regularizers.spectral_entropy import SpectralEntropy
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.devices import choose_pools, prepare_host_devices
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.worker import LocalWorker

NETWORKS = {
    "mlp": (MLP(width=256, encoding="concatenated", bias=True), (), 0.4, 8),
    "transformer": (Transformer(), (), 0.1, 3),
    "singular values": (MLP(width=500), (SpectralEntropy(strength=0.1),), 0.1, 3),
}
WIDE = {  # modulus, model, minibatch: more classes or examples than a product of fixed bits may sum over
    "a block of 200 examples": (97, MLP(depth=2, width=300, encoding="concatenated", bias=True), 200),
    "a block of 256 examples, 193 units": (97, MLP(depth=2, width=193, encoding="concatenated", bias=True), 256),
    "few units, a block of 256 examples": (97, MLP(depth=2, width=64, encoding="concatenated", bias=True), 256),
    "fewer classes than units": (149, MLP(width=256, encoding="concatenated", bias=True), None),
    "more classes than units": (257, MLP(width=256), 384),
    "tall embedding": (149, MLP(width=97, embedding=700, encoding="summed"), 384),
    "factored": (149, Factored(), 384),
    "transformer": (211, Transformer(form="merged"), 384),
}


def every_measure(name: str) -> tuple[Measure, ...]:
    """Those that may look at modular addition by this network."""
    refused = {
        "by_operation",
        "other_task",
        "representation_quality",
        "fit",
        *(["attention"] if name != "transformer" else []),
    }
    return tuple(
        cls(iterations=2) if cls is Hessian else cls()
        for kind, cls in catalogue("measures").items()
        if kind not in refused
    )


def digest(name: str, lanes: int, is_measured: bool) -> str:
    """SHA-256 of a run of the network at p = 97: weights, optimizer, history."""
    model, regularizers, fraction, steps = NETWORKS[name]
    run = Run(
        task=ModularArithmetic(modulus=97, train_fraction=fraction),
        model=model,
        optimizer=AdamW(weight_decay=1.0),
        regularizers=regularizers,
    )
    return checksum(run, every_measure(name) if is_measured else (WeightNorm(),), lanes, steps)


def wide_run(name: str) -> Run:
    """A run of `WIDE`."""
    modulus, model, minibatch = WIDE[name]
    return Run(
        task=ModularArithmetic(modulus=modulus, train_fraction=0.1),
        model=model,
        optimizer=AdamW(weight_decay=1.0),
        minibatch=Minibatch(at_most=minibatch) if minibatch else None,
    )


def checksum(run: Run, what: tuple[Measure, ...], lanes: int, steps: int) -> str:
    """SHA-256 of the last lane after so many steps."""
    measure = MeasurePlan(every=Cadence("every", 2), looks=Cadence("every", 2), what=what)
    feed = Feed(run, run.task.signature(), [run.task], measure, None, steps)
    pool, values = choose_pools("cpu", "map")[-1], feed.values(run)
    worker = LocalWorker(Traced(feed.program(lanes, 1), pool).compile([pool], values, feed.tables, feed.schedule)[0])
    worker.fill(lanes - 1, 0, values)
    worker.start_segment(np.full(lanes, steps), False).result()
    lane = worker.take(lanes - 1)
    worker.close()
    sums = hashlib.sha256()
    for leaf in jax.tree.leaves(lane):
        sums.update(np.ascontiguousarray(leaf).tobytes())
    return sums.hexdigest()


if __name__ == "__main__":
    if "pinned" in sys.argv:  # before JAX starts its threads, which inherit it
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    prepare_host_devices()
    lanes = int(sys.argv[1])
    if "wide" in sys.argv:
        sums = [checksum(wide_run(sys.argv[sys.argv.index("wide") + 1]), (WeightNorm(),), lanes, 2)]
    else:
        sums = [digest(name, lanes, "measured" in sys.argv) for name in NETWORKS]
    sys.stdout.write(" ".join(sums) + "\n")
