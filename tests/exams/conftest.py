"""Gives every exam each part of the catalogue in turn: a test with an argument `any_task` runs once for each task.

A part is examined in its default settings. Where it has required fields, or settings worth an exam of their own, the
test file of its module (`tests/regularizers/test_l1.py`) defines `examples(folder)`: the parts to examine. `folder` is
an empty directory for the files that they need.
"""

import atexit
import dataclasses
import importlib.util
import tempfile
from pathlib import Path

import pytest

from grokjax.core.catalogue import KINDS, catalogue
from grokjax.core.part import Part

TESTS = Path(__file__).parents[1]
ARGUMENTS = {
    "any_task": "tasks",
    "any_model": "models",
    "any_loss": "losses",
    "any_optimizer": "optimizers",
    "any_regularizer": "regularizers",
    "any_measure": "measures",
}
_files = tempfile.TemporaryDirectory()
atexit.register(_files.cleanup)
_known: dict[str, list[tuple[str, Part]]] = {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for argument, folder in ARGUMENTS.items():
        if argument in metafunc.fixturenames:
            _parametrize(metafunc, argument, [folder])
    if "any_part" in metafunc.fixturenames:
        _parametrize(metafunc, "any_part", list(KINDS))


def _parametrize(metafunc: pytest.Metafunc, argument: str, folders: list[str]) -> None:
    named = [pair for folder in folders for pair in examples_of(folder)]
    metafunc.parametrize(argument, [part for _, part in named], ids=[name for name, _ in named])


def examples_of(folder: str) -> list[tuple[str, Part]]:
    if folder not in _known:
        found = {kind: _examples(folder, cls) for kind, cls in catalogue(folder).items()}
        _known[folder] = [
            (f"{kind}-{index}", part) for kind, parts in found.items() for index, part in enumerate(parts)
        ]
    return _known[folder]


def _examples(folder: str, cls: type[Part]) -> list[Part]:
    path = TESTS / folder / f"test_{cls.__module__.rsplit('.', 1)[-1]}.py"
    if path.exists():
        spec = importlib.util.spec_from_file_location(f"examples_of_{folder}_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if hasattr(module, "examples"):
            own = Path(tempfile.mkdtemp(dir=_files.name))
            return [part for part in module.examples(own) if type(part) is cls]
    required = [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]
    if required:
        raise pytest.UsageError(f"{path} must define examples(folder): {cls.__name__} needs values for {required}")
    return [cls()]
