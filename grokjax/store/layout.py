"""Where everything of a sweep lies in its folder.

spec.yaml            the sweep as written out in full; `grokjax run` reads it back
spec.json            its hash, schema version and axes
plan.json            cohorts and the programs that trained them
provenance.jsonl     one record per start: versions, device, flags, git state
events.jsonl         what happened when: started, filled, ended, saved; wall times live here only
HEAD.json            what is committed; HEAD.prev.json is its predecessor
runs/NNNNNN.npz      finished runs: whole history and final values, many runs a file, immutable
weights/NNNNNN.npz   their final parameters (and optimizer state, for runs that can be continued)
snapshots/NNNNNN.npz  parameters of runs at scheduled steps, many a file
checkpoints/N/       orbax: the whole batched state; N.sums.json holds the checksum of every leaf
live.json, live.npz  progress and partial curves; replaced all the time, never needed
history.zarr         all histories in one Zarr v3 dataset, written when the sweep ends
table.csv            one row per run, written when the sweep ends
quarantine/          what failed its checksum
"""

import dataclasses
from pathlib import Path

SCHEMA = 1
SEED_PATHS = ("seeds.split", "seeds.init", "seeds.order", "seeds.noise")


class StoreError(RuntimeError):
    """The folder is in conflict with what was asked, or damaged."""


class UnknownRunError(StoreError):
    """A run id that the sweep does not have."""


class UnknownStepError(StoreError):
    """A step of a run of which nothing is stored."""


class LockedError(RuntimeError):
    """Another process works on the folder."""


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
