"""Do the folders and files that were typed exist, and can the files be written? Asked before any work is done."""

import difflib
from pathlib import Path

from grokjax.cli.main import UsageError


def existing_folder(text: str) -> Path:
    """The folder of a sweep that was typed.

    Raises:
      UsageError: there is none; with the nearest one.
    """
    path = Path(text)
    if path.is_dir():
        return path
    if path.exists():
        raise UsageError(f"{text} is a file; give the folder of a sweep.")
    beside = {str(one): one for place in (path.parent, Path("results")) if place.is_dir() for one in _sweeps(place)}
    close = difflib.get_close_matches(text, beside, 1) or [name for name in beside if Path(name).name == path.name]
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(beside)[:5])}." if beside else ""
    raise UsageError(f"there is no folder {text}{'; ' + hint if hint else '.'}")


def new_file(text: str, option: str) -> Path:
    """A file that is about to be written.

    Raises:
      UsageError: its folder is missing, or it is a folder.
    """
    path = Path(text)
    if path.is_dir():
        raise UsageError(f"{option} {text} is a folder; give a file.")
    if not path.parent.is_dir():
        raise UsageError(f"{option} {text}: there is no folder {path.parent}.")
    return path


def new_folder(text: str, option: str) -> Path:
    """A folder that may have to be made.

    Raises:
      UsageError: it, or one that it would lie in, is a file.
    """
    path = Path(text)
    file = next((one for one in (path, *path.parents) if one.exists() and not one.is_dir()), None)
    if file is not None:
        raise UsageError(f"{option} {text}: {file} is a file, not a folder.")
    return path


def _sweeps(place: Path) -> list[Path]:
    return [one for one in place.iterdir() if (one / "spec.json").is_file()]
