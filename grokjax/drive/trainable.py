"""Sweeps that can be trained: read, and asked everything that would make their training a waste."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grokjax.core.data_warning import DataWarning
from grokjax.drive.claim_check import check_claims, check_stop
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep import Sweep
from grokjax.reader.sweep_file import load
from grokjax.results.stored_params import check_starts
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
        are then said in a warning in place of an error.
      folder: what relative paths of a mapping are relative to; of a file they are relative to the file.
      scale: which of the file's `scales` is meant; None for the sweep in full.

    Raises:
      SpecError: with every problem found, each with file, line and key.
    """
    changed = {override.partition("=")[0].strip().partition(".")[0] for override in overrides} - {"name"}
    is_lenient = bool(changed) and "claims" not in changed

    def check(sweep: Sweep) -> None:
        check_trainable(sweep)
        try:
            check_claims(sweep, scale)
        except SpecError as error:
            if not is_lenient:
                raise
            warnings.warn(f"with --set, no run can decide what the file claims:\n{error}", DataWarning, stacklevel=2)

    return load(path_or_mapping, overrides, folder, check, scale)


def check_trainable(sweep: Sweep) -> None:
    """Refuse starts that are not stored, runs that are equal to others, and stops on what is not measured.

    Raises:
      SpecError: with the key and the reason.
    """
    check_starts(sweep)
    check_equal_runs(sweep)
    check_stop(sweep)
