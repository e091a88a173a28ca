"""What does a sweep file say, with what it builds on and what the command line overrides? Read and written."""

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from grokjax.reader.build import absolute_folder
from grokjax.reader.errors import Collector, SpecError, suggestion, wrong
from grokjax.reader.file_paths import with_paths
from grokjax.reader.read_run import RUN_KEYS
from grokjax.reader.run_words import TRAIN_SETTINGS
from grokjax.reader.sealed import refuse_if_sealed
from grokjax.reader.shipped import packaged_folder
from grokjax.reader.sweep import MISSING, SWEEP_KEYS, Sweep
from grokjax.reader.yaml_file import load as load_yaml
from grokjax.reader.yaml_file import parse_value

KEYS = ("name", "from", *RUN_KEYS, "train", *SWEEP_KEYS)
_KINDS = (*RUN_KEYS, "rule")  # may stand there as their kind alone
_MERGED = (*_KINDS, "train", "axes", "measure")
_DEEPEST_FROM = 16
Lines = dict[str, tuple[str, int]]


def load(
    path_or_mapping: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    folder: Path | None = None,
    check: Callable[[Sweep], None] | None = None,
    scale: str | None = None,
) -> Sweep:
    """Read and check a sweep.

    Args:
      path_or_mapping: a sweep file, or what one would say.
      overrides: `KEY=VALUE` texts, later ones win; a mapping as value replaces what was there.
      folder: what relative paths of a mapping are relative to; of a file they are relative to the file.
      check: raises a SpecError for what else must not be; it is told with file and line as well.
      scale: which of the file's `scales` is meant; None for the sweep in full.

    Raises:
      SpecError: with every problem found, each with file, line and key; nothing else is raised.
    """
    lines: Lines = {}
    file = "" if isinstance(path_or_mapping, Mapping) else str(path_or_mapping)
    try:
        mapping = read_mapping(path_or_mapping, overrides, folder, lines, scale)
        sweep = sweep_from_mapping(mapping)
        sweep.check()
        if check is not None:
            check(sweep)
        return sweep
    except SpecError as error:
        raise error.located(lambda key: _line_of(key, lines, file)) from error.cause


def read_mapping(
    path_or_mapping: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    folder: Path | None = None,
    lines: Lines | None = None,
    scale: str | None = None,
) -> dict[str, Any]:
    """What a sweep says with `from:`, scale and overrides worked in, paths made absolute; values are not checked yet.

    Args:
      lines: filled with file and line of each key.
    """
    lines = {} if lines is None else lines
    if isinstance(path_or_mapping, Mapping):
        base_folder = Path.cwd() if folder is None else Path(folder)
        mapping = _with_origin(copy.deepcopy(dict(path_or_mapping)), base_folder, (), lines)
    else:
        mapping = _read_file(Path(path_or_mapping), (), lines)
        mapping.setdefault("name", Path(path_or_mapping).stem)
    mapping = _scaled(mapping, scale, lines)
    for override in overrides:
        _override(mapping, override, lines)
    return mapping


def sweep_from_mapping(mapping: Mapping[str, Any]) -> Sweep:
    """A sweep from its mapping; the parts' own code is not asked yet, see `Sweep.check`."""
    problems, train = Collector(), mapping.get("train")
    train = train if isinstance(train, Mapping) else {}
    for key in (key for key in mapping if key not in KEYS):
        with problems.collecting():
            raise wrong(str(key), "unknown key", hint=_where_it_belongs(str(key)))
    for key in (key for key in train if key not in ("steps", *TRAIN_SETTINGS)):
        with problems.collecting():
            raise wrong(f"train.{key}", "unknown key", hint=suggestion(str(key), ("steps", *TRAIN_SETTINGS)))
    base: Any = {key: mapping[key] for key in RUN_KEYS if key in mapping}
    base["train"] = {key: train[key] for key in TRAIN_SETTINGS if key in train}
    others = {
        name: mapping[name]
        for name, key in SWEEP_KEYS.items()
        if name in mapping and (mapping[name] is not None or key["may_be_null"])
    }
    with problems.collecting():
        sweep = Sweep(name=mapping.get("name", MISSING), base=base, steps=train.get("steps", MISSING), **others)
    problems.finish()
    return sweep


def _read_file(path: Path, above: tuple[Path, ...], lines: Lines) -> dict[str, Any]:
    document = load_yaml(path)
    for key, line in document.lines.items():
        lines.setdefault(key, (str(path), line))
    return _with_origin(document.content, path.absolute().parent, (*above, path.resolve()), lines)


def _with_origin(mapping: dict[str, Any], folder: Path, above: tuple[Path, ...], lines: Lines) -> dict[str, Any]:
    """A mapping with absolute paths, on top of the sweep file that its `from` names."""
    origin = mapping.pop("from", None)
    mapping = _absolute(mapping, folder)
    if origin is None:
        return mapping
    if not isinstance(origin, str):
        raise wrong("from", "expected the path of a sweep file", origin)
    refuse_if_sealed("from", "another file", origin)
    path = folder / origin
    if path.resolve() in above:
        raise wrong("from", "a sweep cannot build on itself", origin)
    if len(above) >= _DEEPEST_FROM:
        raise wrong("from", f"more than {_DEEPEST_FROM} files build on one another", origin)
    lines_below: Lines = {}
    below = _read_file(path, above, lines_below)
    below.pop("name", None)
    below.pop("scales", None)
    below.pop("claims", None)  # they speak of the sweep as that file has it
    for key, line in lines_below.items():
        if not _is_replaced(key, below, mapping):
            lines.setdefault(key, line)
    return _merged(below, mapping)


def _scaled(mapping: dict[str, Any], scale: str | None, lines: Lines) -> dict[str, Any]:
    """A sweep with one of its `scales` on top, under a name of its own; without one, the sweep in full."""
    scales = mapping.pop("scales", {})
    if not isinstance(scales, Mapping) or not all(isinstance(keys, Mapping) for keys in scales.values()):
        raise wrong("scales", "expected names with the keys that they replace, such as {cpu: {seeds: 2}}", scales)
    if scale is None:
        return mapping
    if scale not in scales:
        rule = "no scale of this sweep" if scales else "this sweep has no scales"
        raise wrong("--scale", rule, scale, hint=suggestion(scale, map(str, scales)))
    chosen = {"name": f"{mapping.get('name')}-{scale}", **scales[scale]}
    for key, line in list(lines.items()):
        if key.startswith(f"scales.{scale}."):
            lines[key.removeprefix(f"scales.{scale}.")] = line
    return _merged(mapping, chosen)


def _is_replaced(key: str, below: Mapping[str, Any], above: Mapping[str, Any]) -> bool:
    """Whether what stands at a dotted key of one sweep is gone once another is on top of it; see `_merged`."""
    first, _, rest = key.partition(".")
    new, old = above.get(first), below.get(first)
    if first not in above or not rest:
        return first in above
    if first not in _MERGED or not isinstance(new, Mapping) or not isinstance(old, dict):
        return True
    if new.get("kind", old.get("kind")) != old.get("kind"):
        return True
    names = [name for name in old if rest == name or rest.startswith(f"{name}.")]
    return max(names, key=len, default=rest) in new


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two sweeps, the second on top: setting by setting within `_MERGED` keys, otherwise key by key.

    A part of another kind replaces the whole part, and an axis set to null is no axis any more.
    """
    merged = dict(below)
    for key, value in above.items():
        old = {"kind": merged[key]} if isinstance(merged.get(key), str) and key in _KINDS else merged.get(key)
        if key in _MERGED and isinstance(old, dict) and isinstance(value, Mapping):
            if value.get("kind", old.get("kind")) == old.get("kind"):
                value = {**old, **value}
            if key == "axes":
                value = {path: form for path, form in value.items() if form is not None}
        merged[key] = value
    return merged


def _absolute(mapping: Any, folder: Path) -> Any:
    """A mapping in which paths of user files, data files and stored runs are absolute, wherever they stand."""

    def absolute(path: str, leads_to: str) -> str:
        if leads_to == "from":  # the results of sweeps that ship lie where the command is typed
            return absolute_folder(path, Path.cwd() if folder == packaged_folder() else folder)
        return str((folder / path).absolute())

    return with_paths(mapping, absolute)


def _override(mapping: dict[str, Any], text: str, lines: Lines) -> None:
    key, equals, written = text.partition("=")
    key = key.strip()
    if not equals or not key or not written.strip():
        raise wrong("--set", "expected KEY=VALUE, for example optimizer.weight_decay=1.0", text)
    value = _absolute({"kind": "", key: parse_value(written, key)}, Path.cwd())[key]
    words = key.split(".")
    if words[0] not in KEYS or words[0] == "from":
        raise wrong(key, "unknown key in --set", hint=_where_it_belongs(words[0]))
    if words[0] == "axes" and len(words) > 1:
        words = ["axes", key.partition(".")[2]]
    node: Any = mapping
    for index, word in enumerate(words[:-1]):
        node = _inner(node, word, ".".join(words[: index + 1]))
    if words[0] == "axes" and len(words) > 1 and value is None and isinstance(node, dict):
        node.pop(words[-1], None)
    elif isinstance(node, list):
        node[_place(node, words[-1], key)] = value
    elif isinstance(node, dict):
        node[words[-1]] = value
    else:
        raise wrong(key, "has no settings of its own", text)
    for known in [known for known in lines if known == key or known.startswith(f"{key}.")]:
        del lines[known]
    lines[key] = (f"--set {key}", 0)


def _inner(node: Any, word: str, key: str) -> Any:
    """What an override goes into; a part given by its kind alone, or not at all, becomes a mapping."""
    if isinstance(node, list):
        return node[_place(node, word, key)]
    if not isinstance(node, dict):
        raise wrong(key, "has no settings of its own", node)
    if isinstance(node.get(word), str) and word in _KINDS:
        node[word] = {"kind": node[word]}
    return node.setdefault(word, [] if word == "regularizers" else {})


def _place(items: list, word: str, key: str) -> int:
    if not word.isdigit() or int(word) >= len(items):
        places = f"from 0 to {len(items) - 1}" if items else "but the list is empty"
        raise wrong(key, f"expected the place of an item, {places}", word)
    return int(word)


def _where_it_belongs(key: str) -> str:
    homes = {"batch_size": "train.minibatch", "zip": "axes", "random": "axes"}
    homes |= dict.fromkeys(("steps", *TRAIN_SETTINGS), "train")
    homes |= dict.fromkeys(("weight_decay", "learning_rate"), "optimizer") | {
        "train_fraction": "task",
        "looks": "measure",
    }
    return f"it belongs under {homes[key]!r}" if key in homes else suggestion(key, (*KEYS, "scales"))


def _line_of(key: str, lines: Lines, file: str) -> tuple[str, int | None]:
    """File and line of a key, or of the nearest key around it."""
    words = key.split(".")
    for length in range(len(words), 0, -1):
        location = lines.get(".".join(words[:length]))
        if location is not None:
            return location[0], location[1] or None
    return file, None
