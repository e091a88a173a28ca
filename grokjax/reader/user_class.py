"""How does a part class come out of somebody else's class or function? Its parameters become settings."""

import collections.abc
import inspect
import types
import typing
from typing import Any

from grokjax.core.part import Part, holds_leaves, part, setting

FILLED = ("num_classes", "vocabulary")
"""Settings of a user's module that the task fills in when the sweep file does not set them."""
_RESERVED = {"kind", "revision", "paper"}
_KEEP = (bool, int, float, str)


class Given(typing.NamedTuple):
    """One parameter of a user's class or function.

    Attributes:
      hint: its annotation, `Any` when there is none.
      default: `inspect.Parameter.empty` when it must be given.
    """

    hint: Any
    default: Any


def parameters_of(function: Any, skip: tuple[str, ...] = ()) -> dict[str, Given]:
    """Parameters that can be given by name, without those in `skip`."""
    try:
        signature = inspect.signature(function, eval_str=True)
    except NameError:  # an annotation that exists for type checkers only
        signature = inspect.signature(function)
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name not in skip and parameter.kind not in variadic
    }
    positional = [name for name, parameter in parameters.items() if parameter.kind is inspect.Parameter.POSITIONAL_ONLY]
    if positional:
        raise TypeError(f"parameter {positional[0]!r} cannot be given by name")
    empty = inspect.Parameter.empty
    return {
        name: Given(Any if parameter.annotation is empty else parameter.annotation, parameter.default)
        for name, parameter in parameters.items()
    }


def static_settings(parameters: dict[str, Given]) -> dict[str, tuple[Any, Any]]:
    """Annotation and `setting()` of parameters that stay outside the program's swept numbers."""
    settings = {}
    for name, (hint, default) in parameters.items():
        if name in FILLED:
            settings[name] = (int | None, setting(None, "filled in from the task when not set"))
        elif default is inspect.Parameter.empty:
            settings[name] = (static_hint(hint), setting())
        elif is_fixed(default):
            settings[name] = (static_hint(hint), setting(as_tuple(default)))
    return settings


def is_fixed(default: Any) -> bool:
    """Whether a default can be a static field; one that does not hash stays the function's own business."""
    try:
        hash(as_tuple(default))
    except TypeError:
        return False
    return True


def as_tuple(value: Any) -> Any:
    """Lists become tuples, all the way down; a named tuple, such as a transformation of optax, stays what it is."""
    return tuple(as_tuple(item) for item in value) if type(value) in (list, tuple) else value


def static_hint(hint: Any) -> Any:
    """The annotation if values can be checked against it, else `Any`."""
    if hint in _KEEP:
        return hint
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return hint
    if origin in (typing.Union, types.UnionType) and all(
        item is type(None) or static_hint(item) is not Any for item in inner
    ):
        return hint
    if origin in (tuple, list, collections.abc.Sequence) and all(item is Ellipsis or item in _KEEP for item in inner):
        return tuple[inner[0], ...] if origin is not tuple else hint
    return Any


def members(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the annotation itself."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(alternative for member in typing.get_args(hint) for alternative in members(member))
    return (hint,)


def make_part(
    parent: type[Part], kind: str, sha256: str, settings: dict[str, tuple[Any, Any]], **body: Any
) -> type[Part]:
    """A part class whose fields are `settings`, each an annotation and a `setting()`."""
    taken = [name for name in settings if name in _RESERVED or hasattr(parent, name)]
    if taken:
        raise TypeError(f"a setting cannot be called {taken[0]!r}; rename the parameter")
    words = "".join(letter if letter.isalnum() else "_" for letter in kind)
    namespace = {
        "__annotations__": {name: hint for name, (hint, _) in settings.items()},
        "__module__": __name__,
        "__qualname__": f"{words}_{sha256[:12]}",  # in the task's signature: two versions of a file differ
        "__doc__": body.pop("doc", None) or kind,
        "kind": kind,
        **{name: default for name, (_, default) in settings.items()},
        **body,
    }
    made: Any = types.new_class(words, (parent,), exec_body=lambda body: body.update(namespace))
    for name, (hint, _) in settings.items():
        if holds_leaves(hint) and "swept" not in str(hint):
            raise TypeError(f"setting {name!r} cannot hold a part")
    return part(made)
