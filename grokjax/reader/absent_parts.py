"""Parts of the user's whose file is gone, while stored runs are read: a name and settings, and no code.

They keep the run ids that the recorded checksums give, so what does not need their code can still be answered.
"""

import contextlib
import contextvars
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grokjax.core.catalogue import KINDS
from grokjax.core.part import Part, Swept, setting
from grokjax.core.schedules import SCHEDULES
from grokjax.reader.errors import wrong
from grokjax.reader.sources import recorded_sha256
from grokjax.reader.user_class import make_part

_ALLOWED = contextvars.ContextVar("absent_parts_allowed", default=False)


class Absent:
    """Mark of the classes that are made here."""


@contextlib.contextmanager
def absent_parts() -> Iterator[None]:
    """In here, a part whose file is gone is taken as recorded; using it says that the file is not there."""
    token = _ALLOWED.set(True)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def absent_class(slot: str, kind: str, settings: Mapping[str, Any]) -> tuple[type[Part], str] | None:
    """A class in place of one whose file is gone, and its recorded checksum; None without need or record."""
    file = Path(kind.rpartition(":")[0])
    if not _ALLOWED.get() or file.suffix != ".py" or file.is_file():
        return None
    sha256 = recorded_sha256(file.name)
    if sha256 is None:
        return None
    return _made(slot, kind, sha256, tuple((name, _is_swept(value)) for name, value in settings.items())), sha256


@functools.cache
def _made(slot: str, kind: str, sha256: str, names: tuple[tuple[str, bool], ...]) -> type[Part]:
    file, _, name = kind.rpartition(":")

    def missing(*_: Any, **__: Any) -> Any:
        raise wrong(f"{key}.kind", f"needs {file}, which is not there", hint="put it there again")

    key = {"losses": "loss"}.get(slot, slot.removesuffix("s"))
    parent: Any = KINDS[slot]
    settings = {name: (Swept if is_swept else Any, setting()) for name, is_swept in names}
    methods = dict.fromkeys(parent.__abstractmethods__, missing)
    bare = type(parent.__name__, (Absent, parent), {"__module__": __name__, **methods})
    return make_part(bare, f"{Path(file).name}:{name}", sha256, settings)


def _is_swept(value: Any) -> bool:
    """Whether a written setting is one that schedules and whole numbers are read for as numbers."""
    is_schedule = isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in SCHEDULES
    return isinstance(value, float) or is_schedule
