"""When does a measure fall fastest? Between which two of its steps, run by run."""

import numpy as np


def steepest_fall(steps: np.ndarray, values: np.ndarray) -> np.ndarray:
    """[run, 2] the steps between which log(value) falls most per log(step), the largest value behind; NaN for none.

    Only what comes after a run's largest value counts, so that noise on the way up is no fall, and only values above 0
    at steps above 0.

    Args:
      steps: [run, step] with -1 behind the last.
      values: [run, step], NaN where not measured.
    """
    brackets = np.full((len(steps), 2), np.nan)
    for run, (own_steps, own_values) in enumerate(zip(steps, values, strict=True)):
        is_known = (own_steps > 0) & np.isfinite(own_values) & (own_values > 0)
        when, what = own_steps[is_known].astype(np.float64), own_values[is_known]
        first = int(np.argmax(what)) if len(what) else 0
        when, what = when[first:], np.log(what[first:])
        slopes = np.diff(what) / np.diff(np.log(when))
        if len(slopes) and slopes.min() < 0:
            at = int(np.argmin(slopes))
            brackets[run] = when[at], when[at + 1]
    return brackets
