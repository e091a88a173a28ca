"""Hand-made histories: runs given by their steps and counts, everything else filled in."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from grokjax.analysis.history import Looks

SIZES = {"train_clean": 100, "train_noisy": 0, "test_mirrored": 0, "test_novel": 200}


def _make(*runs: Mapping, settings: Mapping | None = None) -> Looks:
    """Looks of runs, each a dict of `steps` and whatever is not the default.

    That is: counts by group (`train_clean`, `train_noisy`, `recovered`, `test_mirrored`, `test_novel`), `sizes`,
    `train_loss`, `test_loss`, `budget`, `stop_reason`, `diverged`.
    """
    width = max((len(run["steps"]) for run in runs), default=0)

    def padded(run: Mapping, values: list, fill: float) -> list:
        return [*values, *[fill] * (width - len(run["steps"]))]

    def table(name: str, fill: float, default: float, dtype: type) -> np.ndarray:
        rows = [padded(run, list(run.get(name, [default] * len(run["steps"]))), fill) for run in runs]
        return np.array(rows, dtype).reshape(len(runs), width)

    sizes = {group: np.array([run.get("sizes", {}).get(group, SIZES[group]) for run in runs]) for group in SIZES}
    columns = {f"{group}/correct": table(group, 10**6, 0, np.int32) for group in SIZES}  # padding that would pass
    columns["train_noisy/recovered"] = table("recovered", 10**6, 0, np.int32)
    for whole, parts in (("train", ("train_clean", "train_noisy")), ("test", ("test_mirrored", "test_novel"))):
        columns[f"{whole}/correct"] = columns[f"{parts[0]}/correct"] + columns[f"{parts[1]}/correct"]
        sizes[whole] = sizes[parts[0]] + sizes[parts[1]]
        columns[f"{whole}/loss"] = table(f"{whole}_loss", -1.0, 1.0, np.float32)  # padding below every real loss
    steps = np.array([padded(run, run["steps"], -1) for run in runs], np.int64).reshape(len(runs), width)
    ends = [run["steps"][-1] if run["steps"] else 0 for run in runs]
    reasons = ["diverged" if run.get("diverged") else run.get("stop_reason", "budget") for run in runs]
    return Looks(
        steps=steps,
        columns=columns,
        sizes=sizes,
        diverged=np.array([bool(run.get("diverged", False)) for run in runs], bool),
        budget=np.array([run.get("budget", end) for run, end in zip(runs, ends, strict=True)], np.int64),
        stop_reason=np.array(reasons, object),
        settings={name: np.asarray(values) for name, values in (settings or {}).items()},
    )


@pytest.fixture(scope="session")
def make_looks() -> Callable[..., Looks]:
    return _make
