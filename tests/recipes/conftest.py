"""The examples of the recipes in a folder of their own, and one finished sweep of theirs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grokjax.drive.run_sweep import run_sweep
from grokjax.reader.sweep_file import load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def examples(tmp_path_factory):
    """A copy of docs/recipes/examples, with the data file that one of them makes."""
    folder = tmp_path_factory.mktemp("recipes") / "examples"
    shutil.copytree(ROOT / "docs/recipes/examples", folder, ignore=shutil.ignore_patterns("__pycache__", "data.npz"))
    subprocess.run([sys.executable, folder / "make_data.py"], check=True)
    return folder


@pytest.fixture(scope="session")
def first_folder(examples, tmp_path_factory):
    """The results of first.yaml."""
    folder = tmp_path_factory.mktemp("results") / "first"
    run_sweep(load(examples / "first.yaml"), folder)
    return folder
