"""Sweeps that can be trained: read, and asked everything that would make their training a waste."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from grokjax.core.data_warning import DataWarning
from grokjax.drive.claim_check import check_claims, check_stop
from grokjax.lab.initial_params import check_starts
from grokjax.reader.comparison import of_arm
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep import Sweep
from grokjax.reader.sweep_file import load
from grokjax.store.layout import Layout
from grokjax.train.equal_runs import check_equal_runs


def load_sweep(
    path_or_mapping: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    folder: Path | None = None,
    scale: str | None = None,
) -> Sweep:
    """A sweep file, or what one would say, as a sweep that can be trained.

    Args:
      path_or_mapping: a file, or a mapping of its keys.
      overrides: `KEY=VALUE` texts as of `--set`; later ones win. Claims of the file that no run can decide any more
        are then said in a warning in place of an error, and so are claims and equal runs of a folder's own file.
      folder: what relative paths of a mapping are relative to; of a file they are relative to the file.
      scale: which of the file's `scales` is meant; None for the sweep in full.

    Raises:
      SpecError: with every problem found, each with file, line and key.
    """
    changed = {override.partition("=")[0].strip().partition(".")[0] for override in overrides} - {"name"}
    is_lenient = bool(changed) and "claims" not in changed

    is_stored = isinstance(path_or_mapping, str | Path) and not overrides and _is_stored(Path(path_or_mapping))

    def check(sweep: Sweep) -> None:
        check_trainable(sweep, is_stored)
        cause = "with --set, " if is_lenient else ""
        with _only_warned(is_lenient or is_stored, f"{cause}no run can decide what the file claims"):
            check_claims(sweep, scale)

    return load(path_or_mapping, overrides, folder, check, scale)


def check_trainable(sweep: Sweep, is_stored: bool = False) -> None:
    """Refuse starts that are not stored, runs that are equal to others, and stops on what is not measured.

    Args:
      is_stored: whether a folder holds the sweep already: then equal runs are only told, and it goes on.

    Raises:
      SpecError: with the key and the reason.
    """
    check_starts(sweep)
    if sweep.compare is None:
        with _only_warned(is_stored, "equal runs count once"):
            check_equal_runs(sweep)
    for arm in () if sweep.compare is None else sweep.compare.arms:
        with _only_warned(is_stored, "equal runs count once"), of_arm(arm.name):
            check_equal_runs(sweep.arm_sweep(arm))
    check_stop(sweep)


def check_extension(sweep: Sweep, stored: Sweep) -> None:
    """Refuse runs of an extended sweep that are equal to others; where the stored sweep has such runs, only tell.

    Claims belong to the sweep as it was: a new axis may leave them undecided, which is told.

    Raises:
      SpecError: with the key and the reason.
    """
    try:
        check_equal_runs(stored)
        had_equal_runs = False
    except SpecError:
        had_equal_runs = True
    with _only_warned(had_equal_runs, "equal runs count once"):
        check_equal_runs(sweep)
    with _only_warned(True, "no run can decide what the sweep claims"):
        check_claims(sweep)


def _is_stored(path: Path) -> bool:
    """Whether a sweep file is the one that a results folder keeps of itself."""
    layout = Layout(path.parent)
    return path.name == layout.spec_yaml.name and layout.head.is_file()


@contextlib.contextmanager
def _only_warned(is_lenient: bool, consequence: str) -> Iterator[None]:
    """Say what would be refused in a warning, where the sweep is to be trained all the same."""
    try:
        yield
    except SpecError as error:
        if not is_lenient:
            raise
        warnings.warn(f"{consequence}:\n{error}", DataWarning, stacklevel=4)
