"""Where do paths stand in a sweep: of source files, data files and stored runs? And what are they relative to?"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_CONDITION = re.compile(r"[=<>]|\sin\s")
_FILE_KIND = re.compile(r"(?P<file>[^:]*\.py):(?P<name>[\w.]+)")


def with_paths(value: Any, change: Callable[[str, str], str], name: str = "") -> Any:
    """What a sweep file says, with every path in it changed.

    Args:
      change: of the path, and of what it leads to: `kind` a source file, `path` a data file, `from` a results folder.
      name: the key that the value stands under, where that says what it is.
    """
    if isinstance(value, dict):
        is_part = isinstance(value.get("kind"), str)
        return {key: with_paths(item, change, _means(str(key), is_part)) for key, item in value.items()}
    if isinstance(value, list):
        return [with_paths(item, change, name if name == "from" else "") for item in value]
    if not isinstance(value, str) or "\0" in value:
        return value
    if name == "path":
        return change(value, name)
    if name == "from":
        folder, chosen = split_source(value)
        return join_source(change(folder, name), chosen) if folder else value
    match = _FILE_KIND.fullmatch(value)
    if match is None or (name != "kind" and not value.startswith(("./", "../", "/"))):
        return value
    return f"{change(match['file'], 'kind')}:{match['name']}"


def split_source(source: str) -> tuple[str, str]:
    """Folder of stored runs and which of them is meant: `DIR#RUN_ID`, `DIR#KEY=VALUE`, or `DIR` alone."""
    folder, _, chosen = source.rpartition("#") if "#" in source else (source, "", "")
    return folder.strip(), chosen.strip()


def join_source(folder: str, chosen: str) -> str:
    """What `split_source` takes apart."""
    return f"{folder}#{chosen}" if chosen else folder


def names_run(source: str) -> bool:
    """Whether a source says which run it is, by its id; otherwise the run is found by seeds and settings."""
    chosen = split_source(source)[1]
    return bool(chosen) and not _CONDITION.search(chosen)


def relative_to(root: Path, path: str) -> str:
    """`../../net.py` for an absolute path; itself where it shares only the top of the file system with the root."""
    roots = [base for base in (root.absolute(), root.resolve()) if os.path.commonpath([base, path]) != "/"]
    if not roots:
        return path
    relative = min((os.path.relpath(path, base) for base in roots), key=lambda way: way.count("../"))
    return relative if relative.startswith("..") else f"./{relative}"


def found_from(root: Path, path: str, elsewhere: Mapping[str, str]) -> str:
    """The absolute path of what `relative_to` named: from the root, or else where it was when that was written.

    Args:
      elsewhere: absolute path of then, by relative one.
    """
    if Path(path).is_absolute():
        return path
    ways = [os.path.normpath(base / path) for base in (root.absolute(), root.resolve())]
    return next((way for way in [*ways, elsewhere.get(path, "")] if way and Path(way).exists()), ways[0])


def _means(key: str, is_part: bool) -> str:
    """What kind of path a key names: a part's `kind`, its data file, or the stored run to start from."""
    if key == "from" or key.endswith("init.from"):
        return "from"
    return key if key == "kind" or (key == "path" and is_part) else ""
