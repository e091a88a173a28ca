"""Is every part what the engine takes for granted: a documented frozen dataclass whose swept fields are its leaves?"""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Hashable

import jax
import pytest

from grokjax.core.catalogue import KINDS, catalogue
from grokjax.core.part import Part, hints_of, holds_leaves, is_swept

FOLDER_OF = {base: folder for folder, base in KINDS.items()}


def folder_of(part: Part) -> str:
    return next(folder for base, folder in FOLDER_OF.items() if isinstance(part, base))


def within(value: float, bounds: dict[str, float]) -> bool:
    holds = {
        "above": lambda bound: value > bound,
        "at_least": lambda bound: value >= bound,
        "below": lambda bound: value < bound,
        "at_most": lambda bound: value <= bound,
    }
    return all(holds[name](bound) for name, bound in bounds.items())


def test_kind_is_the_name_in_the_catalogue(any_part):
    assert catalogue(folder_of(any_part))[any_part.kind] is type(any_part)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", any_part.kind)


@pytest.mark.parametrize("folder", KINDS)
def test_no_two_parts_share_a_kind(folder):
    package = importlib.import_module(f"grokjax.{folder}")
    modules = [
        importlib.import_module(f"grokjax.{folder}.{info.name}") for info in pkgutil.iter_modules(package.__path__)
    ]
    classes = [
        cls
        for module in modules
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__ == module.__name__ and issubclass(cls, KINDS[folder]) and not inspect.isabstract(cls)
    ]
    assert len({cls.kind for cls in classes}) == len(classes)


def test_part_says_what_it_is_and_where_it_comes_from(any_part):
    own_doc = type(any_part).__doc__
    assert own_doc and not own_doc.startswith(f"{type(any_part).__name__}(")  # what a dataclass writes by itself
    assert any_part.paper


def test_every_field_says_what_it_means(any_part):
    silent = [field.name for field in dataclasses.fields(any_part) if not field.metadata["about"]]
    assert silent == []


def test_part_is_frozen_and_has_no_post_init(any_part):
    assert not hasattr(any_part, "__post_init__")
    with pytest.raises(dataclasses.FrozenInstanceError):
        any_part.anything = 1


def test_static_fields_hash(any_part):
    assert hash(jax.tree.structure(any_part)) == hash(jax.tree.structure(dataclasses.replace(any_part)))
    for name, hint in hints_of(type(any_part)).items():
        assert holds_leaves(hint) or isinstance(getattr(any_part, name), Hashable), name


def test_swept_fields_are_exactly_the_leaves(any_part):
    hints = hints_of(type(any_part))
    paths = [path[0].name for path, _ in jax.tree_util.tree_flatten_with_path(any_part)[0]]
    swept = [name for name, hint in hints.items() if is_swept(hint) and getattr(any_part, name) is not None]
    assert sorted(name for name in paths if is_swept(hints[name])) == sorted(swept)
    assert all(holds_leaves(hints[name]) for name in paths)


def test_every_real_number_is_swept(any_part):
    hints = hints_of(type(any_part))
    assert [name for name, hint in hints.items() if not is_swept(hint) and float in (hint, *_options(hint))] == []


def _options(hint: object) -> tuple:
    return getattr(hint, "__args__", ())


def test_flattening_loses_nothing(any_part):
    leaves, structure = jax.tree.flatten(any_part)
    assert jax.tree.unflatten(structure, leaves) == any_part


def test_other_swept_values_keep_the_structure(any_part):
    other = jax.tree.map(lambda leaf: leaf + 1, any_part)
    assert jax.tree.structure(other) == jax.tree.structure(any_part)


def test_defaults_are_permitted_values(any_part):
    for field in dataclasses.fields(any_part):
        default, metadata = field.default, field.metadata
        if default is dataclasses.MISSING or default is None:
            continue
        assert not metadata["choices"] or default in metadata["choices"], field.name
        assert within(default, metadata["bounds"]), field.name


def test_a_setting_that_a_part_does_not_have_is_refused_with_those_it_has(any_part):
    cls = type(any_part)
    with pytest.raises(TypeError, match=f"{cls.__name__} has no setting 'lr'; "):
        cls(lr=1)
    assert inspect.signature(cls).parameters.keys() == {field.name for field in dataclasses.fields(cls)}
