"""What the page says of a sweep that compares arms, whose runs are no map: what `grokjax compare` says."""

import shlex
from pathlib import Path
from typing import Any

from grokjax.reader.errors import SpecError, printable
from grokjax.reader.sealed import sealed
from grokjax.store.layout import StoreError


def arms_json(root: Path) -> dict[str, Any]:
    """A sentence, the command, and the comparison in words; no code or file that the sweep names is touched."""
    command = f"grokjax compare {shlex.quote(str(root))}"
    note = "This sweep compares arms, and some of its runs only tune them, so they make no map."
    try:
        text, why = _comparison(root), ""
    except StoreError as error:  # the runs that tune have not all ended
        text, why = "", printable(str(error).removeprefix(f"{root}: "))
    except SpecError:
        text, why = "", "It names code or files of somebody's own, which the page does not read; the command does."
    return {"note": f"{note} {why}".strip(), "command": command, "text": text}


def _comparison(root: Path) -> str:
    from grokjax.lab.arms import comparison_report  # imports JAX, which sweeps that are only shown do without
    from grokjax.report.comparison_text import comparison_text

    with sealed():
        return comparison_text(comparison_report(root))
