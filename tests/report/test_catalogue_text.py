"""Does `grokjax list` say of every setting what it is?"""

from typing import ClassVar

import pytest

from grokjax.core.catalogue import KINDS, catalogue
from grokjax.core.part import Part, Swept, part, setting
from grokjax.report.catalogue_text import catalogue_text, setting_rows


@part
class Mixer(Part):
    """Stirs.

    At length.
    """

    paper = "Nobody 2026"
    presets: ClassVar = {"nobody2026": {"tool": "fork"}, "slow": {"speed": 0.1}}

    speed: Swept = setting(1e-3, "how fast", unit="turns", above=0, at_most=2)
    rate: Swept | None = setting(None, "none stirs not", at_least=0, below=1)
    tool: str = setting("spoon", "with what", choices=("spoon", "fork"))
    times: int = setting(about="how often")
    gently: bool = setting(False)


def test_each_setting_has_its_kind_default_unit_bounds_and_meaning():
    assert setting_rows(Mixer) == [
        ("speed", "swept", "0.001", "turns", "> 0, ≤ 2", "how fast"),
        ("rate", "swept", "none", "", "≥ 0, < 1", "none stirs not"),
        ("tool", "static", "spoon", "", "spoon, fork", "with what"),
        ("times", "static", "required", "", "whole number", "how often"),
        ("gently", "static", "false", "", "true | false", ""),
    ]


def test_a_part_stands_with_its_paper_and_first_line():
    lines = catalogue_text({"mixer": Mixer}).splitlines()
    assert lines[0] == "mixer  Nobody 2026" and lines[1].strip() == "Stirs."
    assert lines[2].split() == ["setting", "default", "unit", "bounds", "meaning"]
    assert "At length" not in "\n".join(lines)
    assert lines[-1].strip() == "preset: nobody2026, slow"


@pytest.mark.parametrize("folder", KINDS)
def test_every_part_can_be_listed_in_a_narrow_terminal(folder):
    parts = catalogue(folder)
    text = catalogue_text(parts, width=80)
    assert max(map(len, text.splitlines())) <= 80
    for kind, cls in parts.items():
        assert any(line.split("  ")[0] == kind for line in text.splitlines()), kind
        assert all(row[0] in text for row in setting_rows(cls))
