"""A worker's side: compiles a cohort for its own device and trains its lanes. Knows neither folder nor Ray.

It is told a cohort as the text of a sweep of one run, never as code, so it reads the user's files itself.
"""

import dataclasses
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grokjax.core.interfaces import Signature
from grokjax.drive.starts import Continuation, begun
from grokjax.orders.identity import sources_of
from grokjax.plan.cohorts import program_digest
from grokjax.reader.sweep_file import load
from grokjax.reader.yaml_file import parse
from grokjax.store.provenance import provenance
from grokjax.train.compilation_cache import use_compilation_cache
from grokjax.train.devices import choose_pools, prepare_host_devices
from grokjax.train.feed import Feed
from grokjax.train.preflight import compile_to_fit, device_facts, device_memory
from grokjax.train.program import MAP, Lane, Program, Tables, Values
from grokjax.train.worker import LocalWorker, SegmentReport


class UnequalWorkerError(RuntimeError):
    """A worker would not train what the others train."""


@dataclasses.dataclass(frozen=True)
class Assignment:
    """A cohort, as a worker is told of it.

    Attributes:
      text: a sweep file of one of its runs, with the measures, stop rules and budget of the sweep.
      digest: of its program, which must come out of that text.
      sources: checksums of the user's files that the text names, by name.
      signature, tables: of its tasks.
      values: of any of its runs; only shapes matter.
      executor: `map` or `vmap`.
      widths: lanes of a device to try, widest first.
      alone_bytes: of a device with one lane, by shapes.
      known: facts of the program that has trained some of its runs.
      snapshots: steps at which parameters are handed out.
    """

    text: str
    digest: str
    sources: Mapping[str, str]
    signature: Signature
    tables: Tables
    values: Values
    executor: str
    widths: Sequence[int]
    alone_bytes: int
    known: Mapping[str, Any] | None
    snapshots: Sequence[int]


@dataclasses.dataclass(frozen=True)
class Request:
    """One segment of a worker.

    Attributes:
      releases: lanes whose run is taken out.
      fills: lanes with what they are filled with.
      until, is_queued: see `Worker.start_segment`.
      wants_copy: whether all lanes are to come with the reply.
    """

    releases: Sequence[int]
    fills: Sequence[tuple[int, Values | Lane | Continuation]]
    until: np.ndarray
    is_queued: bool
    wants_copy: bool


@dataclasses.dataclass(frozen=True)
class Reply:
    """What a worker says of a segment.

    Attributes:
      report: what it took and did.
      steps, active: [lane].
      ended: lanes whose run has ended, as NumPy arrays, by number.
      weights: see `Worker.weights`.
      lanes: all of them where that was asked for.
    """

    report: SegmentReport
    steps: np.ndarray
    active: np.ndarray
    ended: dict[int, Lane]
    weights: list[tuple[int, int, Any]]
    lanes: Lane | None


class Host:
    """The lanes of one cohort at a time, on the device of this process."""

    def __init__(self, device: str | None):
        """`device`: see `choose_pools`."""
        prepare_host_devices()
        use_compilation_cache()
        self._device = device
        self._is_working = threading.Lock()  # what is asked beside a ping waits its turn
        self._worker: LocalWorker | None = None
        self._feed: Feed | None = None

    def facts(self) -> dict[str, Any]:
        """Where this process runs and on what, plain values."""
        pool = choose_pools(self._device, MAP)[0]
        return {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "memory": device_memory(pool),
            "devices": len(pool.devices),
            "platform": pool.devices[0].platform,
            "provenance": provenance(device_facts([pool])),
        }

    def ping(self) -> None:
        """Nothing but an answer, at any time."""

    def begin(self, assignment: Assignment) -> dict[str, Any]:
        """Compile a cohort and hold its lanes empty; gives the facts of its program.

        Raises:
          UnequalWorkerError: the user's files here are others, or another program comes out.
          MemoryLimitError: not one of the widths fits.
        """
        with self._is_working:
            return self._begin(assignment)

    def _begin(self, assignment: Assignment) -> dict[str, Any]:
        if self._worker is not None:
            self._worker.close()
            self._worker = None  # its lanes go before new ones come
        sweep = load(parse(assignment.text, "a cohort").content)
        _check_sources(assignment.sources, {name: source.sha256 for name, source in sources_of(sweep).items()})
        if program_digest(sweep.base, assignment.signature) != assignment.digest:
            raise UnequalWorkerError("the same sweep gives another program here")
        run, signature = sweep.base, assignment.signature
        feed = Feed(run, signature, assignment.tables, sweep.measure, sweep.stop, sweep.steps)
        pools = choose_pools(self._device, assignment.executor)

        def program(width: int) -> Program:
            size = len(pools[0].devices)
            return feed.program(width * size, 1 if assignment.executor == MAP else width, assignment.known)

        compiled = compile_to_fit(
            program, assignment.widths, pools[:1], assignment.values, feed.tables, feed.schedule, assignment.alone_bytes
        )
        self._feed, self._worker = feed, LocalWorker(compiled[0], assignment.snapshots)
        return self._worker.program.facts()

    def segment(self, request: Request) -> Reply:
        """Take out and fill in what is asked, train a segment, hand over what came of it."""
        with self._is_working:
            return self._segment(request)

    def _segment(self, request: Request) -> Reply:
        worker, feed = self._worker, self._feed
        assert worker is not None and feed is not None, "a segment before its cohort"
        for lane in request.releases:
            worker.release(lane)
        for lane, start in request.fills:
            worker.fill(lane, None, begun(start, worker.executables, feed.schedule))
        report = worker.start_segment(request.until, request.is_queued).result()
        ended = {lane: worker.take(lane) for lane in worker.ended().tolist()}
        copied = worker.copy_lanes() if request.wants_copy else None
        return Reply(report, worker.steps, worker.active, ended, worker.weights(), copied)

    def lanes(self) -> Lane:
        """All lanes as NumPy arrays."""
        assert self._worker is not None, "lanes before their cohort"
        return self._worker.copy_lanes()


def _check_sources(wanted: Mapping[str, str], there: Mapping[str, str]) -> None:
    differing = [name for name, sha256 in wanted.items() if there.get(name) != sha256]
    if differing:
        raise UnequalWorkerError(f"{', '.join(differing)} is another file here than where the sweep was started")
