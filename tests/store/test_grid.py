"""Is every value of a measure at its place in the grid, whatever the axes are?"""

import numpy as np
import pytest
import xarray as xr

from grokjax.drive.opening import describe
from grokjax.reader.sweep_file import load
from grokjax.results.grid import axis_groups, grid


def history(columns, steps=(0, 5)):
    """Runs whose value at step s is 1000 * run + s."""
    count = len(next(iter(columns.values())))
    step = np.broadcast_to(np.array(steps), (count, len(steps)))
    values = 1000.0 * np.arange(count)[:, None] + step
    settings = {path: ("run", np.array(column)) for path, column in columns.items()}
    return xr.Dataset({"step": (("run", "k"), step), "test/accuracy": (("run", "k"), values), **settings})


def test_axes_that_move_together_are_one_dimension_with_coordinates():
    runs = history({"model.width": [64, 64, 128, 128], "optimizer.rate": [0.1, 0.1, 0.2, 0.2], "a.b": [1, 2, 1, 2]})
    found = grid(runs, [["model.width", "optimizer.rate"], ["a.b"]], np.zeros(4, int), "test/accuracy")
    assert found.dims == ("width", "b", "seed", "step") and found.shape == (2, 2, 1, 2)
    assert found["rate"].dims == ("width",) and found.sel(width=128)["rate"] == 0.2
    assert found.sel(width=128, b=2, seed=0, step=5) == 3005
    assert found.swap_dims(width="rate").sel(rate=0.1, b=2, step=0, seed=0) == 1000


def test_random_draws_of_one_value_stay_apart():
    runs = history({"a.b": [3, 1, 3], "c.d": ["x", "y", "y"]})
    found = grid(runs, [["a.b", "c.d"]], np.zeros(3, int), "test/accuracy")
    assert found["b"].values.tolist() == [1, 3, 3] and found["d"].values.tolist() == ["y", "x", "y"]
    assert found.isel(b=2, seed=0, step=0) == 2000


def test_a_value_typed_with_few_digits_finds_its_cell():
    runs = history({"optimizer.weight_decay": [2.4369, 4.91329, 9.90129]})
    found = grid(runs, [["optimizer.weight_decay"]], np.zeros(3, int), "test/accuracy")
    assert found.sel(weight_decay=4.91, method="nearest").sel(seed=0, step=5) == 1005


def test_runs_that_a_grid_would_hide_are_refused():
    runs = history({"a.b": [1, 1]})
    with pytest.raises(ValueError, match="runs differ in more than b, seed"):
        grid(runs, [["a.b"]], np.zeros(2, int), "test/accuracy")


def test_axes_that_are_called_like_a_dimension_keep_their_path():
    runs = history({"a.step": [1, 2]})
    assert grid(runs, [["a.step"]], np.zeros(2, int), "test/accuracy").dims == ("a.step", "seed", "step")


def test_the_description_of_a_sweep_names_streams_of_seeds_and_what_moves_together(small_mapping):
    axes = {"zip": {"model.width": [4, 8], "optimizer.b1": [0.8, 0.9]}, "seeds.init": [0, 1]}
    found = describe(load({**small_mapping, "axes": axes}))
    assert found["axes"] == ["model.width", "optimizer.b1", "seeds.init"]
    assert axis_groups(found) == [["model.width", "optimizer.b1"], ["seeds.init"]]
    assert axis_groups({"axes": ["a", "b"]}) == [["a"], ["b"]]  # folders from before groups were written down


@pytest.fixture
def small_mapping():
    task = {"kind": "modular_arithmetic", "modulus": 7}
    return {"name": "small", "task": task, "model": "mlp", "optimizer": "adamw", "train": {"steps": 10}}
