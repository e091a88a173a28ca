"""Histories and settings of runs as TensorBoard reads them, HParams dashboard included.

Only the messages of the package `tensorboard` are used; TensorFlow is not needed. A record of an event file is its
length, the masked CRC32C of that, the bytes, and the masked CRC32C of these.
"""

import importlib
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google_crc32c
import numpy as np
import pandas as pd
import xarray as xr

if TYPE_CHECKING:  # importing it is slow, and only annotations name it
    from grokjax.results.results import Results

METRICS = ("train/accuracy", "test/accuracy", "log10_delay", "steps_to_generalized")
_FILE = "events.out.tfevents.0.grokjax"  # no clock: the same runs give the same bytes
_MASK = 0xA282EAD8


def export_tensorboard(results: "Results", runs: pd.DataFrame, folder: Path) -> None:
    """Write a folder for each run, and one file that names settings and metrics.

    Args:
      runs: which of the results, rows of their table.

    Raises:
      ImportError: `tensorboard` is not installed.
    """
    Event, hparams = _messages()
    settings = [path for path in (*results.spec["axes"], *_seeds(runs), "phase", "status") if path in runs]
    domains = [hparams.HParam(path, _domain(runs[path].tolist())) for path in settings]
    config = hparams.hparams_config_pb(hparams=domains, metrics=[hparams.Metric(name) for name in METRICS])
    _write(folder, [Event(step=0, summary=config)])
    history = results.history
    names = [str(name) for name, column in history.data_vars.items() if column.dims == ("run", "k") and name != "step"]
    for run in runs.to_dict("records"):
        values = {path: _plain(run[path]) for path in settings}
        events = [Event(step=0, summary=hparams.hparams_pb(values, trial_id=run["run_id"], start_time_secs=0.0))]
        events += _rows(history.sel(run_id=run["run_id"]), names)
        last = Event(wall_time=float(run["final_step"]), step=int(run["final_step"]))
        for name in ("log10_delay", "steps_to_generalized"):
            if isinstance(value := run[name], int | float) and np.isfinite(value):
                last.summary.value.add(tag=name, simple_value=float(value))
        _write(folder / run["run_id"], [*events, last])


def _messages() -> tuple[Any, Any]:
    """The class of an event, and the module that describes settings; made at run time, so no types are known."""
    event = importlib.import_module("tensorboard.compat.proto.event_pb2").Event
    return event, importlib.import_module("tensorboard.plugins.hparams.summary_v2")


def _rows(history: xr.Dataset, names: Sequence[str]) -> list[Any]:
    """An event for each measured step; its time is the step, so that nothing hangs on a clock."""
    Event, _ = _messages()
    columns = {name: history[name].values for name in names}
    events = []
    for row, step in enumerate(history["step"].values.tolist()):
        if step < 0:
            continue
        event = Event(wall_time=float(step), step=step)
        for name, column in columns.items():
            if _is_value(column[row]):
                event.summary.value.add(tag=name, simple_value=float(column[row]))
        events.append(event)
    return events


def _seeds(runs: pd.DataFrame) -> list[str]:
    return [name for name in runs if str(name).startswith("seeds.") and len(set(runs[name].tolist())) > 1]


def _domain(values: Sequence[Any]) -> Any:
    """What values a setting has: an interval of numbers, or the texts that there are."""
    _, hparams = _messages()
    distinct = {_plain(value) for value in values}
    if len(distinct) > 1 and all(isinstance(value, float) for value in distinct):
        return hparams.RealInterval(min(distinct), max(distinct))
    return hparams.Discrete(sorted(distinct, key=str))


def _plain(value: Any) -> float | str:
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return float(value) if is_number else str(value)


def _is_value(value: np.generic) -> bool:
    """Whether something was measured: NaN, and -1 among whole numbers, stand for nothing."""
    return value != -1 if value.dtype.kind in "iu" else bool(np.isfinite(value))


def _write(folder: Path, events: Sequence[Any]) -> None:
    Event, _ = _messages()
    folder.mkdir(parents=True, exist_ok=True)
    records = [Event(wall_time=0.0, file_version="brain.Event:2"), *events]
    (folder / _FILE).write_bytes(b"".join(_record(event.SerializeToString()) for event in records))


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + _masked(length) + content + _masked(content)


def _masked(content: bytes) -> bytes:
    checksum = google_crc32c.value(content)
    return struct.pack("<I", (((checksum >> 15) | (checksum << 17)) + _MASK) & 0xFFFFFFFF)
