"""Does the gallery say of every shipped sweep what came out, and do its commands and pictures exist?"""

import re
from pathlib import Path

import pytest

from grokjax.cli.sweep_names import packaged_sweeps

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
PAGES = sorted(GALLERY.glob("*.md"))


@pytest.mark.parametrize("name", sorted(packaged_sweeps()))
def test_every_sweep_that_ships_has_its_line_in_the_gallery(name):
    family = name.removesuffix("_transformer").removesuffix("_base")  # two tables of one paper share a page
    assert (GALLERY / f"{family}.md").is_file()
    assert f"({family}.md)" in (GALLERY / "README.md").read_text()
    assert name in (GALLERY / f"{family}.md").read_text() or name == "quickstart"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_links_to_exists_and_what_it_types_can_be_run(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (GALLERY / target).exists(), target
    for name in re.findall(r"grokjax (?:reproduce|run) ([a-z0-9_]+)", text):
        assert name in packaged_sweeps(), name
