"""Tables of runs with known phases, labelled by the analysis from hand-made histories."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from grokjax.analysis.history import Looks
from grokjax.analysis.table import event_columns

STEPS = (0, 10, 20, 100, 1000)
NUM_TRAIN, NUM_TEST = 100, 200
# From which look on a run has fitted and generalized, and whether it falls back at the end.
COURSES = {
    "confusion": (None, None, False),
    "memorization": (1, None, False),
    "grokking": (1, 3, False),
    "comprehension": (1, 2, False),
    "unfit": (None, 2, False),
    "collapsed": (1, 2, True),
    "diverged": (1, None, False),
    "undecided": (1, None, False),
}
Cell = tuple[Mapping[str, object], Sequence[str]]


def looks_of(phases: Sequence[str]) -> Looks:
    """One history a phase; undecided ones are still running."""
    shape = (len(phases), len(STEPS))
    train, test = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for run, phase in enumerate(phases):
        fits, generalizes, falls = COURSES[phase]
        train[run, len(STEPS) if fits is None else fits :] = NUM_TRAIN
        test[run, len(STEPS) if generalizes is None else generalizes :] = NUM_TEST
        test[run, -1] = 0 if falls else test[run, -1]
    none = np.zeros(shape, np.int64)
    reasons = {"diverged": "diverged", "undecided": "running"}
    sizes = {"train_clean": NUM_TRAIN, "train_noisy": 0, "test_mirrored": 0, "test_novel": NUM_TEST}
    counts = {"train_clean": train, "train_noisy": none, "test_mirrored": none, "test_novel": test}
    counts |= {"train": train, "test": test}
    sizes |= {"train": NUM_TRAIN, "test": NUM_TEST}
    losses = {"train/loss": 1 - 0.99 * train / NUM_TRAIN, "test/loss": 1 - 0.99 * test / NUM_TEST}
    return Looks(
        steps=np.broadcast_to(np.array(STEPS, np.int64), shape).copy(),
        columns={f"{group}/correct": count for group, count in counts.items()} | losses,
        sizes={group: np.full(len(phases), size) for group, size in sizes.items()},
        diverged=np.array([phase == "diverged" for phase in phases]),
        budget=np.full(len(phases), STEPS[-1]),
        stop_reason=np.array([reasons.get(phase, "budget") for phase in phases], object),
    )


def runs_of(cells: Sequence[Cell]) -> pd.DataFrame:
    """One row a run: the settings of its cell, its seed, and what the analysis says of its history."""
    rows = [{**cell, "seeds.split": seed} for cell, phases in cells for seed in range(len(phases))]
    wanted = [phase for _, phases in cells for phase in phases]
    events = event_columns(looks_of(wanted))
    assert events["phase"].tolist() == wanted  # the histories are what they are called
    return pd.concat([pd.DataFrame(rows), events], axis=1)


@pytest.fixture(scope="session")
def make_looks() -> Callable[[Sequence[str]], Looks]:
    return looks_of


@pytest.fixture(scope="session")
def make_runs() -> Callable[[Sequence[Cell]], pd.DataFrame]:
    return runs_of


@pytest.fixture(scope="session")
def grid_runs() -> pd.DataFrame:
    """Weight decay 0.1, 1, 10 by train fraction 0.3, 0.6; five seeds a cell; one cell has no run."""
    decay, fraction = "optimizer.weight_decay", "task.train_fraction"
    five = {name: [name] * 5 for name in COURSES}
    return runs_of(
        [
            ({decay: 0.1, fraction: 0.3}, five["memorization"]),
            ({decay: 1.0, fraction: 0.3}, ["memorization"] * 2 + ["grokking"] * 3),
            ({decay: 10.0, fraction: 0.3}, five["confusion"]),
            ({decay: 0.1, fraction: 0.6}, ["grokking", "grokking", "comprehension", "comprehension", "collapsed"]),
            ({decay: 1.0, fraction: 0.6}, five["comprehension"]),
        ]
    )
