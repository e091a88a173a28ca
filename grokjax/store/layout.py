"""Where everything of a sweep lies in its folder.

spec.json            the sweep as written out in full, its hash, schema version and axes
spec.yaml            the first of these as a file: `grokjax run` reads it back
plan.json            cohorts and the programs that trained them
provenance.jsonl     one record per start: versions, own sources, machine, flags, git state
events.jsonl         what happened when: started, filled, ended, saved; wall times live here only
HEAD.json            what is committed; HEAD.prev.json is its predecessor
runs/NNNNNN.npz      finished runs: whole history and final values, many runs a file, immutable
weights/NNNNNN.npz   their final parameters (and optimizer state, for runs that can be continued)
snapshots/NNNNNN.npz  parameters of runs at scheduled steps, many a file
measured/NNNNNN.npz  what was measured from stored parameters afterwards, many measurements a file
checkpoints/N/       orbax: the whole batched state; N.sums.json holds the checksum of every leaf
live.json, live.npz  progress and partial curves; replaced all the time, never needed
history.zarr         all histories in one Zarr v3 dataset, written when the sweep ends
table.csv            one row per run, written when the sweep ends
quarantine/          what failed its checksum
"""

import dataclasses
from pathlib import Path

from grokjax.core.words import STREAMS

SCHEMA = 2  # since 2 every record and every line of a log has a checksum, and spec.json holds the text of spec.yaml
OLDEST_SCHEMA = 1
"""Folders from here on can be read; `grokjax migrate` brings them up to date, which only then can be trained into."""
WRITTEN = ("runs", "weights", "snapshots", "measured", "checkpoints")
"""Folders inside it in which files are committed."""
SEED_PATHS = tuple(f"seeds.{stream}" for stream in STREAMS)

PARTS = ("task", "model", "optimizer", "loss", "regularizers")
"""Settings that are whole parts, of which folders opened together may have several."""


class StoreError(RuntimeError):
    """The folder is in conflict with what was asked, or damaged."""


class UnknownRunError(StoreError):
    """A run id that the sweep does not have."""


class UnknownStepError(StoreError):
    """A step of a run of which nothing is stored."""


class StoreWarning(UserWarning):
    """Something in a folder is not as it should be, and the answer is given all the same."""


class LockedError(RuntimeError):
    """Another process works on the folder."""


class NoLocksError(RuntimeError):
    """Nobody can tell whether another process works on the folder."""


def check_schema(schema: object, place: Path) -> None:
    """Refuse what a newer grokjax wrote, and a number that no grokjax has written.

    Raises:
      StoreError: with what can be done.
    """
    if not isinstance(schema, int) or schema < OLDEST_SCHEMA:
        raise StoreError(f"{place} is damaged: there is no schema {schema}.")
    if schema > SCHEMA:
        raise StoreError(
            f"{place}: written by a newer grokjax (schema {schema}, this one reads up to {SCHEMA}); update grokjax."
        )


@dataclasses.dataclass(frozen=True)
class Layout:
    """Paths inside a sweep's folder."""

    root: Path

    def __getattr__(self, name: str) -> Path:
        if name in _NAMES:
            return self.root / _NAMES[name]
        raise AttributeError(name)

    def run_file(self, sequence: int) -> Path:
        """Histories of finished runs."""
        return self.root / "runs" / f"{sequence:06d}.npz"

    def weights_file(self, sequence: int) -> Path:
        """Final parameters of the runs in `run_file(sequence)`."""
        return self.root / "weights" / f"{sequence:06d}.npz"

    def snapshot_file(self, sequence: int) -> Path:
        """Parameters of runs at scheduled steps."""
        return self.root / "snapshots" / f"{sequence:06d}.npz"

    def measured_file(self, sequence: int) -> Path:
        """What was measured from stored parameters."""
        return self.root / "measured" / f"{sequence:06d}.npz"

    def sums_file(self, checkpoint: int) -> Path:
        """Checksums of a checkpoint's leaves."""
        return self.root / "checkpoints" / f"{checkpoint}.sums.json"


_NAMES = {
    "spec_yaml": "spec.yaml",
    "spec_json": "spec.json",
    "plan": "plan.json",
    "provenance": "provenance.jsonl",
    "events": "events.jsonl",
    "head": "HEAD.json",
    "previous_head": "HEAD.prev.json",
    "runs": "runs",
    "weights": "weights",
    "checkpoints": "checkpoints",
    "live": "live.json",
    "live_curves": "live.npz",
    "history": "history.zarr",
    "table": "table.csv",
    "quarantine": "quarantine",
    "lock": "LOCK",
}
