"""Is what others wrote still what they published, with its licence, and does nothing come from elsewhere?"""

import hashlib
import json
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "grokjax/page"
VENDORED = PAGE / "vendor/uplot"
STATIC = sorted((PAGE / "static").iterdir())


def test_vendored_files_are_those_that_were_published():
    sums = json.loads((VENDORED / "ORIGIN.json").read_text())["sha256"]
    there = {path.name for path in VENDORED.iterdir()} - {"ORIGIN.json"}
    assert there == set(sums)
    for name, wanted in sums.items():
        assert hashlib.sha256((VENDORED / name).read_bytes()).hexdigest() == wanted, name


def test_their_licence_lies_beside_them():
    assert "MIT License" in (VENDORED / "LICENSE").read_text()


@pytest.mark.parametrize("path", STATIC, ids=lambda path: path.name)
def test_no_file_of_the_page_names_anything_outside_or_makes_markup_of_texts(path):
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?://|//[\w.-]+\.\w+/", text) == []
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\bon\w+=\"", text) == []
    )


@pytest.mark.parametrize("path", STATIC, ids=lambda path: path.name)
def test_no_file_of_the_page_is_longer_than_a_reader_can_hold(path):
    assert len(path.read_text().splitlines()) <= 160
