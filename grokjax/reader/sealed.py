"""Is a sweep to be read from its text alone? Then no code, no data and no other file that it names is touched."""

import contextlib
import contextvars
from collections.abc import Iterator

from grokjax.reader.errors import wrong

_IS_SEALED = contextvars.ContextVar("is_sealed", default=False)


@contextlib.contextmanager
def sealed() -> Iterator[None]:
    """In here, what a sweep names outside itself is refused, by one problem for each key."""
    token = _IS_SEALED.set(True)
    try:
        yield
    finally:
        _IS_SEALED.reset(token)


def refuse_if_sealed(key: str, what: str, value: object) -> None:
    """Refuse to touch `what` a sweep names at a key, inside `sealed`.

    Raises:
      SpecError: with the command that does read it.
    """
    if _IS_SEALED.get():
        raise wrong(key, f"names {what}, which is not read here", value, "`grokjax plan FILE.yaml` checks such a sweep")
