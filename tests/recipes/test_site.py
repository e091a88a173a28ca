"""Can a reader of the site reach every page, do links lead somewhere, and do generated pages hold what the code has?"""

import dataclasses
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import grokjax
from grokjax.cli.parser import make_parser
from grokjax.core.catalogue import KINDS, catalogue
from grokjax.reader.sweep_file import load
from grokjax.reader.yaml_file import parse

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = runpy.run_path(str(DOCS / "generated_pages.py"))
TUTORIAL = (DOCS / "tutorial.md").read_text()
MADE = {"generated/catalogue", "generated/command-line"}  # by each build
PAGES = sorted(path for path in DOCS.rglob("*.md") if path.relative_to(DOCS).parts[0] not in ("_build", "generated"))
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def entries(text):
    """What the toctrees of a page name: pages without suffix, or patterns."""
    lines = [line.strip() for block in TOCTREE.findall(text) for line in block.splitlines()]
    return [re.sub(r".*<(.*)>", r"\1", line) for line in lines if line and not line.startswith(":")]


def test_every_page_is_reached_from_the_index():
    named = entries((DOCS / "index.md").read_text())
    reached = {path for entry in named for path in DOCS.glob(f"{entry}.md")}
    assert [str(path.relative_to(DOCS)) for path in PAGES if path not in reached] == ["index.md"]


def test_the_index_names_no_page_that_is_gone():
    named = [entry for entry in entries((DOCS / "index.md").read_text()) if entry not in MADE]
    assert [entry for entry in named if not list(DOCS.glob(f"{entry}.md"))] == []


def test_titles_and_options_of_a_toctree_are_no_pages():
    assert entries("```{toctree}\n:glob:\n\nA title <a>\nb/*\n```\n\nc\n") == ["a", "b/*"]


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_exists(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target]
    made = {(DOCS / f"{name}.md").resolve() for name in MADE}
    paths = {target: (page.parent / target).resolve() for target in targets}
    assert [target for target, path in paths.items() if not path.exists() and path not in made] == []


def test_the_api_page_has_what_the_package_exports():
    listed = re.findall(r"^\.\. auto\w+:: (\w+)$", (DOCS / "api.md").read_text(), re.MULTILINE)
    assert sorted(listed) == grokjax.__all__


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_catalogue_has_every_part_with_all_its_settings(kind):
    sections = re.split(r"^## ", GENERATED["kind_page"](kind), flags=re.MULTILINE)[1:]
    shown = {section.partition("\n")[0]: re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) for section in sections}
    assert shown == {name: [field.name for field in dataclasses.fields(cls)] for name, cls in catalogue(kind).items()}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_row_of_a_table_has_the_cells_of_its_head(kind):
    for table in re.findall(r"(?:^\|.*\n)+", GENERATED["kind_page"](kind), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table


def test_a_bar_ends_no_cell():
    row = GENERATED["_table"]([("tune", "static", "a|b", "", "", "`c|d`")]).splitlines()[-1]
    assert row == r"| `tune` | static | a\|b | `c\|d` |"


def test_a_docstring_keeps_its_code_and_its_lone_stars():
    assert GENERATED["markdown"]("w * x_1 of `a*b`\n\n    x * y") == "w \\* x\\_1 of `a*b`\n\n    x * y"


def test_the_page_of_the_command_line_is_the_same_on_every_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    narrow = GENERATED["command_line_page"]()
    monkeypatch.setenv("COLUMNS", "200")
    assert GENERATED["command_line_page"]() == narrow
    assert "## phases" in narrow and "--rule NAME" in narrow


def test_the_sweep_of_the_tutorial_loads_as_the_page_says():
    block = re.search(r"```yaml\n(.*?)```", TUTORIAL, re.DOTALL)[1]
    sweep = load({"name": "decay", **parse(block).content})
    assert f"decay: {sweep.num_runs} runs = 20 cells x 6 seeds, {sweep.steps:,} steps each" in TUTORIAL


def test_the_commands_of_the_tutorial_can_be_typed():
    typed = [
        shlex.split(line) for line in re.findall(r"^    \$ (grokjax .*)$", TUTORIAL.replace("\\\n", ""), re.MULTILINE)
    ]
    commands = [
        make_parser().parse_args(words[1:]).command for words in typed
    ]  # exits for a word that it does not know
    assert {"try", "plan", "run", "phases", "reproduce", "extend", "curves", "report", "verify"} <= set(commands)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("myst_nb")
    pytest.importorskip("sphinx_book_theme")
    build = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-d",
        tmp_path / "trees",
        DOCS,
        tmp_path / "site",
    ]
    done = subprocess.run(build, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    for page in ("index", "tutorial", "api", "generated/measures", "notebooks/one-run", "gallery/README"):
        assert (tmp_path / "site" / f"{page}.html").is_file()
    assert "<img" in (tmp_path / "site/notebooks/own-figure.html").read_text()
