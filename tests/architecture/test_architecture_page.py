"""Does the page on architecture name every module where it lies, and none that is gone?"""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COVERED = (
    "tasks",
    "models",
    "losses",
    "optimizers",
    "regularizers",
    "measures",
    "probes",
    "report",
)  # by the line of their package
TREE = re.search(r"\n    grokjax/\n(.*?)\n    sweeps/", (ROOT / "docs/architecture.md").read_text(), re.DOTALL)[1]


def named(tree):
    """Package -> names of modules, which may be patterns, that the page's tree lists for it."""
    packages, current = {}, []
    for line in tree.splitlines():
        heads = re.findall(r"(\w+)/(?=\s|$)", line[:90]) if re.match(r"      \w+/", line) else []
        current = heads or current
        for package in current:
            packages.setdefault(package, []).extend(re.findall(r"[\w*]+\.py", line))
    return packages


@pytest.mark.parametrize("package", sorted(path.parent.name for path in (ROOT / "grokjax").glob("*/__init__.py")))
def test_every_module_of_a_package_is_named_on_its_page(package):
    patterns = named(TREE)[package]
    if package in COVERED:
        return
    modules = [path.name for path in (ROOT / "grokjax" / package).rglob("*.py") if path.stem != "__init__"]
    assert [name for name in modules if not any(fnmatchcase(name, pattern) for pattern in patterns)] == []


def test_no_module_is_named_that_is_gone():
    gone = [
        f"{package}/{pattern}"
        for package, patterns in named(TREE).items()
        if package not in COVERED
        for pattern in patterns
        if not list((ROOT / "grokjax" / package).rglob(pattern))
    ]
    assert gone == []


def test_a_module_that_is_missing_from_the_page_is_noticed():
    assert named("      core/   part.py, streams.py\n        more.py   words") == {
        "core": ["part.py", "streams.py", "more.py"]
    }
