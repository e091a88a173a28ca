"""Does a phase diagram show the shares that were counted, where they belong, and say what must be said?"""

import re
import struct

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb

from grokjax.analysis.boundary import boundary
from grokjax.analysis.diagram import phase_diagram
from grokjax.analysis.phases import label
from grokjax.report.colours import PHASE_STYLES
from grokjax.report.phase_figure import draw_phases

DECAY, FRACTION = "optimizer.weight_decay", "task.train_fraction"


@pytest.fixture(scope="module")
def diagram(grid_runs):
    return phase_diagram(grid_runs, DECAY, FRACTION)


def fields(figure):
    """Phase -> rectangles (left, right, bottom, top)."""
    found = {}
    for collection in figure.axes[0].collections:
        if isinstance(collection, PolyCollection):
            corners = [path.vertices for path in collection.get_paths()]
            ends = [(*np.sort(np.unique(one[:, 0])), *np.sort(np.unique(one[:, 1]))) for one in corners]
            found[collection.get_label()] = (ends, collection)
    return found


def words(figure):
    legend = [text.get_text() for one in figure.legends for text in one.get_texts()]
    title = figure._suptitle.get_text() if figure._suptitle else ""
    return [*legend, *(text.get_text() for text in figure.texts), title]


def log_share(rectangle):
    """Width of a field in decades."""
    return np.log10(rectangle[1] / rectangle[0])


def test_every_cell_shows_its_phases_in_their_colours(diagram):
    found = fields(draw_phases(diagram))
    counts = {name: len(rectangles) for name, (rectangles, _) in found.items()}
    expected = {"confusion": 1, "memorization": 2, "grokking": 2, "comprehension": 2, "collapsed": 1, "no run": 1}
    assert counts == expected
    for name in diagram.phases:
        np.testing.assert_allclose(found[name][1].get_facecolor()[0][:3], to_rgb(PHASE_STYLES[name].colour))
        assert found[name][1].get_hatch() == (PHASE_STYLES[name].hatch or None)


def test_a_cell_is_divided_by_the_shares_of_its_runs_from_left_to_right(diagram):
    found = fields(draw_phases(diagram))
    memorized, grokked = found["memorization"][0][1], found["grokking"][0][0]  # weight decay 1, fraction 0.3
    np.testing.assert_allclose(memorized, (10**-0.5, 10**-0.1, 0.15, 0.45))  # two of five
    np.testing.assert_allclose(grokked, (10**-0.1, 10**0.5, 0.15, 0.45))
    total = sum(log_share(one) for rectangles, _ in found.values() for one in rectangles)
    assert total == pytest.approx(6.0)  # six cells of one decade each


def test_a_flat_cell_lies_around_its_value(diagram):
    comprehended = fields(draw_phases(diagram))["comprehension"][0][1]
    np.testing.assert_allclose(comprehended, (10**-0.5, 10**0.5, 0.45, 0.75))


def test_axes_are_those_of_the_values(diagram):
    axes = draw_phases(diagram, units={DECAY: "per update"}).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    np.testing.assert_allclose(axes.get_xlim(), (10**-1.5, 10**1.5))
    np.testing.assert_allclose(axes.get_ylim(), (0.15, 0.75))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("weight decay (per update)", "train fraction")
    axes.figure.draw_without_rendering()
    np.testing.assert_allclose(axes.get_xticks(), [0.1, 1, 10])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0.1", "1", "10"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0.3", "0.6"]


def test_many_log_spaced_values_get_ticks_at_decades(make_runs):
    values = [float(f"{value:.6g}") for value in np.geomspace(1e-5, 1, 16)]
    runs = make_runs([({DECAY: value, FRACTION: 0.5}, ["grokking"]) for value in values])
    axes = draw_phases(phase_diagram(runs, DECAY, FRACTION)).axes[0]
    axes.figure.draw_without_rendering()
    low, high = axes.get_xlim()
    shown = [float(at) for at in axes.get_xticks() if low <= at <= high]
    np.testing.assert_allclose(shown, 10.0 ** np.arange(-5, 1))


def test_the_legend_counts_runs_and_the_caption_says_what_was_pooled(diagram, grid_runs):
    text = "\n".join(words(draw_phases(diagram, "quick")))
    assert "M  memorization  7 (28 %)" in text and "X  collapsed  1 (4 %)" in text and "no run" in text
    assert "25 runs, 5 seeds per cell" in text and "Rule default" in text and "Pooled" not in text
    pooled = "\n".join(words(draw_phases(phase_diagram(grid_runs, DECAY))))
    assert f"Pooled in each cell: {FRACTION}" in pooled and "5 to 10 runs per cell" in pooled


def test_a_partial_diagram_says_so(diagram, make_runs):
    assert "PARTIAL: 25 of 30 runs finished" in words(draw_phases(diagram, finished=25, total=30))
    assert not any("PARTIAL" in word for word in words(draw_phases(diagram, finished=25, total=25)))
    running = make_runs([({DECAY: 1.0, FRACTION: 0.5}, ["grokking", "undecided", "undecided"])])
    said = words(draw_phases(phase_diagram(running, DECAY, FRACTION)))
    assert "PARTIAL: 2 of 3 runs undecided" in said and "Undecided: 2 running." in "\n".join(said)


def test_a_rule_that_cannot_answer_makes_no_finished_sweep_partial(make_runs, make_looks):
    phases = ["grokking", "memorization"]
    labels = label(make_looks(phases), "liu2022")
    runs = make_runs([({DECAY: 1.0, FRACTION: 0.5}, phases)]).assign(phase=labels.phase, phase_reason=labels.reason)
    said = words(draw_phases(phase_diagram(runs, DECAY, FRACTION), rule="liu2022", finished=2, total=2))
    assert "UNDECIDED: 2 of 2 runs" in said
    assert "liu2022 is stated for 100000 steps, not 1000" in " ".join("\n".join(said).split())


def test_one_axis_gives_bars_of_shares(grid_runs):
    figure = draw_phases(phase_diagram(grid_runs, DECAY))
    found = fields(figure)
    np.testing.assert_allclose(found["memorization"][0][0], (10**-1.5, 10**-0.5, 0.0, 0.5))
    np.testing.assert_allclose(found["collapsed"][0][0], (10**-1.5, 10**-0.5, 0.9, 1.0))
    assert figure.axes[0].get_ylabel() == "share of runs"


def test_large_cells_carry_the_letter_of_their_phase_where_all_runs_agree(diagram):
    texts = {text.get_text(): text.get_position() for text in draw_phases(diagram).axes[0].texts}
    assert set(texts) == {"M", "F", "C"}
    np.testing.assert_allclose(texts["F"], (10.0, 0.3))
    assert not draw_phases(diagram, letters=False).axes[0].texts


def test_the_boundary_is_drawn_where_it_crosses(make_runs):
    none, half, all_of_them = ["memorization"] * 4, ["memorization", "grokking"] * 2, ["grokking"] * 4
    cells = [(0.1, 0.3, none), (1.0, 0.3, half), (10.0, 0.3, all_of_them)]
    cells += [(0.1, 0.6, all_of_them), (1.0, 0.6, all_of_them), (10.0, 0.6, all_of_them)]
    runs = make_runs([({DECAY: decay, FRACTION: fraction}, phases) for decay, fraction, phases in cells])
    found = boundary(runs, DECAY, FRACTION, resamples=50)
    figure = draw_phases(phase_diagram(runs, DECAY, FRACTION), boundary=found)
    line = figure.axes[0].containers[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), [1.0])  # half of the runs generalize there
    np.testing.assert_allclose(line.get_ydata(), [0.3])  # at 0.6 all do, so nothing is crossed
    assert "generalizes with chance 1/2" in words(figure)
    with pytest.raises(ValueError, match="boundary"):
        draw_phases(phase_diagram(runs, FRACTION, DECAY), boundary=found)


def test_windows_are_drawn_with_both_edges_and_several_windows_are_said(make_runs):
    none, all_of_them = ["memorization"] * 6, ["grokking"] * 6
    rows = {0.3: (none, all_of_them, none, none, none), 0.6: (none, all_of_them, none, all_of_them, none)}
    values = (0.1, 1.0, 10.0, 100.0, 1000.0)
    runs = make_runs(
        [
            ({DECAY: decay, FRACTION: fraction}, phases)
            for fraction, row in rows.items()
            for decay, phases in zip(values, row, strict=True)
        ]
    )
    found = boundary(runs, DECAY, FRACTION, resamples=50)
    figure = draw_phases(phase_diagram(runs, DECAY, FRACTION), boundary=found)
    drawn = [container.lines[0] for container in figure.axes[0].containers]
    np.testing.assert_allclose([line.get_xdata()[0] for line in drawn], [10**-0.5, 10**0.5])
    assert [line.get_ydata().tolist() for line in drawn] == [[0.3], [0.3]]
    said = " ".join(" ".join(words(figure)).split())
    assert "No edge at task.train_fraction = 0.6: the share of runs that generalize crosses 1/2 4 times" in said
    assert "both edges of a window" in said


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_files_are_written_the_same_each_time(diagram, tmp_path, suffix, start):
    contents = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.{suffix}"
        draw_phases(diagram, "the title", path, finished=1, total=2)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    assert contents[0].startswith(start) and len(contents[0]) > 5000


def test_a_png_has_three_hundred_dots_an_inch(diagram, tmp_path):
    draw_phases(diagram, path=tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    place = content.index(b"pHYs") + 4
    dots_per_metre, _, unit = struct.unpack(">IIB", content[place : place + 9])
    assert unit == 1 and dots_per_metre * 0.0254 == pytest.approx(300, abs=0.1)


def test_words_stay_words_in_vector_files(diagram, tmp_path):
    draw_phases(diagram, "the title", tmp_path / "a.svg", finished=1, total=2)
    drawn = re.sub(r"\s+", " ", (tmp_path / "a.svg").read_text())
    for word in ("the title", "PARTIAL: 1 of 2 runs finished", "weight decay", "M memorization 7 (28 %)"):
        assert word in drawn
    draw_phases(diagram, "the title", tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/Type3" not in content and b"/CIDFontType2" in content


def test_underscores_and_dollars_of_names_are_no_formulas(make_runs):
    runs = make_runs([({"task.operation": "x^2 $y$", FRACTION: 0.5}, ["grokking"])])
    figure = draw_phases(phase_diagram(runs, "task.operation", FRACTION), "a $1 b$")
    figure.draw_without_rendering()
    assert figure.axes[0].get_title(loc="left") == "a $1 b$"


def test_long_names_do_not_squeeze_the_field(make_runs):
    names = ("adamw {weight_decay: 1.0, b2: 0.999}", "sgd")
    runs = make_runs([({DECAY: 1.0, "optimizer": name}, ["grokking"]) for name in names])
    figure = draw_phases(phase_diagram(runs, DECAY, "optimizer"))
    figure.draw_without_rendering()
    assert figure.axes[0].get_position().width * figure.get_figwidth() > 2.3  # inches


def test_a_file_that_is_no_figure_is_refused_before_anything_is_drawn(diagram, tmp_path):
    with pytest.raises(ValueError, match=r"a\.jpg.*\.png, \.svg or \.pdf, not \.jpg"):
        draw_phases(diagram, path=tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_the_users_own_settings_neither_matter_nor_change(diagram, tmp_path):
    draw_phases(diagram, path=tmp_path / "a.svg")
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "path", "hatch.linewidth": 9}):
        draw_phases(diagram, path=tmp_path / "b.svg")
        assert mpl.rcParams["font.size"] == 30
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
