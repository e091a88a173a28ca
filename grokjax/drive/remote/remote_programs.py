"""The programs of one cohort after another, compiled by the worker that comes first; nothing is compiled here."""

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import wait
from typing import Any, Self

import jax
import numpy as np

from grokjax.drive.preparation import Ready, feed_of, lane_shapes
from grokjax.drive.remote.crew import BEGIN_SECONDS, Crew, Member, Pulse, WorkerLostError
from grokjax.drive.remote.host import Assignment, UnequalWorkerError
from grokjax.drive.remote.remote_trainer import RemoteTrainer
from grokjax.drive.standing import Standing
from grokjax.drive.starts import Starts
from grokjax.orders.identity import sources_of
from grokjax.orders.order import Order
from grokjax.plan.cohorts import program_digest
from grokjax.plan.plan import CohortPlan
from grokjax.reader.measured_steps import cadence_steps
from grokjax.reader.sweep import Sweep
from grokjax.reader.yaml_text import dump
from grokjax.train.feed import Feed
from grokjax.train.preflight import SAVED_COPIES, MemoryLimitError, host_memory, widths_of
from grokjax.train.program import Lane, Program, Values
from grokjax.train.stop import Stop
from grokjax.train.trainer import Trainer

TICK = 0.2


class RemotePrograms:
    """Lets a worker compile each cohort; the others follow when its width is known."""

    _begun: Member
    _assignment: Assignment

    def __init__(self, standing: Standing, crew: Crew):
        self._standing, self._crew = standing, crew

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Workers are ended by their fleet."""

    def programs_of(self, planned: CohortPlan, first: Order, narrowed: int | None) -> Ready:
        """The programs of a cohort, waited for; see `CompileAhead.programs_of`.

        Raises:
          Stop: it is time to stop.
          MemoryLimitError: no width fits a worker, or all lanes do not fit into the memory here.
          WorkersError: no worker is left, and none comes.
        """
        standing, cohort = self._standing, planned.cohort
        feed, values_of = feed_of(standing.sweep, cohort)
        values, known = values_of(first), standing.folder.programs.get(cohort.key)
        executor, lanes = standing.devices.executor, narrowed or standing.options.lanes
        snapshots = cadence_steps(standing.sweep.weights, standing.sweep.steps) if standing.sweep.weights else []
        text, sources = _of_one_run(standing.sweep, planned)
        self._assignment = Assignment(
            text=text,
            digest=program_digest(cohort.run, cohort.signature),
            sources=sources,
            signature=cohort.signature,
            tables=feed.tables,
            values=values,
            executor=executor,
            widths=widths_of(planned, executor, lanes, known, narrowed is not None),
            alone_bytes=planned.size.device_bytes(1),
            known=known,
            snapshots=[int(step) for step in snapshots],
        )
        facts = self._begin()
        self._assignment = dataclasses.replace(
            self._assignment, known=facts, widths=[facts["lanes"] // standing.devices.of_pool]
        )
        program = feed.program(facts["lanes"], facts["block_lanes"], facts)
        return Ready(feed, values_of, program, self._shapes(program, feed, values), [])

    def begin_after(self, number: int) -> None:
        """Workers have one cohort at a time."""

    def trainer(self, ready: Ready, orders: Iterable[Order], starts: Starts, snapshots: Sequence[int]) -> Trainer:
        """Lanes of a cohort in the workers."""
        standing = self._standing

        def beat() -> None:
            standing.progress.pools = max(1, len(self._crew.members))
            standing.options.watch(standing.progress)

        return RemoteTrainer(
            self._crew,
            self._begun,
            self._assignment,
            ready.program,
            orders,
            starts,
            standing.reason_to_stop,
            standing.folder.log,
            beat,
        )

    def _begin(self) -> Mapping[str, Any]:
        """Facts of the program, from the first worker that can be asked."""
        while True:
            self._begun = self._crew.answering(self._check_stop)
            answer, asked = self._begun.call("begin", self._assignment), time.monotonic()
            pulse = Pulse(self._begun)
            while not answer.done() and time.monotonic() - asked < BEGIN_SECONDS:
                if pulse.is_lost(self._crew.patience):
                    break
                self._check_stop()
                wait([answer], TICK)
            try:
                return self._crew.result(answer, 0)
            except WorkerLostError as error:
                self._crew.dismiss(self._begun, f"was lost while it compiled ({error})")
                self._crew.has_failed_to_begin(error)
            except UnequalWorkerError as error:
                self._crew.dismiss(self._begun, f"is refused: {error}")
                self._crew.has_failed_to_begin(error)

    def _check_stop(self) -> None:
        if reason := self._standing.reason_to_stop():
            raise Stop(reason)

    def _shapes(self, program: Program, feed: Feed, values: Values) -> Lane:
        """Shapes of one lane, once it is clear that the lanes of all workers fit into the memory here when saved."""
        lane, free = lane_shapes(program, feed, values), host_memory()
        one = sum(int(np.prod(leaf.shape)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(lane))
        workers = self._standing.devices.pools
        needed = (SAVED_COPIES + 1) * one * program.lanes * workers  # the last copy is kept
        if free is not None and needed > free:
            raise MemoryLimitError(
                f"{program.lanes} lanes of {workers} workers need {needed / 2**20:,.0f} MiB here while "
                f"they are saved, but {free / 2**20:,.0f} MiB are free; take fewer --lanes."
            )
        return lane


def _of_one_run(sweep: Sweep, planned: CohortPlan) -> tuple[str, dict[str, str]]:
    """A sweep file of a single run of a cohort, and the checksums of the user's files that it names."""
    run = planned.cohort.run
    alone = dataclasses.replace(sweep, base=run, axes=(), compare=None, exclude=(), claims=())
    return dump(alone.to_mapping()), {name: source.sha256 for name, source in sources_of(alone).items()}
