"""A small cohort whose lanes can be filled, cut and permuted at will; compiled once for all laws."""

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.measures.weight_norm import WeightNorm
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Curriculum, Minibatch, Run, Seeds
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.devices import Pool, choose_pools
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.program import Lane
from grokjax.train.worker import LocalWorker

STEPS, LANES = 24, 4
COMBINATIONS = list(
    itertools.product(("mlp", "transformer"), ("full", "minibatch"), ("dropout", "label_noise"), ("map", "vmap"))
) + [("mlp", "minibatch", "curriculum", executor) for executor in ("map", "vmap")]


def make_run(model: str, order: str, extra: str, number: int) -> Run:
    """Run `number` of a small sweep over fraction, decay, learning rate and seeds."""
    dropout = 0.1 + 0.05 * (number % 3) if extra == "dropout" else None
    models = {
        "mlp": MLP(width=12, encoding="concatenated", embedding=6, bias=True, dropout=dropout),
        "transformer": Transformer(width=8, heads=2, mlp_width=12, dropout=dropout),
    }
    return Run(
        task=ModularArithmetic(
            modulus=13,
            train_fraction=(0.3, 0.55, 0.85)[number % 3],
            label_noise=0.25 if extra == "label_noise" else 0.0,
        ),
        model=models[model],
        optimizer=AdamW(learning_rate=0.003 * (1 + number % 2), weight_decay=(0.1, 1.0, 5.0)[number % 3]),
        loss=CrossEntropy(),
        minibatch=Minibatch(at_most=40, share=0.5) if order == "minibatch" else None,
        curriculum=Curriculum(stages=(6, 10), accuracy=0.1, at_most=9) if extra == "curriculum" else None,
        seeds=Seeds(split=number, init=number + 1, order=number + 2, noise=number + 3),
    )


class SmallCohort:
    """Compiled programs of one combination, and what its runs become in them."""

    def __init__(self, model: str, order: str, extra: str, executor: str, devices: int = 1):
        """`devices`: with `vmap`, how many host devices share the program by `shard_map`, `LANES` lanes each."""
        self.combination = (model, order, extra)
        self.lanes = LANES * devices
        self.measure = MeasurePlan(every=Cadence("every", 8), looks=Cadence("ratio", 1.3), what=(WeightNorm(),))
        run = self.run(0)
        self.feed = Feed(run, run.task.signature(), [run.task], self.measure, None, STEPS)
        self.program = self.feed.program(self.lanes, 1 if executor == "map" else LANES)
        pool = Pool(choose_pools("cpu", "vmap")[0].devices[:devices])
        traced = Traced(self.program, pool)
        self.executables = traced.compile([pool], self.values(0), self.feed.tables, self.feed.schedule)[0]

    def run(self, number: int) -> Run:
        """One of its runs."""
        return make_run(*self.combination, number)

    def values(self, number: int) -> Any:
        """What a lane is filled from."""
        return self.feed.values(self.run(number))

    def train(
        self,
        places: Sequence[int | None],
        cuts: Sequence[int] = (STEPS,),
        schedule: Any = None,
        poison: int | None = None,
    ) -> dict[int, Lane]:
        """Train runs to their end.

        Args:
          places: lane -> run, None for an empty lane.
          cuts: limits of the segments, in updates.
          schedule: another one of the same length.
          poison: a run whose parameters start as NaN.

        Returns:
          Run -> its lane after the last update.
        """
        executables = self.executables
        if schedule is not None:
            schedule = jax.device_put(schedule, executables.pool.replicated())
            executables = dataclasses.replace(executables, schedule=schedule)
        worker = LocalWorker(executables)
        try:
            for lane, number in enumerate(places):
                if number is not None:
                    worker.fill(lane, number, self._start(worker, number, poison))
            for until in cuts:
                worker.start_segment(np.full(self.lanes, until), False).result()
            return {number: worker.take(lane) for lane, number in enumerate(places) if number is not None}
        finally:
            worker.close()

    def _start(self, worker: LocalWorker, number: int, poison: int | None) -> Any:
        if number != poison:
            return self.values(number)
        executables = self.executables
        values = jax.device_put(self.values(number), executables.pool.replicated())
        lane = executables.fresh(values, executables.tables)
        params = jax.tree.map(lambda leaf: np.full(leaf.shape, np.nan, leaf.dtype), lane.state.params)
        return jax.tree.map(np.asarray, lane)._replace(
            state=jax.tree.map(np.asarray, lane.state)._replace(params=params)
        )


@functools.cache
def compiled_cohort(*combination: str, devices: int = 1) -> SmallCohort:
    """Compiled when it is first asked for."""
    return SmallCohort(*combination, devices=devices)
