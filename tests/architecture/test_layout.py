"""Do files, functions and names keep to the layout that readers rely on?"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
DRAWERS = {"utils", "util", "helpers", "common", "misc", "base", "manager", "types"}  # names that say nothing
FOLDERS = ("grokjax", "tests", "benchmarks", "sweeps")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def long_functions(source: str) -> list[str]:
    lengths = [(node.name, node.end_lineno - node.lineno + 1) for node in functions(ast.parse(source))]
    return [f"{name} ({length} lines)" for name, length in lengths if length > LONGEST_FUNCTION]


def silent_tests(source: str) -> list[str]:
    tests = [node for node in functions(ast.parse(source)) if node.name.startswith("test_")]
    return [node.name for node in tests if not any(map(is_assertion, ast.walk(node)))]


def is_assertion(node: ast.AST) -> bool:
    """An assert, `pytest.raises` or `pytest.warns`, or a call of something that asserts or checks by its name."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name.lstrip("_").startswith(("assert", "check")) or name in ("raises", "warns")


def relative(files: list[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


def test_no_file_is_longer_than_a_reader_can_hold():
    long = [file for file in python_files("grokjax") if len(file.read_text().splitlines()) > LONGEST_FILE]
    assert relative(long) == [], f"longer than {LONGEST_FILE} lines: give a part of it a name and a file of its own"


def test_no_function_is_longer_than_a_screen():
    found = {str(file.relative_to(ROOT)): long_functions(file.read_text()) for file in python_files("grokjax")}
    assert {file: names for file, names in found.items() if names} == {}


def test_no_file_name_says_nothing():
    drawers = [file for file in python_files(*FOLDERS) if DRAWERS & {part.removesuffix(".py") for part in file.parts}]
    assert relative(drawers) == [], "name the question that the file answers"


def test_every_folder_of_modules_is_a_package():
    folders = {file.parent for file in python_files("grokjax")}
    loose = [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()]
    assert relative(loose) == [], "without __init__.py the import contract does not see what is inside"


def test_every_module_says_which_question_it_answers():
    silent = [file for file in python_files("grokjax") if not ast.get_docstring(ast.parse(file.read_text()))]
    assert relative(silent) == [], "these have no module docstring"


def test_every_test_asserts_something():
    found = {str(file.relative_to(ROOT)): silent_tests(file.read_text()) for file in python_files("tests")}
    assert {file: names for file, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "body", ["assert x", "with pytest.raises(E): f()", "np.testing.assert_allclose(a, b)", "check_row(x)"]
)
def test_an_assertion_is_recognised(body):
    assert silent_tests(f"def test_it():\n    {body}\n") == []


@pytest.mark.parametrize("body", ["f()", "x == 1", "result = np.allclose(a, b)", "raise ValueError"])
def test_a_test_without_an_assertion_is_found(body):
    assert silent_tests(f"def test_it():\n    {body}\n") == ["test_it"]


def test_a_function_that_is_too_long_is_found():
    body = "    x = 1\n" * (LONGEST_FUNCTION - 1)
    assert long_functions(f"def fits():\n{body}") == []
    assert long_functions(f"class A:\n  def too_long(self):\n{body}    x = 2\n") == ["too_long (61 lines)"]
