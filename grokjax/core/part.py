"""What a run is made of, and which of its settings may differ between the runs of one program.

A part is a frozen dataclass that is also a pytree: fields annotated `Swept` (or holding other parts) are leaves, all
others are static. Two runs share a compiled program exactly when their trees have equal structure.
"""

import abc
import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar, dataclass_transform

import jax

from grokjax.core.words import nearest

_SWEPT = "swept"
Swept = Annotated[float, _SWEPT]
"""A number that may differ between the runs of one program."""
SweptInt = Annotated[int, _SWEPT]
"""A whole number (a seed, a count) that may differ between the runs of one program."""

T = TypeVar("T", bound=type)


class Part(abc.ABC):
    """Base class of task, model, loss, optimizer, regularizer, measure and probe.

    No part has a `__post_init__`: tree operations call it with tracers. Values are checked once, by `grokjax.reader`.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field]]  # every part that is used is a dataclass
    kind: ClassVar[str] = ""  # the name used in sweep files; filled in by `part`
    revision: ClassVar[int] = 1  # raised when a formula changes: it enters the identity of a run
    paper: ClassVar[str] = ""  # source: authors, year, arXiv number
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}  # settings of published parts by name; see `preset`

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """The part of a publication: `Transformer.preset("demoss2024", layers=2)`.

        Raises:
          ValueError: there is no such preset.
        """
        if name not in cls.presets:
            known = ", ".join(cls.presets) or "none"
            raise ValueError(f"{cls.__name__} has no preset {name!r}; there are: {known}")
        return cls(**{**cls.presets[name], **changes})

    def revision_used(self) -> int:
        """The revision of the formula that its settings ask for: that of its kind, where it hangs on none of them."""
        return type(self).revision

    def idle_settings(self) -> tuple[str, ...]:
        """Settings that change nothing beside the values of the others, where the program does not show it."""
        return ()


def setting(
    default: Any = dataclasses.MISSING,
    about: str = "",
    *,
    unit: str = "",
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    choices: tuple = (),
    scheduled: bool = True,
    strict: bool = False,
    added: Any = dataclasses.MISSING,
) -> Any:
    """Declare one field of a part: its default, meaning and permitted values.

    Args:
      default: value when the sweep file does not name the field; required when missing.
      about: one line for `grokjax list`.
      unit: unit of the value, empty when it has none.
      above, at_least, below, at_most: bounds of a number.
      choices: permitted values of a static field.
      scheduled: False when the field is read only at step 0, so that a schedule would be ignored (and is refused).
      strict: True where `above` must hold at every step, since the bound itself makes 0 / 0. Else a schedule may reach
        it: a learning rate falls to 0.
      added: for a field newer than stored runs: the value that means the old behaviour. Equal values stay out of the
        run's identity, so that old run ids do not change.
    """
    bounds = {"above": above, "at_least": at_least, "below": below, "at_most": at_most}
    metadata = {
        "about": about,
        "unit": unit,
        "bounds": {name: bound for name, bound in bounds.items() if bound is not None},
        "choices": choices,
        "scheduled": scheduled,
        "strict": strict,
        "added": added,
    }
    if isinstance(default, (list, dict, set)):
        raise TypeError("a static field must hash: use a tuple as its default")
    return dataclasses.field(default=default, metadata=metadata)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def part(cls: T) -> T:
    """Make `cls` a frozen keyword-only dataclass and a pytree: swept fields and parts inside, the rest static."""
    cls = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    cls.__init__ = _naming_settings(cls.__init__, [field.name for field in dataclasses.fields(cls)])
    hints = typing.get_type_hints(cls, include_extras=True)
    names = [field.name for field in dataclasses.fields(cls)]
    leaves = [name for name in names if holds_leaves(hints[name])]
    static = [name for name in names if name not in leaves]
    if "kind" not in vars(cls):
        cls.kind = snake_case(cls.__name__)
    return jax.tree_util.register_dataclass(cls, data_fields=leaves, meta_fields=static)


def _naming_settings(init: Callable[..., None], names: list[str]) -> Callable[..., None]:
    """The constructor of a part, that says of an unknown setting which one may be meant."""

    @functools.wraps(init)
    def checked(self: Any, *values: Any, **settings: Any) -> None:
        unknown = next((name for name in settings if name not in names), None)
        if unknown is not None:
            close = nearest(unknown, names)
            hint = f"did you mean {close!r}?" if close else f"its settings are {', '.join(names)}"
            raise TypeError(f"{type(self).__name__} has no setting {unknown!r}; {hint}")
        init(self, *values, **settings)

    return checked


def is_known_zero(value: Any) -> bool:
    """Whether a number is 0 already where a program is traced, so that what it scales may be left out of the program.

    Programs that train take swept numbers as arguments, which are never known; `train/reads.py` fills in the zeros.
    """
    return not isinstance(value, jax.Array) and bool(value == 0)


def is_swept(hint: Any) -> bool:
    """Whether a field with this annotation holds a swept number."""
    if typing.get_origin(hint) is Annotated:
        return _SWEPT in hint.__metadata__
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return any(is_swept(option) for option in typing.get_args(hint))
    return False


def holds_leaves(hint: Any) -> bool:
    """Whether a field with this annotation holds swept numbers or parts."""
    if is_swept(hint):
        return True
    if isinstance(hint, type) and issubclass(hint, Part):
        return True
    return any(holds_leaves(inner) for inner in typing.get_args(hint) if inner is not Ellipsis)


def hints_of(cls: type) -> dict[str, Any]:
    """Annotations of a part's fields by name, `Swept` marks included."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def snake_case(name: str) -> str:
    """`ModularArithmetic` -> `modular_arithmetic`, `AdamW` -> `adamw`, `MLP` -> `mlp`."""
    words, previous = [], ""
    for index, letter in enumerate(name):
        following = name[index + 1] if index + 1 < len(name) else ""
        if letter.isupper() and previous.islower() and following.islower():
            words.append("_")
        words.append(letter.lower())
        previous = letter
    return "".join(words)
