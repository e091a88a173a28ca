"""Does every package import only from its left, and does the front door stay light?"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS_OF_HELP = 0.5  # processor time, not wall time: what runs beside the test must not fail it
CONTRACT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
HELP = "import sys; from grokjax.cli import main; sys.argv = ['grokjax', '--help']; sys.exit(main())"
PACKAGES = (
    "core",
    "losses",
    "tasks",
    "models",
    "optimizers",
    "regularizers",
    "measures",
    "reader",
    "train",
    "analysis",
)


def test_every_package_imports_only_from_its_left():
    # In a process of its own: the linter replaces standard error, which pytest does not survive.
    found = subprocess.run([sys.executable, "-c", CONTRACT], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


@pytest.fixture
def skeleton(tmp_path):
    """An empty package of our layout under our contract, to plant breaches in."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for folder in ("", *PACKAGES):
        (tmp_path / "grokjax" / folder).mkdir()
        (tmp_path / "grokjax" / folder / "__init__.py").touch()
    return tmp_path


def contract_holds(folder):
    command = [sys.executable, "-c", CONTRACT]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True).returncode == 0


def test_a_layout_without_breach_keeps_the_contract(skeleton):
    (skeleton / "grokjax/measures/fit.py").write_text("import grokjax.losses\n")
    (skeleton / "grokjax/train/step.py").write_text("import jax\nimport grokjax.reader\n")
    assert contract_holds(skeleton)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("tasks/parity.py", "import grokjax.reader"),  # to the right
        ("tasks/parity.py", "import grokjax.models"),  # to a neighbour
        ("models/mlp.py", "import grokjax.losses"),  # only measures may
        ("analysis/phases.py", "import jax"),
        ("analysis/phases.py", "from grokjax.core import streams"),
        ("extras/__init__.py", ""),  # a package without a place
    ],
)
def test_a_breach_of_the_contract_is_found(skeleton, file, line):
    (skeleton / "grokjax/core/streams.py").touch()
    (skeleton / "grokjax" / file).parent.mkdir(exist_ok=True)
    (skeleton / "grokjax" / file).write_text(line)
    assert not contract_holds(skeleton)


def test_importing_the_package_does_not_import_jax():
    code = "import sys, grokjax; print(sorted({'jax', 'flax', 'optax', 'matplotlib', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def processor_seconds(code):
    """Seconds that Python code keeps the processor busy in a process of its own, start included; it must succeed."""
    before = os.times()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_help_is_there_at_once():
    assert min(processor_seconds(HELP) for _ in range(3)) < SECONDS_OF_HELP
