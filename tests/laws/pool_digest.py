"""Prints a checksum of every bit of two runs, trained by this process on its last device; see test_pools.py.

Arguments: lanes, `pinned` to keep all threads on one core, and `measured` to take every measure that fits the runs.
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
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run
from grokjax.regularizers.spectral_entropy import SpectralEntropy
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.devices import choose_pools, prepare_host_devices
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.worker import Worker

NETWORKS = {
    "mlp": (MLP(width=256, encoding="concatenated", bias=True), (), 0.4, 8),
    "transformer": (Transformer(), (), 0.1, 3),
    "singular values": (MLP(width=500), (SpectralEntropy(strength=0.1),), 0.1, 3),
}


def every_measure(name: str) -> tuple[Measure, ...]:
    """Those that may look at modular addition by this network."""
    refused = {"by_operation", "representation_quality", "fit", *(["attention"] if name != "transformer" else [])}
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
    what = every_measure(name) if is_measured else (WeightNorm(),)
    measure = MeasurePlan(every=Cadence("every", 2), looks=Cadence("every", 2), what=what)
    feed = Feed(run, run.task.signature(), [run.task], measure, None, steps)
    pool, values = choose_pools("cpu", "map")[-1], feed.values(run)
    worker = Worker(Traced(feed.program(lanes, 1), pool).compile([pool], values, feed.tables, feed.schedule)[0])
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
    sys.stdout.write(" ".join(digest(name, int(sys.argv[1]), "measured" in sys.argv) for name in NETWORKS) + "\n")
