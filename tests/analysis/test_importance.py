import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from grokjax.analysis.importance import importance


def drawn(generator, count=40, seeds=2, steepness=4.0):
    """Draws of which `a.x` decides whether and when runs generalize; `a.y` is nothing to them."""
    x, y = generator.uniform(-2, 2, count), generator.uniform(0, 1, count)
    rows = []
    for first, second in zip(x, y, strict=True):
        for seed in range(seeds):
            is_general = generator.random() < 1 / (1 + np.exp(-steepness * first))
            steps = int(1000 * np.exp(-first)) if is_general else pd.NA
            phase = "grokking" if is_general else "memorization"
            rows.append(
                {"a.x": first, "a.y": second, "seeds.init": seed, "phase": phase, "steps_to_generalized": steps}
            )
    return pd.DataFrame(rows).astype({"steps_to_generalized": "Int64"})


def of(table, setting, outcome="generalized"):
    return table[(table["setting"] == setting) & (table["outcome"] == outcome)].iloc[0]


def test_the_setting_that_decides_comes_first_and_agrees_with_scipy():
    runs = drawn(np.random.default_rng(1))
    table = importance(runs, ["a.y", "a.x"])
    assert table["setting"].tolist() == ["a.x", "a.x", "a.y", "a.y"] and set(table["cells"]) == {40}
    cells = runs.assign(general=runs["phase"] == "grokking").groupby(["a.x", "a.y"])["general"].mean().reset_index()
    assert of(table, "a.x")["correlation"] == pytest.approx(spearmanr(cells["a.x"], cells["general"]).statistic)
    assert of(table, "a.x")["low"] > 0 and of(table, "a.x", "steps_to_generalized")["high"] < 0
    assert of(table, "a.y")["low"] < 0 < of(table, "a.y")["high"]


def test_intervals_hold_a_setting_that_matters_not_about_as_often_as_they_say():
    generator = np.random.default_rng(4)
    found = [of(importance(drawn(generator), ["a.x", "a.y"], resamples=300), "a.y") for _ in range(60)]
    assert sum(row["low"] <= 0 <= row["high"] for row in found) >= 53


def test_runs_that_never_got_there_are_last_and_collapsed_ones_never_did():
    runs = pd.DataFrame(
        {
            "a.x": [1.0, 2.0, 3.0, 4.0, 5.0],
            "phase": ["grokking", "grokking", "collapsed", "memorization", "undecided"],
            "steps_to_generalized": pd.array([10, 20, 5, None, 1], "Int64"),
        }
    )
    table = importance(runs, ["a.x"])
    assert of(table, "a.x", "steps_to_generalized")["correlation"] == pytest.approx(
        spearmanr([1, 2, 3, 4], [10, 20, 1e9, 1e9]).statistic
    )
    assert set(table["cells"]) == {4} and np.isnan(table["low"]).all()  # four cells are too few for an interval


def test_texts_are_no_settings_and_equal_outcomes_have_no_correlation():
    runs = drawn(np.random.default_rng(2)).assign(**{"a.kind": "one"})
    runs.loc[::2, "a.kind"] = "other"
    assert set(importance(runs, ["a.x", "a.kind"])["setting"]) == {"a.x"}
    same = importance(runs.assign(phase="memorization"), ["a.x", "a.y"])
    assert np.isnan(of(same, "a.x")["correlation"]) and np.isnan(of(same, "a.x")["low"])
    assert importance(runs, ["a.kind"]).empty
