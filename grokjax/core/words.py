"""Words that have one home: groups of examples that are reported apart, seeds of a run, names that may be meant."""

import difflib
from collections.abc import Iterable

GROUPS = ("train_clean", "train_noisy", "test_mirrored", "test_novel")
"""Parts of the table that are reported apart. `train_noisy`: the given label differs from the true one.
`test_mirrored`: the swapped pair has the same answer and is in train. A group's position here is its code."""
NUM_TRAIN_GROUPS = 2
"""The first groups are the train set."""
REPORTED_GROUPS = ("train", "test", *GROUPS)
"""The same with what they are parts of."""
FIT_PERCENT = 99
"""Of the clean train examples right: the train set is fit, as the default phase rule has it."""
STREAMS = ("split", "init", "order", "noise")
"""Seeds of a run: each can be an axis or held fixed."""


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known name that looks most like `name`, whatever its case; None when none is as like, from 0 to 1."""
    by_lower = {str(other).lower(): str(other) for other in reversed([*known])}
    close = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=likeness)
    return by_lower[close[0]] if close else None
