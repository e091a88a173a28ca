"""What was filled into the form, as the mapping that a sweep file holds. Texts are read as such a file reads them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grokjax.reader.errors import Collector, wrong
from grokjax.reader.yaml_file import parse_value

PARTS = ("task", "model", "optimizer", "loss")
Read = Callable[[str, Any], Any]
_STEPS = ("linear", "log")


def sweep_mapping(form: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a sweep file; fields that are left empty are left out.

    Args:
      form: `name`, `steps`, `minibatch`, `seeds` as typed; `task`, `model`, `optimizer`, `loss` and each of
        `regularizers` as `{kind, settings: {name: text}}`; `axes` as a list of `{path, form, values}`; `measures`,
        their kinds.

    Raises:
      SpecError: with every text that is no value.
    """
    problems = Collector()

    def read(key: str, text: Any) -> Any:
        value = None
        with problems.collecting():
            value = parse_value(str(text), key)
        return value

    train = {key: read(f"train.{key}", form[key]) for key in ("steps", "minibatch") if _is_filled(form.get(key))}
    regularizers = [part for part in form.get("regularizers", ()) if part.get("kind")]
    axes = [axis for axis in form.get("axes", ()) if axis.get("path") or _is_filled(axis.get("values"))]
    mapping = {
        "name": str(form.get("name") or ""),
        **{name: _part(name, form[name], read) for name in PARTS if (form.get(name) or {}).get("kind")},
        "regularizers": [_part(f"regularizers.{index}", part, read) for index, part in enumerate(regularizers)],
        "train": train,
        "axes": _axes(axes, read, problems),
        "seeds": read("seeds", form["seeds"]) if _is_filled(form.get("seeds")) else None,
        "measure": {"what": list(map(str, form["measures"]))} if form.get("measures") else {},
    }
    problems.finish()
    return {key: value for key, value in mapping.items() if value not in (None, "", [], {})}


def _part(key: str, part: Mapping[str, Any], read: Read) -> Any:
    """A part; its kind alone where nothing else is said."""
    filled = {name: text for name, text in (part.get("settings") or {}).items() if _is_filled(text)}
    settings = {str(name): read(f"{key}.{name}", text) for name, text in filled.items()}
    return {"kind": str(part["kind"]), **settings} if settings else str(part["kind"])


def _axes(axes: Sequence[Mapping[str, Any]], read: Read, problems: Collector) -> dict[str, Any]:
    """By path `[1, 2]`, `{linear: [low, high, count]}` or `{log: [low, high, count]}`."""
    mapping: dict[str, Any] = {}
    for axis in axes:
        path, form = str(axis["path"]), axis.get("form")
        text = str(axis.get("values", "")).strip().removeprefix("[").removesuffix("]")
        with problems.collecting():
            if not path:
                raise wrong("axes", "has values without a setting", text, "choose the setting that they are of")
            if path in mapping:
                raise wrong(f"axes.{path}", "is an axis already")
            if not text:
                raise wrong(f"axes.{path}", "has no values yet")
            values = read(f"axes.{path}", f"[{text}]")
            mapping[path] = {form: values} if form in _STEPS else values
    return mapping


def _is_filled(text: Any) -> bool:
    return text is not None and str(text).strip() != ""
