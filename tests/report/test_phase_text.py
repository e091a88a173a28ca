"""Does the diagram of letters show each cell at its place?"""

import re

import pytest

from grokjax.analysis.diagram import phase_diagram
from grokjax.report.colours import PHASE_STYLES
from grokjax.report.phase_text import phase_text

DECAY, FRACTION = "optimizer.weight_decay", "task.train_fraction"


@pytest.fixture(scope="module")
def diagram(grid_runs):
    return phase_diagram(grid_runs, DECAY, FRACTION)


def row(text, label):
    return next(line for line in text.splitlines() if line.split()[:1] == [label])


def test_rows_have_large_values_at_the_top_and_letters_over_their_columns(diagram):
    lines = phase_text(diagram).splitlines()
    assert lines[0].startswith(FRACTION) and lines[4].strip().startswith(DECAY)
    assert lines[1].split() == ["0.6", "g=", "C"]  # the last cell has no run
    assert lines[2].split() == ["0.3", "M", "g·", "F"]
    assert lines[3].split() == ["0.1", "1", "10"]
    letters, labels = ([found.start() for found in re.finditer(r"\S+", line)] for line in lines[2:4])
    assert all(abs(letter - label) <= 1 for letter, label in zip(letters[1:], labels, strict=True))


def test_the_legend_names_letters_counts_and_marks(diagram):
    text = phase_text(diagram, title="quick")
    assert text.splitlines()[0] == "quick"
    assert re.search(r"^ M  memorization +7 runs +28 %$", text, re.MULTILINE)
    assert re.search(r"^ X  collapsed +1 runs +4 %$", text, re.MULTILINE)
    for said in ("g· most frequent", "g= two or more", "blank: no run", "25 runs, 5 seeds per cell"):
        assert said in text


def test_without_colour_there_is_no_escape_sequence(diagram):
    assert "\x1b" not in phase_text(diagram)


def test_with_colour_each_letter_stands_on_the_colour_of_its_phase(diagram):
    text = phase_text(diagram, colour=True)
    for letter, phase in (("M", "memorization"), ("F", "confusion"), ("C", "comprehension")):
        red, green, blue = (int(PHASE_STYLES[phase].colour[start : start + 2], 16) for start in (1, 3, 5))
        assert re.search(rf"48;2;{red};{green};{blue}m +{letter} ", text)
    assert re.sub(r"\x1b\[[0-9;]*m", "", text).split() == phase_text(diagram).split()


def test_a_partial_diagram_says_so_first(diagram):
    assert phase_text(diagram, finished=25, total=30).splitlines()[0].strip() == "PARTIAL: 25 of 30 runs finished"


@pytest.mark.parametrize("width", [40, 60, 200])
def test_wide_diagrams_keep_to_the_width_and_lose_no_cell(make_runs, width):
    phases = ("memorization", "grokking", "comprehension")
    cells = [
        ({DECAY: float(decay), FRACTION: fraction}, [phases[(decay + place) % 3]])
        for decay in range(1, 46)
        for place, fraction in enumerate((0.3, 0.5))
    ]
    text = phase_text(phase_diagram(make_runs(cells), DECAY, FRACTION), width=width)
    assert max(map(len, text.splitlines())) <= width
    letters = "".join("".join(line.split()[1:]) for line in text.splitlines() if line.split()[:1] == ["0.5"])
    assert letters == "".join("MGC"[(decay + 1) % 3] for decay in range(1, 46))


def test_one_axis_gives_a_bar_a_value_divided_by_shares(grid_runs):
    text = phase_text(phase_diagram(grid_runs, FRACTION), width=80)
    bar = row(text, "0.3").split()
    assert bar[2] == "15"
    assert [bar[1].count(letter) for letter in "FMG"] == [20, 28, 12]  # 5, 7 and 3 of 15 runs, of 60 letters
    assert bar[1] == "F" * 20 + "M" * 28 + "G" * 12


def test_a_rule_has_its_own_words(make_runs):
    runs = make_runs([({DECAY: 1.0, FRACTION: 0.5}, ["memorization"])])
    assert "memorisation" in phase_text(phase_diagram(runs, DECAY, FRACTION), rule="liu2022")
