"""When do runs generalize if they were followed for unequal times? Kaplan-Meier; with equal horizons it is not needed.

With a common horizon the censored median of `intervals.py` says the same without an estimator. Papers: Kaplan, Meier
1958 (estimate), Greenwood 1926 (variance), Brookmeyer, Crowley 1982 (interval of the median; log-log scale here).
"""

import dataclasses

import numpy as np
from scipy import special

from grokjax.analysis import events
from grokjax.analysis.history import Looks
from grokjax.analysis.intervals import Interval


@dataclasses.dataclass(frozen=True)
class Survival:
    """Share of runs that have not got there yet, at each step where one did; [time] arrays.

    Attributes:
      times: steps of events, increasing.
      at_risk: runs still followed just before.
      events: runs that got there.
      survival: share that has not, from this step on.
      greenwood: sum of events / (at_risk (at_risk - events)) so far, the variance of log survival; inf at survival 0.
    """

    times: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    survival: np.ndarray
    greenwood: np.ndarray


def follow_up(looks: Looks) -> tuple[np.ndarray, np.ndarray]:
    """Times [run] and whether the event was seen [run], for generalizing as a run's first crossing.

    A run that diverged, or generalized and ended under 90 %, never got there: it stays at risk for ever (time +inf).
    Other runs without the event are censored at their last look.
    """
    found = events.generalized(looks)
    never = looks.is_diverged | events.lost(looks)
    observed = np.isfinite(found.first_at) & ~never
    return np.where(never, np.inf, np.where(observed, found.first_at, looks.final_step)), observed


def kaplan_meier(times: np.ndarray, observed: np.ndarray) -> Survival:
    """Product-limit estimate.

    Args:
      times: [run] of the event, or how long the run was followed without it; whoever is censored at the time of an
        event is still at risk then.
      observed: [run] bool, whether the event was seen.
    """
    times, observed = np.asarray(times, np.float64), np.asarray(observed, bool)
    if np.isnan(times).any() or np.isinf(times[observed]).any():
        raise ValueError("survival: times must be numbers, and finite where the event was seen")
    distinct, num_events = np.unique(times[observed], return_counts=True)
    at_risk = len(times) - np.searchsorted(np.sort(times), distinct, side="left")
    survival = np.cumprod(1.0 - num_events / at_risk)
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(num_events / (at_risk * (at_risk - num_events).astype(np.float64)))
    return Survival(distinct, at_risk, num_events, survival, greenwood)


def bounds(found: Survival, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Log-log limits of the survival at each time; NaN where it is 0."""
    z = special.ndtri(0.5 + level / 2)
    inside = (found.survival > 0) & (found.survival < 1)
    log = np.log(np.where(inside, found.survival, 0.5))
    spread = z * np.sqrt(np.where(inside, found.greenwood, 0.0)) / np.abs(log)
    low, high = (np.exp(-np.exp(np.log(-log) + sign * spread)) for sign in (1, -1))
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def survival_median(found: Survival, level: float = 0.95) -> Interval:
    """First step by which at least half of the runs got there, with its interval; +inf where it was not reached."""
    low, high = bounds(found, level)
    done = found.survival == 0  # by then all got there, so both limits have passed 1/2 too
    return Interval(
        _first(found.times, found.survival <= 0.5 + 1e-12),
        _first(found.times, (low <= 0.5) | done),
        _first(found.times, (high <= 0.5)),
    )


def _first(times: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.asarray(times[np.argmax(where)] if where.any() else np.inf)
