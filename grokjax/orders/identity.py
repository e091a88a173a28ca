"""When are two runs the same run? When everything that determines the trajectory is equal: then they share a run id.

Budget, measures, stop rules, stored weights, names and notes stay out. Files enter by content, never by path.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import numpy as np

from grokjax.core.part import Part
from grokjax.reader.comparison import Comparison
from grokjax.reader.errors import wrong
from grokjax.reader.file_paths import join_source, names_run, split_source
from grokjax.reader.plans import claim_to_plain, measure_to_plain
from grokjax.reader.run import Run, StoredInit
from grokjax.reader.sweep import SWEEP_KEYS, Sweep
from grokjax.reader.user_parts import Source, data_sha256, source_of

ID_DIGITS = 16
_FIRST_KEYS = ("seeds", "stop", "exclude", "notes", "tags")  # in every hash; later keys only where they say something


def canonical(run: Run) -> dict[str, Any]:
    """Everything that determines a run's trajectory, as plain values."""
    return {
        name: _plain(value, name)
        for name, added in _fields_of(Run)[0]
        if not _is_old(value := getattr(run, name), added)
    }


def run_id(run: Run) -> str:
    """16 hexadecimal digits that every machine and every sweep gives to the same run."""
    return _digest(canonical(run))[:ID_DIGITS]


def earlier_ids(run: Run) -> dict[str, str]:
    """Ids that such a run had before the formula of one of its settings was revised -> the setting."""
    plain, ids = canonical(run), {}
    for name, settings in plain.items():
        revision = settings.pop("revision", 1) if isinstance(settings, dict) else 1
        for earlier in range(1, revision):
            ids[_digest(plain | {name: settings | ({"revision": earlier} if earlier > 1 else {})})[:ID_DIGITS]] = name
        if revision > 1:
            settings["revision"] = revision
    return ids


def spec_hash(sweep: Sweep) -> str:
    """SHA-256 of a whole sweep: it changes with anything that its file says."""
    hashed = {
        "name": sweep.name,
        "base": canonical(sweep.base),
        "steps": sweep.steps,
        "axes": [
            {
                path: [_plain(value, path) for value in column]
                for path, column in zip(axis.paths, axis.values, strict=True)
            }
            for axis in sweep.axes
        ],
        "measure": measure_to_plain(sweep.measure) | {"what": [_plain(part, "measure") for part in _measured(sweep)]},
        "weights": None if sweep.weights is None else dataclasses.asdict(sweep.weights),
        "claims": [claim_to_plain(claim) for claim in sweep.claims],
        **({} if sweep.compare is None else {"compare": _comparison(sweep.compare)}),
    }
    for name in (name for name in SWEEP_KEYS if name not in hashed):
        value = SWEEP_KEYS[name]["plain"](getattr(sweep, name))
        if name in _FIRST_KEYS or value not in (None, [], {}, ""):
            hashed[name] = value
    return _digest(hashed)


def part_text(part: Part) -> str:
    """A part with its settings and the checksum of its code, as text: equal for parts that do the same."""
    return json.dumps(_plain(part, "part"), sort_keys=True)


def _comparison(comparison: Comparison) -> dict[str, Any]:
    arms = [
        [arm.name, canonical(arm.base), [[list(axis.paths), _plain(axis.values, "tune")] for axis in arm.tune]]
        for arm in comparison.arms
    ]
    plain = {"baseline": comparison.baseline, "tuning_seeds": list(comparison.tuning_seeds.values)}
    return {"arms": arms, **plain, "budget": comparison.budget}


def sources_of(sweep: Sweep, with_measures: bool = True) -> dict[str, Source]:
    """The user's source files that a sweep names, by their short names; runs do not depend on those of measures."""
    arms = () if sweep.compare is None else sweep.compare.arms
    axes = [*sweep.axes, *(axis for arm in arms for axis in arm.tune)]
    values = [sweep.base, *(arm.base for arm in arms)]
    values += [value for axis in axes for column in axis.values for value in column]
    parts = [part for value in [*values, *(_measured(sweep) if with_measures else ())] for part in _parts_in(value)]
    sources = [source for source in map(source_of, dict.fromkeys(map(type, parts))) if source is not None]
    return {source.kind.rpartition(":")[0]: source for source in sources if source.file is not None}


def _measured(sweep: Sweep) -> tuple[Part, ...]:
    return *sweep.measure.what, *sweep.measure.probes


def _parts_in(value: Any) -> Iterator[Part]:
    if isinstance(value, Part):
        yield value
        for field in dataclasses.fields(value):
            yield from _parts_in(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _parts_in(item)


def _digest(content: Any) -> str:
    # Floats are written by repr, the shortest decimal that reads back equal.
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any, key: str) -> Any:
    if key == "init.from" and isinstance(value, str):
        folder, chosen = split_source(value)
        # The run id: where its folder lies does not matter. A sweep may leave open which run of a folder is meant.
        return chosen if names_run(value) else join_source(PurePath(folder).name, chosen)
    if value is None or type(value) in (float, int, str, bool):
        return value
    if isinstance(value, Part):
        return _part(value, key)
    if isinstance(value, tuple):
        return [_plain(item, key) for item in value]
    return _name_of(value, key)


def _part(part: Part, key: str) -> dict[str, Any]:
    source = source_of(type(part))
    mapping: dict[str, Any] = {"kind": type(part).kind if source is None else source.kind}
    if source is not None:
        mapping["source"] = source.sha256
    if part.revision_used() != 1:
        mapping["revision"] = part.revision_used()
    fields, is_file = _fields_of(type(part))
    for name, added in fields:
        value = getattr(part, name)
        if is_file and name in ("path", "sha256"):
            mapping["sha256"] = vars(part)["sha256"] or data_sha256(type(part), vars(part)["path"])
        elif name == "source" and isinstance(part, StoredInit):
            mapping["source"] = _plain(value, "init.from")
        elif not _is_old(value, added):
            mapping[name] = _plain(value, f"{key}.{name}")
    return mapping


def _is_old(value: Any, added: Any) -> bool:
    """Whether a field newer than stored runs has the value that means the behaviour before it."""
    return added is not dataclasses.MISSING and type(value) is type(added) and value == added


@functools.lru_cache(maxsize=1024)
def _fields_of(cls: type[Part]) -> tuple[tuple[tuple[str, Any], ...], bool]:
    """Name and old value of each field, and whether the part is a file by its path and checksum."""
    fields = dataclasses.fields(cls)
    added = tuple((field.name, field.metadata.get("added", dataclasses.MISSING)) for field in fields)
    return added, {"path", "sha256"} <= {field.name for field in fields}


def _name_of(value: Any, key: str) -> str:
    """A name for a default that no sweep file can hold, such as a function or a number format."""
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}:{value.__qualname__}"
    try:
        return np.dtype(value).name
    except TypeError:
        raise wrong(key, f"a {type(value).__name__} has no name, so the run has no identity", value) from None
