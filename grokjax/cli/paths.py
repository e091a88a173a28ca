"""Do the folders and files that were typed exist, and can the files be written? Asked before any work is done."""

import os
from pathlib import Path

from grokjax.cli.main import UsageError
from grokjax.core.words import nearest


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
    beside = {
        str(folder): folder
        for parent in (path.parent, Path("results"))
        if parent.is_dir()
        for folder in _sweeps(parent)
    }
    close = nearest(text, beside) or next((name for name in beside if Path(name).name == path.name), None)
    hint = f"did you mean {close}?" if close else f"there are {', '.join(sorted(beside)[:5])}." if beside else ""
    raise UsageError(f"there is no folder {text}{'; ' + hint if hint else '.'}")


def new_file(text: str, option: str) -> Path:
    """A file that is about to be written.

    Raises:
      UsageError: its folder is missing or cannot be written, or it is a folder.
    """
    path = Path(text)
    if path.is_dir():
        raise UsageError(f"{option} {text} is a folder; give a file.")
    if not path.parent.is_dir():
        raise UsageError(f"{option} {text}: there is no folder {path.parent}.")
    _check_writable(path if path.exists() else path.parent, option, text)
    return path


def new_folder(text: str, option: str) -> Path:
    """A folder that may have to be made.

    Raises:
      UsageError: it, or one that it would lie in, is a file, cannot be written, or has a name that is too long.
    """
    path = Path(text)
    try:
        there = next(
            ancestor for ancestor in (path, *path.absolute().parents) if ancestor.exists() or ancestor.is_symlink()
        )
    except (OSError, ValueError) as error:  # too long a name; a NUL character
        raise UsageError(f"{option} {text[:80]}: {getattr(error, 'strerror', None) or error}.") from None
    if not there.exists():
        raise UsageError(f"{option} {text}: {there} is a link to nothing.")
    if not there.is_dir():
        raise UsageError(f"{option} {text}: {there} is a file, not a folder.")
    _check_writable(there, option, text)
    return path


def _check_writable(path: Path, option: str, text: str) -> None:
    if not os.access(path, os.W_OK):
        reason = "the file system is read-only" if _is_read_only(path) else "permission denied"
        raise UsageError(f"{option} {text}: {path} cannot be written ({reason}); choose another place.")


def _is_read_only(path: Path) -> bool:
    return hasattr(os, "statvfs") and bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _sweeps(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if (entry / "spec.json").is_file()]
