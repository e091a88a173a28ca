"""Does what is measured afterwards fill gaps of a history, and change nothing that is there?"""

import numpy as np
import xarray as xr

from grokjax.results.measured import with_measured


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
