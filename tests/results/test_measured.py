"""Does what is measured afterwards fill gaps of a history, and change nothing that is there?"""

import numpy as np
import xarray as xr

from grokjax.analysis.history import Looks
from grokjax.results.measured import with_measured
from grokjax.results.reading import measured_rows


def test_values_of_the_loop_stay_and_gaps_and_new_steps_are_filled():
    history = xr.Dataset(
        {
            "final_step": ("run", np.array([40, 40])),
            "step": (("run", "k"), np.array([[0, 20, 40], [0, 40, -1]])),
            "norm/total": (("run", "k"), np.array([[1.0, 2.0, np.nan], [4.0, 5.0, np.nan]])),
        },
        coords={"run_id": ("run", np.array(["a", "b"]))},
    )
    after = {
        "run_id": np.array(["a", "a", "b", "b", "c"]),
        "step": np.array([20, 40, 20, 60, 0]),
        "rows/norm/total": np.array([9.0, 3.0, 4.5, 9.0, 9.0]),
    }
    merged = with_measured(history, [after])
    np.testing.assert_array_equal(merged["step"], [[0, 20, 40], [0, 20, 40]])
    np.testing.assert_array_equal(merged["norm/total"], [[1.0, 2.0, 3.0], [4.0, 4.5, 5.0]])


def test_a_measure_has_a_curve_of_the_steps_at_which_it_was_taken():
    steps = np.array([[0, 10, 20, 40], [0, 20, -1, -1]])
    rows = Looks(steps, {}, {}, np.zeros(2, bool), np.array([40, 20]), np.array(["budget", "budget"]))
    whole, numbers = measured_rows(rows, np.array([[5, -1, 7, -1], [-1, 9, -1, -1]]))
    np.testing.assert_array_equal(whole.steps, [[0, 20, -1, -1], [20, -1, -1, -1]])
    np.testing.assert_array_equal(numbers, [[5, 7, np.nan, np.nan], [9, np.nan, np.nan, np.nan]])
    floats, _ = measured_rows(rows, np.array([[-1.0, np.nan, 2.0, np.nan], [np.nan, 0.5, np.nan, np.nan]]))
    np.testing.assert_array_equal(floats.steps, [[0, 20, -1, -1], [20, -1, -1, -1]])
