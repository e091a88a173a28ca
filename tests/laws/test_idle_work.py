"""What is not asked for is not computed: the compiled segment looks at lanes only in branches, not on its way."""

import re

import pytest

from grokjax.train.mapping import LOOK_SCOPE
from tests.laws.small_cohort import compiled_cohort

_OPENS = re.compile(r"^(?:ENTRY )?%?([\w.\-]+) .*\{$")
_BRANCHES = re.compile(r"(?:branch_computations|true_computation|false_computation)=\{?([^}=]*)")
_CALLED = re.compile(r"(?:body|condition|to_apply|calls)=%?([\w.\-]+)")


def computations(text: str) -> tuple[dict[str, list[str]], str]:
    """Lines of each computation of an HLO module by its name, and the name of the entry."""
    found: dict[str, list[str]] = {}
    name = entry = ""
    for line in text.splitlines():
        opened = None if line.startswith(" ") else _OPENS.match(line)
        if opened:
            name = opened.group(1)
            entry = name if line.startswith("ENTRY") else entry
            found[name] = []
        elif name:
            found[name].append(line)
    return found, entry


def always_done(text: str) -> list[str]:
    """Lines of the computations that are reached without a branch being taken."""
    found, entry = computations(text)
    reached, waiting = set(), [entry]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            for line in found[name]:
                waiting += [] if _BRANCHES.search(line) else _CALLED.findall(line)
    return [line for name in reached for line in found[name]]


@pytest.mark.parametrize("model", ["mlp", "transformer"])
def test_a_stretch_at_whose_end_no_look_is_due_computes_no_product_of_a_look(model: str) -> None:
    text = compiled_cohort(model, "minibatch", "label_noise", "map").executables.segment.as_text()
    of_looks = [line for line in text.splitlines() if f"/{LOOK_SCOPE}/" in line and "dot" in line]
    on_the_way = [line for line in always_done(text) if "dot" in line]
    assert of_looks and on_the_way  # both are there to be told apart
    assert not [line for line in on_the_way if f"/{LOOK_SCOPE}/" in line]
