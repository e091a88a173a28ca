"""Is a network compared with the one that memorized: in the loop, where a run goes on after its end, and afterwards?"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from grokjax import open_results
from grokjax.analysis import events
from grokjax.core.words import FIT_PERCENT
from tests.measures.small_runs import outputs_of_mlp
from tests.measures.test_cka import by_features
from tests.store.small_sweep import typed

NAME, MODULUS = "cka_memorized/units_0", 11
SWEEP = """
name: memorized
task: {{kind: modular_arithmetic, operation: x+y, modulus: 11, train_fraction: 0.6}}
model: {{kind: mlp, width: 32}}
optimizer: {{kind: adamw, learning_rate: 0.01, weight_decay: 1.0}}
train: {{steps: {steps}}}
axes: {{optimizer.learning_rate: [0.01, 0.0001]}}  # the slower one memorizes nothing
measure: {{every: 20, looks: 20, what: {what}}}
weights: 20
"""
COMPARED = "[{kind: cka, since: memorized}]"


def trained(folder, name, steps=200, what=COMPARED):
    (folder / f"{name}.yaml").write_text(SWEEP.format(steps=steps, what=what))
    assert typed("run", folder / f"{name}.yaml", "--out", folder / name, "--lanes", 2) == 0
    return folder / name


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("compared"), "compared")


def first_fit(results, run):
    """Step of the first look with 99 % of the train set right, read from what is stored; -1 for none."""
    history = results.history.isel(run=run)
    right = history["train_clean/correct"].values / history["train_clean/n"].values
    steps = history["step"].values[right >= 0.99]
    return int(steps[0]) if len(steps) else -1


def test_a_network_is_compared_with_the_one_that_memorized_and_with_none_before(compared):
    results = open_results(compared)
    step, run_id = first_fit(results, 0), results.runs.run_id[0]
    assert 20 < step < 140 and first_fit(results, 1) == -1 and FIT_PERCENT == 100 * events.FIT
    steps, values = results.history["step"].values, results.history[NAME].values
    assert np.isnan(values[1]).all() and np.isnan(values[0][steps[0] < step]).all()
    inputs = results.dataset(run_id)["inputs"]
    reference, _ = outputs_of_mlp(results.params(run_id, step), inputs, MODULUS)
    for at, value in zip(steps[0], values[0], strict=True):
        if at >= step:
            units, _ = outputs_of_mlp(results.params(run_id, int(at)), inputs, MODULUS)
            assert_allclose(value, by_features(units, reference), rtol=1e-4)
    assert values[0][-1] < 0.999


def test_the_network_that_memorized_is_kept_over_the_end_of_a_run_that_goes_on(compared, tmp_path):
    grown = trained(tmp_path, "grown", steps=140)
    assert typed("extend", grown, "--steps", 200, "--lanes", 2) == 0
    assert_array_equal(open_results(grown).history[NAME], open_results(compared).history[NAME])


def test_measured_afterwards_it_is_what_the_loop_measures(compared, tmp_path):
    plain = trained(tmp_path, "plain", what="[fit]")
    assert typed("measure", plain, "--what", COMPARED, "--step", "all") == 0
    assert_allclose(open_results(plain).history[NAME], open_results(compared).history[NAME], rtol=2e-5)
