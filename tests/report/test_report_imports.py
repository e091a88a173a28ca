"""Is showing results light? A diagram in the terminal needs neither JAX nor Matplotlib, a figure needs no JAX."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("grokjax.report.phase_text, grokjax.report.progress_text", ("jax", "matplotlib")),
        ("grokjax.report.phase_figure, grokjax.report.curve_figure", ("jax", "matplotlib.pyplot")),
        ("grokjax.page.server", ("jax", "matplotlib.pyplot")),
    ],
)
def test_heavy_libraries_are_not_imported(modules, heavy):
    asked = f"import sys, {modules}; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
