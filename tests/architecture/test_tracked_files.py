"""Does every tracked file mean the same on another machine?"""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A user's home, or the address of a package registry (they differ between sites and belong into pip's own settings).
FOREIGN = re.compile(r"(?<![\w.])/(?:home/\w|Users/\w|root/)|pypi\.org|pythonhosted\.org|https?://\S+/simple/")


def tracked_files():
    """Files that git knows or would add, or None outside a checkout."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def foreign_lines(text):
    """Lines that name this checkout, this user's home, any home or a registry."""
    places = [str(place) for place in (ROOT, Path.home()) if len(place.parts) > 2]
    lines = enumerate(text.splitlines(), start=1)
    return [number for number, line in lines if FOREIGN.search(line) or any(place in line for place in places)]


def test_no_tracked_file_names_a_home_or_a_registry():
    files = tracked_files()
    if files is None:
        pytest.skip("not a git checkout, so nothing says which files are tracked")
    found = {str(file.relative_to(ROOT)): foreign_lines(file.read_text(errors="ignore")) for file in files}
    assert {file: numbers for file, numbers in found.items() if numbers} == {}


@pytest.mark.parametrize("before", ["data: ", '"', "", "("])
def test_a_home_path_is_found(before):
    assert foreign_lines("\n" + before + "/".join(["", "home", "ada", "data.npz"])) == [2]


@pytest.mark.parametrize("line", ["results/quickstart", "docs/home/page.md", "https://arxiv.org/abs/2201.02177"])
def test_a_relative_path_or_a_paper_is_no_foreign_line(line):
    assert foreign_lines(line) == []
