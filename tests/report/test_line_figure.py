"""Does a figure of lines show its medians, its intervals, and every run that never got there?"""

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from grokjax.analysis.value_lines import value_lines
from grokjax.report.line_figure import draw_lines
from tests.analysis.test_value_lines import SEEDS, runs


def steps_of_tickets():
    """Of 0.1 five of eight never come, of 0.4 one; further lines all do."""
    steps = np.tile(np.arange(1.0, SEEDS + 1), 4)
    steps[SEEDS : SEEDS + 5] = steps[2 * SEEDS] = np.nan
    return value_lines(runs(steps_to_test_95=steps), "steps_to_test_95", "keep", "form")


def drawn(lines, label):
    """The figure, its field, and the lines in it that have the colour of this label."""
    figure = draw_lines(lines, "tickets")
    (axes,), (legend,) = figure.axes, figure.legends
    colour = {text.get_text(): line.get_color() for text, line in zip(legend.texts, legend.legend_handles, strict=True)}
    own = [line for line in axes.lines if np.array_equal(line.get_color(), colour[label])]
    return figure, axes, own


def test_medians_are_joined_and_a_median_that_is_never_has_no_point_in_the_field():
    lines = steps_of_tickets()
    _, _, (line, *above) = drawn(lines, "ticket")
    np.testing.assert_array_equal(line.get_ydata(), [np.nan, 5.5, 4.5])
    np.testing.assert_allclose(line.get_xdata()[:2], [0.1, 0.4])  # alone there: at the value itself
    assert [mark.get_marker() for mark in above] == ["^", "^"]
    assert [np.array_equal(mark.get_markerfacecolor(), line.get_color()) for mark in above] == [True, False]


def test_every_run_is_a_point_in_the_field_or_counted_above_it():
    lines = steps_of_tickets()
    _, axes, _ = drawn(lines, "ticket")
    points = sum(len(part.get_offsets()) for part in axes.collections if isinstance(part, PathCollection))
    assert points == np.isfinite(lines.runs[:, 2]).sum() == 4 * SEEDS - 6
    assert [text.get_text() for text in axes.texts] == ["5/8", "1/8"]


def test_whiskers_are_the_intervals_and_one_without_an_end_reaches_the_border():
    lines = steps_of_tickets()
    _, axes, _ = drawn(lines, "ticket")
    whiskers = [
        np.asarray(segment)[:, 1] for part in axes.collections for segment in getattr(part, "get_segments", list)()
    ]
    is_open = np.isposinf(lines.high) & np.isfinite(lines.low)
    bounded = [
        (low, high) for low, high in zip(lines.low.ravel(), lines.high.ravel(), strict=True) if np.isfinite(high)
    ]
    ends = bounded + [(low, axes.get_ylim()[1]) for low in lines.low[is_open]]
    assert is_open.any() and np.allclose(sorted(map(tuple, whiskers)), sorted(ends))


def test_what_a_reader_must_know_stands_below():
    (text,) = [text.get_text().replace("\n", " ") for text in draw_lines(steps_of_tickets()).texts]
    for words in ("over 8 runs", "95 % intervals", "has no upper end", "never got there"):
        assert words in text.replace("\u00a0", " ")
    assert "Crosses" not in text and "differ in" not in text


def test_two_lines_at_one_value_stand_beside_each_other_around_it():
    figure, _, (ticket, *_) = drawn(steps_of_tickets(), "ticket")
    (axes,) = figure.axes
    dense = next(line for line in axes.lines if len(line.get_xdata()) == 1 and line.get_linestyle() == "-")
    left, right = dense.get_xdata()[0], ticket.get_xdata()[2]
    assert left < 1 < right and left * right == pytest.approx(1) and right < 1.5  # the axis is logarithmic


def test_a_name_that_is_no_figure_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the name of a figure ends in"):
        draw_lines(steps_of_tickets(), path=tmp_path / "lines.csv")
