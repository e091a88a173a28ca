"""Along which settings do the runs of a sweep differ, and at which values? Lists, even steps, groups and random draws.

Expanded values are rounded to 6 significant digits, and that decimal is the value everywhere.
"""

import dataclasses
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from grokjax.core.part import Part, is_swept
from grokjax.reader.build import to_plain
from grokjax.reader.errors import Collector, SpecError, suggestion, wrong
from grokjax.reader.paths import fields_of, locate, read_at, replaced
from grokjax.reader.run import Run
from grokjax.reader.user_class import members
from grokjax.reader.values import read_float, read_int
from grokjax.reader.yaml_file import resolve

MOST_POINTS = 10_000_000
_MANY = 1000
_MOST_PROBLEMS = 50
_GROUPS = ("zip", "random")
_NOT_AXES = {
    "train.steps": "the budget is no axis: a longer run contains the shorter one, so set train.steps to the largest",
    "measure": "measures do not change a run, so they are no axis; list all of them under measure.what",
    "stop": "the stop rule does not change a run, so it is no axis",
    "kind": "give the whole part a list of mappings instead",
}


@dataclasses.dataclass(frozen=True)
class Axis:
    """One direction of the grid: one setting, or several that move together.

    Attributes:
      paths: dotted paths of the settings.
      values: [path][point].
      form: what the sweep file says, when it says less than all values.
      group: `zip` or `random` when it stands in such a group of the file.
      names: [path][point] what the file calls the values; empty for a path whose values it only lists, and for none.
    """

    paths: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    form: Any = dataclasses.field(default=None, compare=False)
    group: str = dataclasses.field(default="", compare=False)
    names: tuple[tuple[str, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.values[0])

    def point(self, index: int) -> dict[str, Any]:
        """Value of each path at one point."""
        return {path: column[index] for path, column in zip(self.paths, self.values, strict=True)}

    def columns(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Each path with its values."""
        return zip(self.paths, self.values, strict=True)

    def names_of(self, path: str) -> tuple[str, ...]:
        """What the file calls the values of a path; nothing where it only lists them."""
        return self.names[self.paths.index(path)] if self.names else ()


def read_axes(mapping: Any, base: Run) -> tuple[Axis, ...]:
    """The axes that a mapping describes, in its order; `base` says what the paths mean.

    Raises:
      SpecError: with every problem.
    """
    if not isinstance(mapping, Mapping):
        raise wrong("axes", "expected a mapping from settings to values", mapping)
    problems, drafts = Collector(), []
    for name, form in mapping.items():
        with problems.collecting():
            drafts += _read_group(name, form) if name in _GROUPS else [_read_plain(str(name), form)]
    problems.finish()
    return settle(drafts, base)


def settle(drafts: Sequence[Axis], base: Run) -> tuple[Axis, ...]:
    """Check every value of the axes against the setting it is for, and bring it into its one form."""
    problems = Collector()
    _refuse_twice([path for axis in drafts for path in axis.paths])
    first = _with_whole_parts(drafts, base, problems)
    settled = []
    for axis in drafts:
        with problems.collecting():
            settled.append(_settled(axis, first))
    problems.finish()
    return tuple(sorted(settled, key=_group_order(settled)))


def axes_to_mapping(axes: Iterable[Axis]) -> dict[str, Any]:
    """What a sweep file would say under `axes:`."""
    mapping: dict[str, Any] = {}
    for axis in axes:
        columns = {path: to_plain(values) for path, values in zip(axis.paths, axis.values, strict=True)}
        for path in filter(axis.names_of, columns):
            columns[path] = dict(zip(axis.names_of(path), columns[path], strict=True))
        form = None if axis.form is None or axis.group == "zip" else to_plain(axis.form)
        if axis.group:
            mapping.setdefault(axis.group, []).append(form or columns)
        else:
            ((path, values),) = columns.items()
            mapping[path] = form or values
    return mapping


def six_digits(value: float) -> float:
    """The nearest decimal of 6 significant digits."""
    return float(f"{value:.6g}")


def _group_order(axes: Sequence[Axis]) -> Callable[[Axis], int]:
    """Groups of one kind stand together in a file, at the place of the first."""
    places: dict[str, int] = {}
    for index, axis in enumerate(axes):
        places.setdefault(axis.group or axis.paths[0], index)
    return lambda axis: places[axis.group or axis.paths[0]]


def _refuse_twice(paths: Sequence[str]) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for path in paths:
        if fields_of(path) in seen:
            raise wrong(f"axes.{path}", "this setting is an axis twice")
        seen[fields_of(path)] = path


def _read_plain(path: str, form: Any) -> Axis:
    key = f"axes.{path}"
    values, is_list = _values(form, key)
    return Axis((path,), (values,), None if is_list else form, names=_names([form], key))


def _read_group(name: str, forms: Any) -> list[Axis]:
    if isinstance(forms, Mapping):
        forms = [forms]
    if not isinstance(forms, list | tuple):
        raise wrong(f"axes.{name}", "expected a list of mappings", forms)
    read = _read_zip if name == "zip" else _read_random
    return [read(form, f"axes.{name}.{index}") for index, form in enumerate(forms)]


def _read_zip(form: Any, key: str) -> Axis:
    if not isinstance(form, Mapping) or not form:
        raise wrong(key, "expected a mapping from settings to lists of equal length", form)
    columns = {str(path): _values(values, f"{key}.{path}")[0] for path, values in form.items()}
    lengths = {path: len(values) for path, values in columns.items()}
    if len(set(lengths.values())) > 1:
        counted = ", ".join(f"{path} has {length}" for path, length in lengths.items())
        raise wrong(key, f"lists that move together need equal lengths: {counted}")
    return Axis(tuple(columns), tuple(columns.values()), form, "zip", _names(list(form.values()), key))


def _values(form: Any, key: str) -> tuple[tuple[Any, ...], bool]:
    """The values of one path, and whether they were listed one by one."""
    if isinstance(form, np.ndarray):
        form = form.tolist()
    if isinstance(form, list | tuple):
        if not form:
            raise wrong(key, "axis has no values")
        return tuple(form), True
    if _is_named(form):
        return tuple(form.values()), True
    if isinstance(form, Mapping) and len(form) == 1 and next(iter(form)) in ("linear", "log"):
        name, numbers = next(iter(form.items()))
        return _spaced(name, numbers, f"{key}.{name}"), False
    if isinstance(form, Mapping):
        name = str(next(iter(form), ""))
        raise wrong(
            key,
            "expected a list, {linear: [low, high, count]} or {log: [low, high, count]}",
            name,
            suggestion(name, ("linear", "log")),
        )
    raise wrong(
        key, "expected a list of values", form, f"write [{form}]" if isinstance(form, str | int | float) else ""
    )


def _is_named(form: Any) -> bool:
    """Whether this is name -> whole part, and not a form such as {log: [low, high, count]}."""
    if not isinstance(form, Mapping) or not form or "kind" in form or set(form) & {"linear", "log"}:
        return False
    return all(
        isinstance(value, Mapping | str | Part | None)
        or (isinstance(value, list | tuple) and all(isinstance(item, Mapping | Part) for item in value))
        for value in form.values()
    )


def _names(forms: Sequence[Any], key: str) -> tuple[tuple[str, ...], ...]:
    """[path][point] names, empty where values are listed; no names at all where no form has any."""
    names = tuple(tuple(form) if _is_named(form) else () for form in forms)
    for name in (name for column in names for name in column):
        if not isinstance(name, str) or not name.strip() or name != name.strip() or not name.isprintable():
            raise wrong(key, "the name of a value must be text", name, "put it in quotes")
        if resolve(name) != name:
            raise wrong(key, "the name of a value must not read as a number, true, false or null", name)
    return names if any(names) else ()


def _spaced(name: str, numbers: Any, key: str) -> tuple[float, ...]:
    if not isinstance(numbers, list | tuple) or len(numbers) != 3:
        raise wrong(key, "expected [low, high, count]", numbers)
    low, high, count = read_float(numbers[0], key), read_float(numbers[1], key), _read_count(numbers[2], key)
    if name == "log" and (low <= 0 or high <= 0):
        raise wrong(key, "a logarithmic axis needs positive ends", numbers)
    if count > 1 and low == high:
        raise wrong(key, "low and high are equal", numbers)
    if count == 1 and low != high:
        raise wrong(key, "one value needs low = high", numbers)
    spaced = np.geomspace(low, high, count) if name == "log" else np.linspace(low, high, count)
    return tuple(six_digits(value) for value in spaced.tolist())


def _read_count(value: Any, key: str) -> int:
    count = read_int(value, key)
    if not 1 <= count <= MOST_POINTS:
        raise wrong(key, f"count must be from 1 to {MOST_POINTS:,}", value)
    return count


def _read_random(form: Any, key: str) -> Axis:
    if not isinstance(form, Mapping):
        raise wrong(key, "expected {count: N, seed: S, SETTING: {uniform: [low, high]}, ...}", form)
    paths = [str(name) for name in form if name not in ("count", "seed")]
    missing = [name for name in ("count", "seed") if name not in form]
    if missing or not paths:
        raise wrong(f"{key}.{missing[0]}" if missing else key, "missing" if missing else "names no setting to draw")
    count, seed = _read_count(form["count"], f"{key}.count"), read_int(form["seed"], f"{key}.seed")
    if seed < 0:
        raise wrong(f"{key}.seed", "must be >= 0", seed)
    return Axis(
        tuple(paths), tuple(_draw(form[path], path, count, seed, f"{key}.{path}") for path in paths), form, "random"
    )


def _draw(form: Any, path: str, count: int, seed: int, key: str) -> tuple[Any, ...]:
    """Values of one setting. Its stream depends on seed and path alone: more draws or other settings change nothing."""
    kinds = ("uniform", "log_uniform", "integers", "choice")
    if not isinstance(form, Mapping) or len(form) != 1 or next(iter(form)) not in kinds:
        name = str(next(iter(form), "")) if isinstance(form, Mapping) else form
        raise wrong(key, "expected one of {uniform: [low, high]}, log_uniform, integers, {choice: [...]}", name)
    kind, ends = next(iter(form.items()))
    if not isinstance(ends, list | tuple) or (kind != "choice" and len(ends) != 2) or not ends:
        raise wrong(f"{key}.{kind}", "expected a list of values" if kind == "choice" else "expected [low, high]", ends)
    share = np.random.Generator(np.random.PCG64([seed, zlib.crc32(path.encode())])).random(count)
    if kind == "choice":
        return tuple(ends[index] for index in (share * len(ends)).astype(int).tolist())
    read = read_int if kind == "integers" else read_float
    low, high = (read(end, f"{key}.{kind}") for end in ends)
    if low >= high or (kind == "log_uniform" and low <= 0):
        rule = "low must be below high" if low >= high else "a logarithmic draw needs positive ends"
        raise wrong(f"{key}.{kind}", rule, list(ends))
    if kind == "integers":
        return tuple((low + np.floor(share * (high - low + 1)).astype(np.int64)).tolist())
    drawn = low * (high / low) ** share if kind == "log_uniform" else low + (high - low) * share
    return tuple(min(max(six_digits(value), low), high) for value in drawn.tolist())


def _with_whole_parts(drafts: Sequence[Axis], base: Run, problems: Collector) -> Run:
    """The base with the first value of every axis over a whole part, so that paths into such parts can be found."""
    columns = [(path, values) for axis in drafts for path, values in zip(axis.paths, axis.values, strict=True)]
    for path, values in sorted(columns, key=lambda column: len(fields_of(column[0]))):
        inside = any(
            fields_of(other)[: len(fields_of(path))] == fields_of(path) and other != path for other, _ in columns
        )
        if inside:
            with problems.collecting():
                base = replaced(base, path, read_at(base, path, values[0], f"axes.{path}"))
    problems.finish()
    return base


def _settled(axis: Axis, base: Run) -> Axis:
    problems, columns = Collector(), []
    prefix = f"axes.{axis.group}." if axis.group else "axes."
    for path, values in zip(axis.paths, axis.values, strict=True):
        with problems.collecting():
            columns.append(_read_column(path, values, base, prefix, axis.names_of(path)))
            if axis.names_of(path) and not all(isinstance(value, Part | tuple | None) for value in columns[-1]):
                raise wrong(prefix + path, "only whole parts are given names", hint="write a list of the values")
    problems.finish()
    points = list(zip(*columns, strict=True)) if len(columns) > 1 else columns[0]
    _refuse_equal(axis, points, prefix + ", ".join(axis.paths))
    is_swept_path = len(columns) == 1 and any(is_swept(member) for member in members(locate(base, axis.paths[0]).hint))
    if is_swept_path and all(isinstance(value, float) for value in columns[0]):
        _refuse_equal(axis, np.asarray(columns[0], np.float32).tolist(), prefix + axis.paths[0])
    return dataclasses.replace(axis, values=tuple(columns), group=axis.group or ("zip" if len(axis.paths) > 1 else ""))


def _read_column(
    path: str, values: Sequence[Any], base: Run, prefix: str, names: Sequence[str] = ()
) -> tuple[Any, ...]:
    words = path.split(".")
    reason = _NOT_AXES.get(path) or _NOT_AXES.get(words[0]) or _NOT_AXES.get(words[-1])
    if reason:
        raise wrong(prefix + path, reason)
    try:
        locate(base, path)
    except SpecError as error:
        raise wrong(prefix + path, error.problems[0].rule, hint=error.problems[0].hint) from None
    problems, column = Collector(), []
    good = _known_good(path, values, base)
    if good:
        return tuple(good[value] for value in values)
    for index, value in enumerate(values):
        with problems.collecting():
            column.append(read_at(base, path, value, f"{prefix}{path}.{names[index] if names else index}"))
        if len(problems.problems) > _MOST_PROBLEMS:
            break
    problems.finish()
    return tuple(column)


def _known_good(path: str, values: Sequence[Any], base: Run) -> dict[Any, Any]:
    """Numbers that need no check of their own: of many, only the extremes are checked."""
    kind = type(values[0])
    if len(values) < _MANY or kind not in (int, float) or set(map(type, values)) != {kind}:
        return {}
    sizes = np.abs(np.asarray(values, np.float64))
    for extreme in (min(values), max(values), sizes.min(where=sizes > 0, initial=np.inf)):
        try:
            if type(read_at(base, path, kind(extreme), path)) is not kind:
                return {}
        except (SpecError, OverflowError):
            return {}  # the loop over all of them says where it is
    return {value: value + kind(0) for value in set(values)} if np.isfinite(sizes).all() else {}


def _refuse_equal(axis: Axis, points: Sequence[Any], key: str) -> None:
    if len(set(points)) == len(points):
        return
    seen: dict[Any, int] = {}
    for index, point in enumerate(points):
        if point in seen:
            what = "draws" if axis.group == "random" else "values"
            hint = "draw fewer, or add a setting that is drawn from a range" if axis.group == "random" else ""
            raise wrong(key, f"{what} {seen[point] + 1} and {index + 1} are equal", axis.values[0][index], hint)
        seen[point] = index
