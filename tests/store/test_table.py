"""Do the columns that the table adds to what was stored follow from it?"""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from grokjax.results.table import _passes


def passes(steps, n_train, minibatch):
    per_epoch = -(-n_train // minibatch)
    by_run = {"final_step": steps, "steps_per_epoch": per_epoch, "minibatch": minibatch}
    data = {name: ("run", np.array([value])) for name, value in by_run.items()}
    found = _passes(xr.Dataset({**data, "look/train/n": (("run", "look"), np.array([[n_train]], np.int32))}))
    return int(found["examples_seen"][0]), float(found["epochs"][0])


@given(st.integers(0, 60), st.integers(1, 20), st.integers(1, 20))
def test_examples_seen_agree_with_minibatches_laid_end_to_end(steps, n_train, minibatch):
    minibatch = min(minibatch, n_train)
    sizes = [min(minibatch, n_train - start) for start in range(0, n_train, minibatch)]
    seen = sum(sizes[step % len(sizes)] for step in range(steps))
    assert passes(steps, n_train, minibatch) == (seen, pytest.approx(seen / n_train))


def test_examples_seen_of_long_runs_on_large_tables_do_not_overflow():
    assert passes(2**31 - 2, 10**4, 10**4)[0] == (2**31 - 2) * 10**4
