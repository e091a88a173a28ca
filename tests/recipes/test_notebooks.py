"""Do the cells of docs/notebooks run, in their order, and do they print what their pages are about?"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "docs" / "notebooks"
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NUMBER = r"(\d+(?:\.\d+)?)"


def printed(name, folder):
    """What the cells of a notebook print, run as one program in `folder`."""
    program = folder / f"{name}.py"
    program.write_text(
        "import matplotlib\n\nmatplotlib.use('Agg')\n" + "\n".join(CELL.findall((NOTEBOOKS / f"{name}.md").read_text()))
    )
    done = subprocess.run([sys.executable, "-W", "error", program], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_notebook_is_run_here():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.md")) == ["one-run", "own-figure"]


def test_one_run_groks_and_its_units_are_nearer_to_waves_than_random_ones(tmp_path):
    text = printed("one-run", tmp_path)
    assert re.search(r"^phase +grokking$", text, re.MULTILINE)
    learned, drawn = map(float, re.search(rf"{NUMBER} learned, {NUMBER} at random", text).groups())
    assert learned > 1.5 * drawn


@pytest.mark.slow
def test_the_statistics_of_the_second_notebook_count_runs_that_never_generalize(tmp_path):
    text = printed("own-figure", tmp_path)
    weak, strong, p = map(
        float, re.search(rf"medians {NUMBER} and {NUMBER} steps, Mann-Whitney p = {NUMBER}", text).groups()
    )
    assert weak > strong and p < 0.05
    assert re.search(r"^ *40\.0 +0\.0 .* inf +6$", text, re.MULTILINE)
