"""A device without room for a program gets a narrower one, then a clear error."""

import jax
import pytest

from grokjax.train import preflight
from grokjax.train.devices import choose_pools
from grokjax.train.preflight import MemoryLimitError, compile_to_fit

LIMIT = 4
SAVED = 2**20  # of a lane, in host memory


class Compiled:
    def __init__(self, lanes: int):
        self.lanes = lanes

    def memory_bytes(self) -> int:
        return self.lanes

    def lanes_bytes(self) -> int:
        return self.lanes * SAVED


class FullDevice:
    """Stands for `Traced` on a device that runs out of memory while it compiles: no such device is at hand."""

    def __init__(self, lanes: int, pool: object):
        self.lanes = lanes

    def compile(self, *_: object) -> list[Compiled]:
        if self.lanes > LIMIT:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate")
        return [Compiled(self.lanes)]


def compiled(monkeypatch: pytest.MonkeyPatch, widths: list[int]) -> list:
    monkeypatch.setattr(preflight, "Traced", FullDevice)
    return compile_to_fit(lambda width: width, widths, choose_pools("cpu", "map"), None, None, None)  # type: ignore[arg-type]


def test_out_of_memory_while_compiling_gives_the_next_narrower_width(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled(monkeypatch, [16, 8, 4, 2])[0].lanes == LIMIT


def test_no_width_that_compiles_is_an_error_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MemoryLimitError, match=r"no room to compile a program of 8 lanes, with \d+ MiB free"):
        compiled(monkeypatch, [16, 8])


def test_what_a_save_needs_of_host_memory_makes_a_program_narrower(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "host_memory", lambda: 2 * preflight.SAVED_COPIES * SAVED + LIMIT)
    assert compiled(monkeypatch, [4, 2, 1])[0].lanes == 2
    monkeypatch.setattr(preflight, "host_memory", lambda: SAVED)
    with pytest.raises(MemoryLimitError, match="1 lanes need 3 MiB of host memory when they are saved, but 1 MiB are"):
        compiled(monkeypatch, [4, 2, 1])


def test_other_errors_of_the_compiler_are_not_taken_for_a_full_device(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr(FullDevice, "compile", broken)
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        compiled(monkeypatch, [2])
