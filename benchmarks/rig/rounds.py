"""Rounds in which engines take turns, so that a change of the machine's mood hits all of them; medians and ranges."""

import contextlib
import statistics
from collections.abc import Sequence

import numpy as np

from benchmarks.peers.start import Reference
from benchmarks.rig.processes import Engine, Running

TOLERANCE = 1e-4
"""Largest relative difference of a loss from the reference over the first updates. Adam divides by small numbers, so a
rounding can turn a whole step around: PyTorch with one thread and with two was 3e-5 apart after 10 updates of W4 and
1e-3 after 18. A wrong rate or decay differs by far more (see the tests)."""
ROUNDINGS = 2
"""Where one rounding of each initial parameter moves the reference's own losses by more than half of `TOLERANCE`
(W3, from the seventh update on), as many times that much is allowed from there on: an engine rounds at every update."""


class DisagreementError(RuntimeError):
    """An engine does not compute what the reference computes: its speed says nothing."""


def largest_difference(
    name: str, losses: Sequence[float], reference: Sequence[float], moved: Sequence[float] = ()
) -> float:
    """Largest relative difference from the reference.

    Args:
      moved: relative change of the reference by one rounding of each initial parameter, one an update.

    Raises:
      DisagreementError: a difference above `TOLERANCE`, or above `ROUNDINGS` times what one rounding moves.
    """
    found, wanted = np.asarray(losses, np.float64), np.asarray(reference, np.float64)
    if found.shape != wanted.shape:
        raise DisagreementError(f"{name} gave {len(found)} losses, the reference {len(wanted)}.")
    difference = np.abs(found - wanted) / np.abs(wanted)
    difference = np.where(np.isfinite(difference), difference, np.inf)
    allowed = np.full(wanted.shape, TOLERANCE)
    if len(moved):
        allowed = np.maximum(allowed, ROUNDINGS * np.maximum.accumulate(moved))
    if np.any(difference > allowed):
        step = int(np.argmax(difference > allowed))
        raise DisagreementError(
            f"{name} does not train the same run: at update {step} its loss is {found[step]:.6g}, the reference's "
            f"{wanted[step]:.6g}; the relative difference may be at most {allowed[step]:.2g}."
        )
    return float(np.max(difference))


def take_turns(engines: Sequence[Engine], reference: Reference, rounds: int, seconds: float) -> dict[str, dict]:
    """Start engines one after another, compare their losses with the reference, then time them A B C, A B C, ...

    Returns:
      By engine: `rates` [round] in run-steps a second, `setup_seconds` until it was warm, `largest_difference`.
    """
    with contextlib.ExitStack() as stack:
        running, results = [], {}
        for engine in engines:
            one = stack.enter_context(Running(engine))
            greeting = one.greeting()
            difference = largest_difference(engine.name, greeting.pop("losses"), *reference)
            running.append(one)
            results[engine.name] = greeting | {"largest_difference": difference, "rates": []}
        for _ in range(rounds):
            for one in running:
                results[one.engine.name]["rates"].append(one.rate(seconds))
    return results


def spread(values: Sequence[float], form: str = "{:,.0f}") -> str:
    """`median (lowest-highest)`."""
    texts = [form.format(value) for value in (statistics.median(values), min(values), max(values))]
    return f"{texts[0]} ({texts[1]}-{texts[2]})"


def ratios(numerator: Sequence[float], denominator: Sequence[float]) -> list[float]:
    """One ratio a round: what was measured side by side is compared side by side."""
    return [above / below for above, below in zip(numerator, denominator, strict=True)]
