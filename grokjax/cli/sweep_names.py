"""Which sweep is meant: a file, or the name of one that ships with the package."""

import difflib
from pathlib import Path

import grokjax
from grokjax.cli.main import UsageError


def packaged_sweeps() -> dict[str, Path]:
    """Sweeps that ship with grokjax, by name."""
    package = Path(grokjax.__file__).parent
    folder = next((one for one in (package / "sweeps", package.parent / "sweeps") if one.is_dir()), None)
    return {} if folder is None else {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_sweep(text: str) -> Path:
    """The sweep file that SPEC names.

    Raises:
      UsageError: there is none.
    """
    path = Path(text)
    if path.exists() or path.suffix in (".yaml", ".yml"):
        return path
    sweeps = packaged_sweeps()
    if text in sweeps:
        return sweeps[text]
    close = difflib.get_close_matches(text, sweeps, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"sweeps that ship with grokjax: {', '.join(sweeps)}."
    raise UsageError(f"SPEC {text!r} is neither a file nor a sweep that ships with grokjax; {hint}")
