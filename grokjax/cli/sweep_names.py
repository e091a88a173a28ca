"""Which sweep is meant: a file, or the name of one that ships with the package; and what does it say?"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grokjax.cli.main import UsageError
from grokjax.core.words import nearest
from grokjax.reader.shipped import packaged_sweeps

if TYPE_CHECKING:  # importing it imports JAX, which commands that only read do without
    from grokjax.reader.sweep import Sweep


def find_sweep(text: str) -> Path:
    """The sweep file that SPEC names.

    Raises:
      UsageError: there is none.
    """
    path, sweeps = Path(text), packaged_sweeps()
    if text in sweeps and not path.is_file():  # a folder of that name holds results
        return sweeps[text]
    if path.exists() or path.suffix in (".yaml", ".yml"):
        return path
    close = nearest(text, sweeps)
    hint = f"did you mean {close!r}?" if close else f"sweeps that ship with grokjax: {', '.join(sweeps)}."
    raise UsageError(f"SPEC {text!r} is neither a file nor a sweep that ships with grokjax; {hint}")


def read_sweep(path: Path, overrides: Sequence[str], scale: str | None = None) -> "Sweep":
    """A sweep that can be trained: checked, and what its runs start from is stored.

    Claims speak of the sweep as its file has it; where overrides leave them undecided, a warning says so.

    Raises:
      SpecError: with file and line.
    """
    from grokjax.drive.trainable import load_sweep

    return load_sweep(path, overrides, scale=scale)
