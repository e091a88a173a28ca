"""Do learning curves show the medians and bands of their groups, in figures, tables and text?"""

import numpy as np
import pandas as pd
import pytest

from grokjax.report.curve_figure import draw_curves
from grokjax.report.curve_text import curve_text
from grokjax.report.curves import group_curves, write_curves

PHASES = ["memorization", "grokking", "grokking", "comprehension", "comprehension"]
TEST_MEDIAN = [0, 0, 0, 1, 1]  # of 5 runs at steps 0, 10, 20, 100, 1000: 0, 0, 2, 4 and 4 have generalized


@pytest.fixture(scope="module")
def group(make_looks):
    return group_curves(make_looks(PHASES), title="weight_decay = 1")


def test_medians_are_drawn_over_the_steps_of_the_looks(group):
    axes = draw_curves([group]).axes
    assert len(axes) == 2
    train, test = axes[0].lines
    np.testing.assert_array_equal(test.get_xdata(), [0, 10, 20, 100, 1000])
    np.testing.assert_allclose(test.get_ydata(), TEST_MEDIAN)
    np.testing.assert_allclose(train.get_ydata(), [0, 1, 1, 1, 1])
    assert axes[0].get_xscale() == "symlog" and axes[0].get_xlim() == (0, 1000)
    assert axes[1].get_yscale() == "log"


def test_train_and_test_differ_in_colour_and_dash(group):
    train, test = draw_curves([group]).axes[0].lines
    assert train.get_color() != test.get_color() and train.get_linestyle() != test.get_linestyle()


def test_bands_reach_from_quantile_to_quantile(group):
    shades = draw_curves([group]).axes[0].collections
    assert len(shades) == 4  # two bands each for train and test
    outer = shades[2].get_paths()[0].vertices
    at_20 = outer[outer[:, 0] == 20][:, 1]
    np.testing.assert_allclose([at_20.min(), at_20.max()], [0, 1])  # 2 of 5 have generalized: 5 % to 95 % spans both


def test_a_single_run_has_lines_only(make_looks):
    axes = draw_curves([group_curves(make_looks(["grokking"]), with_loss=False)]).axes
    assert len(axes) == 1 and not axes[0].collections


def test_each_group_has_a_panel_that_says_how_many_runs_it_has(make_looks):
    looks = make_looks([*PHASES, "diverged"])
    groups = [group_curves(looks, np.arange(6) < 2, "first"), group_curves(looks, np.arange(6) >= 2, "second")]
    axes = draw_curves(groups).axes
    assert [one.get_title(loc="left") for one in axes[:2]] == ["first\n2 runs", "second\n4 runs"]


def test_diverged_runs_are_said_to_be_missing(make_looks):
    looks = make_looks(["grokking", "grokking", "diverged"])
    steps = looks.steps.copy()
    steps[2, 3:] = -1
    found = group_curves(type(looks)(**{**vars(looks), "steps": steps}))
    assert draw_curves([found]).axes[0].get_title(loc="left") == "3 runs, 1 diverged"
    assert found.accuracy["test"].n[-1] == 2


def test_many_groups_share_a_panel_in_colours_of_their_own(make_looks):
    groups = [group_curves(make_looks(PHASES), title=f"group {place}") for place in range(6)]
    figure = draw_curves(groups, "many")
    assert len(figure.axes) == 2 and len(figure.axes[0].lines) == 12
    assert len({tuple(line.get_color()) for line in figure.axes[0].lines}) == 6
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == [*(f"group {place}: 5 runs" for place in range(6)), "train", "test"]


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_every_format_is_written(group, tmp_path, suffix, start):
    draw_curves([group], "title", tmp_path / f"a.{suffix}")
    content = (tmp_path / f"a.{suffix}").read_bytes()
    assert content.startswith(start) and len(content) > 5000


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="no group"):
        draw_curves([])


def test_the_table_of_curves_holds_every_band(group, tmp_path):
    write_curves([group], tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv")
    assert table.columns.tolist() == ["group", "measure", "step", "n", "q05", "q25", "q50", "q75", "q95"]
    test = table[table["measure"] == "test/accuracy"]
    np.testing.assert_allclose(test["q50"], TEST_MEDIAN)
    assert (test["n"] == 5).all() and set(table["measure"]) == {
        "train/accuracy", "test/accuracy", "train/loss", "test/loss",
    }  # fmt: skip


def test_bars_in_the_terminal_rise_where_the_median_does(group):
    head, train, test, steps = curve_text([group], width=80).splitlines()
    assert head == "weight_decay = 1 · 5 runs"
    assert test.endswith(" 1.000") and train.endswith(" 1.000")
    bars, axis = test[17:-6], steps[17:]
    assert set(bars) == {"▁", "█"}
    assert abs(bars.index("█") - axis.index("100")) <= 1
    assert axis.split() == ["0", "10", "100", "1,000"]


def test_runs_that_were_not_looked_at_give_no_bars(make_looks):
    looks = make_looks(["undecided"])
    unseen = type(looks)(**{**vars(looks), "steps": np.full_like(looks.steps, -1)})
    assert curve_text([group_curves(unseen, title="new")]) == "new · 1 run · not looked at yet"
    draw_curves([group_curves(unseen)]).draw_without_rendering()
