"""Are random draws drawn where their values lie, and lattices as before?"""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from grokjax.analysis.diagram import phase_diagram
from grokjax.report.colours import PHASE_STYLES
from grokjax.report.phase_figure import draw_phases
from grokjax.report.phase_table import phase_table
from grokjax.report.phase_text import phase_text
from grokjax.report.pictures import choose_axes
from grokjax.report.points import is_scattered, point_axis
from grokjax.report.wording import importance_remarks

DECAY, RATE = "optimizer.weight_decay", "optimizer.learning_rate"
COUNT = 20


@pytest.fixture(scope="module")
def runs(make_runs):
    generator = np.random.default_rng(0)
    decay, rate = 10 ** generator.uniform(-2, 1.5, COUNT), 10 ** generator.uniform(-4, -1, COUNT)
    phases = [["grokking"] * 3 if value > 1 else ["memorization"] * 3 for value in decay]
    phases[0] = ["grokking", "memorization", "memorization"]
    cells = [{DECAY: float(a), RATE: float(b)} for a, b in zip(decay, rate, strict=True)]
    return make_runs(list(zip(cells, phases, strict=True)))


def points_of(figure):
    """Phase -> [point, 2] of the points that all of its runs agree on."""
    return {one.get_label(): one for one in figure.axes[0].collections if not one.get_label().startswith("_")}


def test_draws_are_points_at_their_values_in_the_colours_of_their_phases(runs):
    figure = draw_phases(phase_diagram(runs, DECAY, RATE))
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    cells = runs.drop_duplicates([DECAY, RATE])[[DECAY, RATE]].to_numpy()
    found = points_of(figure)
    drawn = np.concatenate([one.get_offsets() for one in found.values()])
    assert sorted(map(tuple, drawn.tolist())) == sorted(map(tuple, cells[1:].tolist()))
    for phase, one in found.items():
        np.testing.assert_allclose(one.get_facecolor()[0][:3], to_rgb(PHASE_STYLES[phase].colour))
    parts = [one for one in axes.collections if one.get_label().startswith("_")]
    np.testing.assert_allclose([one.get_offsets()[0] for one in parts], [cells[0]] * 2)  # the divided point
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert low < cells[:, 0].min() and cells[:, 0].max() < high and bottom < cells[:, 1].min() < top
    said = [text.get_text() for text in figure.texts] + [text.get_text() for text in figure.legends[0].get_texts()]
    assert "no run" not in said and "Every point is one draw" in "".join(said) and "Not to scale" not in "".join(said)
    figure.draw_without_rendering()


def test_a_draw_is_divided_by_the_share_of_its_runs(runs):
    figure = draw_phases(phase_diagram(runs, DECAY, RATE))
    parts = [one for one in figure.axes[0].collections if one.get_label().startswith("_")]
    areas = []
    for one in parts:
        corners = one.get_paths()[0].vertices[:-1]
        x, y = corners.T
        areas.append(0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) * one.get_sizes()[0])
    assert areas[0] / sum(areas) == pytest.approx(2 / 3, abs=0.02)  # memorization, then grokking


def test_the_terminal_shows_each_draw_once_at_its_place(runs):
    text = phase_text(phase_diagram(runs, DECAY, RATE), width=100)
    lines = text.split("\n")
    field = [line[-64:] for line in lines[1:17]]
    letters = [letter for line in field for letter in line if letter in "GMgm"]
    assert letters.count("m") == 1 and 15 <= len(letters) <= COUNT  # a place may hold more than one
    columns = {letter: [line.index(letter) for line in field if letter in line] for letter in "GM"}
    assert min(columns["G"]) > np.median(columns["M"])
    assert "log scale" in text and "blank: no run" not in text


def test_the_table_of_draws_has_no_empty_cells(runs):
    table = phase_table(phase_diagram(runs, DECAY, RATE))
    assert len(table) == COUNT * 2 and (table["n"] == 3).all()


def test_lattices_stay_lattices(grid_runs, make_runs):
    assert not is_scattered(phase_diagram(grid_runs, DECAY, "task.train_fraction"))
    few = make_runs([({DECAY: value, RATE: value / 10}, ["grokking"]) for value in (1.0, 2.0, 3.0)])
    assert not is_scattered(phase_diagram(few, DECAY, RATE))
    texts = make_runs([({DECAY: float(value), "task.operation": str(value)}, ["grokking"]) for value in range(20)])
    assert not is_scattered(phase_diagram(texts, DECAY, "task.operation"))


def test_one_drawn_setting_is_drawn_in_lanes_of_phases(runs):
    figure = draw_phases(phase_diagram(runs, DECAY))
    found = points_of(figure)
    assert set(found) == {"memorization", "grokking"}
    for lane, phase in enumerate(["memorization", "grokking"]):
        assert set(found[phase].get_offsets()[:, 1].tolist()) == {float(lane)}
        wanted = runs[runs["phase"] == phase][DECAY].drop_duplicates().tolist()
        np.testing.assert_allclose(np.sort(found[phase].get_offsets()[:, 0]), np.sort(wanted))
    figure.draw_without_rendering()


def test_axes_are_logarithmic_where_the_draws_are():
    generator = np.random.default_rng(1)
    assert point_axis(np.sort(10 ** generator.uniform(-4, 0, 30))).scale == "log"
    assert point_axis(np.sort(generator.uniform(0.01, 1, 30))).scale == "linear"
    assert point_axis(np.sort(generator.uniform(-1, 1, 30))).scale == "linear"
    one = point_axis(np.array([3.0]))
    assert one.low < 3 < one.high


def test_two_settings_that_are_drawn_together_are_the_two_axes(runs):
    assert choose_axes([[DECAY, RATE]], runs, None, None) == (DECAY, RATE)


def test_correlations_are_said_with_their_intervals_and_the_number_of_draws():
    row = {"setting": "a.x", "outcome": "generalized", "correlation": 0.5, "low": 0.25, "high": 0.75, "cells": 20}
    nothing = row | {"setting": "a.y", "correlation": np.nan}
    said = importance_remarks(pd.DataFrame([row, nothing, row | {"low": np.nan, "high": np.nan, "setting": "a.z"}]))
    assert said == [
        "Rank correlation with the share of runs that generalize, over 20 draws: a.x +0.50 [+0.25, +0.75], a.z +0.50."
    ]
