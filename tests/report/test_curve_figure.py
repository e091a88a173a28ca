"""Do learning curves show the medians and bands of their groups, in figures, tables and text?"""

import numpy as np
import pandas as pd
import pytest

from grokjax.report.curve_figure import draw_curves
from grokjax.report.curves import MOST_GROUPS, cell_curves, default_measures, group_curves, write_curves

PHASES = ["memorization", "grokking", "grokking", "comprehension", "comprehension"]
TEST_MEDIAN = [0, 0, 0, 1, 1]  # of 5 runs at steps 0, 10, 20, 100, 1000: 0, 0, 2, 4 and 4 have generalized


@pytest.fixture(scope="module")
def group(make_looks):
    return group_curves(default_measures(make_looks(PHASES)), title="weight_decay = 1")


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
    axes = draw_curves([group_curves(default_measures(make_looks(["grokking"]), with_loss=False))]).axes
    assert len(axes) == 1 and not axes[0].collections


def test_each_group_has_a_panel_that_says_how_many_runs_it_has(make_looks):
    looks = make_looks([*PHASES, "diverged"])
    groups = [
        group_curves(default_measures(looks), np.arange(6) < 2, "first"),
        group_curves(default_measures(looks), np.arange(6) >= 2, "second"),
    ]
    axes = draw_curves(groups).axes
    assert [one.get_title(loc="left") for one in axes[:2]] == ["first\n2 runs", "second\n4 runs"]


def test_diverged_runs_are_said_to_be_missing(make_looks):
    looks = make_looks(["grokking", "grokking", "diverged"])
    steps = looks.steps.copy()
    steps[2, 3:] = -1
    found = group_curves(default_measures(type(looks)(**{**vars(looks), "steps": steps})))
    assert draw_curves([found]).axes[0].get_title(loc="left") == "3 runs, 1 diverged"
    assert found.accuracy["test"].n[-1] == 2


def test_many_groups_share_a_panel_in_colours_of_their_own(make_looks):
    groups = [group_curves(default_measures(make_looks(PHASES)), title=f"group {place}") for place in range(6)]
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


def test_runs_that_were_not_looked_at_are_drawn_as_an_empty_panel(make_looks):
    looks = make_looks(["undecided"])
    unseen = type(looks)(**{**vars(looks), "steps": np.full_like(looks.steps, -1)})
    figure = draw_curves([group_curves(default_measures(unseen))])
    figure.draw_without_rendering()
    assert not any(np.isfinite(line.get_ydata()).any() for panel in figure.axes for line in panel.get_lines())


def test_each_cell_has_a_band_of_its_own_over_its_seeds(make_looks):
    runs = pd.DataFrame({"a.b": [10.0, 2.0, 10.0, 2.0], "seeds.init": [0, 0, 1, 1], "a.c": [1] * 4})
    phases = ["grokking", "memorization", "grokking", "memorization"]
    groups, notes = cell_curves(default_measures(make_looks(phases)), runs, ["a.b", "a.c", "seeds.init"], "all runs")
    assert [(one.title, one.num_runs) for one in groups] == [("b = 2", 2), ("b = 10", 2)] and not notes
    np.testing.assert_array_equal(groups[0].accuracy["test"].values[2], 0)
    assert groups[1].accuracy["test"].values[2, -1] == 1


def test_more_cells_than_colours_are_pooled_and_the_figure_says_so(make_looks):
    count = MOST_GROUPS + 1
    runs = pd.DataFrame({"a.b": np.arange(count), "seeds.init": 0})
    groups, notes = cell_curves(default_measures(make_looks(["grokking"] * count)), runs, ["a.b"], "all runs")
    assert [one.num_runs for one in groups] == [count]
    texts = [text.get_text() for text in draw_curves(groups, notes=notes).texts]
    assert any(f"Pooled in these bands: a.b ({count} values)" in text.replace("\n", " ") for text in texts)


@pytest.mark.parametrize("ends", [(2.5, 3.4), (1.1, 9.0), (0.02, 3.0), (1e-7, 3.0)])
def test_losses_have_numbers_beside_them_however_small_their_range(make_looks, ends):
    looks = make_looks(PHASES)
    low, high = ends
    for name in ("train/loss", "test/loss"):
        looks.columns[name][:] = np.geomspace(high, low, looks.steps.shape[1])
    figure = draw_curves([group_curves(default_measures(looks))])
    figure.draw_without_rendering()
    axes = figure.axes[1]
    shown = [tick for tick in axes.get_yticks() if axes.get_ylim()[0] <= tick <= axes.get_ylim()[1]]
    assert len(shown) >= 2 and all(label.get_text() for label in axes.get_yticklabels())


def test_long_titles_are_wrapped_and_not_cut(make_looks):
    title = "weight_decay = 4.9 and train_fraction = 0.5 and seeds.init = 0 and learning_rate = 0.01"
    figure = draw_curves([group_curves(default_measures(make_looks(PHASES)), title=title)], title)
    figure.draw_without_rendering()
    texts = [figure._suptitle, figure.axes[0]._left_title]
    assert all(text.get_text().replace("\n", " ").startswith(title) for text in texts)
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in texts)


def test_any_measure_has_a_panel_of_its_own_on_the_scale_of_its_values(make_looks):
    looks = make_looks(["grokking", "grokking"])
    wide, narrow = 10.0 ** np.arange(5) * np.ones((2, 1)), np.arange(5.0) * np.ones((2, 1))
    signed = wide - 100
    found = group_curves({"norm/total": (looks, wide), "norm/layer": (looks, wide), "angle/mean": (looks, narrow)})
    assert {panel: list(lines) for panel, lines in found.panels.items()} == {
        "norm/total": ["norm/total"], "norm/layer": ["norm/layer"], "angle/mean": ["angle/mean"],
    }  # fmt: skip
    figure = draw_curves([found])
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log", "linear"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["norm/total", "norm/layer", "angle/mean"]
    np.testing.assert_allclose(figure.axes[2].lines[0].get_ydata(), np.arange(5.0))
    assert draw_curves([group_curves({"a/b": (looks, signed)})]).axes[0].get_yscale() == "linear"


def test_measures_of_one_name_share_a_panel(make_looks):
    looks = make_looks(["grokking", "grokking"])
    values = np.ones((2, 5))
    found = group_curves({"train/margin": (looks, values), "test/margin": (looks, values), "a/x": (looks, values)})
    assert {panel: list(lines) for panel, lines in found.panels.items()} == {
        "margin": ["train", "test"],
        "a/x": ["a/x"],
    }
    legend = draw_curves([found]).axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["train", "test"]
