"""Does a name of another library lead to the part that is meant by it, and never to one that is only spelled alike?"""

import re

import pytest

from grokjax.core.catalogue import KINDS, catalogue
from grokjax.reader.build import build_part
from grokjax.reader.errors import SpecError
from grokjax.reader.other_names import OUR_NAMES

NAMES = [(slot, name) for slot, names in OUR_NAMES.items() for name in names]
ELSEWHERE = {"weightdecay", "wd", "dropout"}


def refusal(slot, kind):
    with pytest.raises(SpecError) as caught:
        build_part(slot, {"kind": kind}, "part")
    return str(caught.value)


@pytest.mark.parametrize(("slot", "name"), NAMES)
def test_every_hint_names_a_kind_that_there_is(slot, name):
    hint = OUR_NAMES[slot][name]
    imported = re.findall(r'"(optax[^"]*)"', hint)
    for kind in imported:
        build_part(slot, {"kind": kind, "learning_rate": 0.1}, "part")
    named = [kind for kind in catalogue(slot) if re.search(rf"\b{kind}\b", hint)]
    assert imported or named or name in ELSEWHERE, hint
    assert name not in catalogue(slot) and hint in refusal(slot, name)


def test_every_slot_is_looked_up():
    assert set(OUR_NAMES) == set(KINDS)


@pytest.mark.parametrize(
    ("slot", "kind", "ours"),
    [
        ("optimizers", "adam", ("adam_l2", "adamw")),
        ("optimizers", "torch.optim.Adam", ("adam_l2", "adamw")),
        ("losses", "CrossEntropyLoss", ("cross_entropy",)),
        ("models", "GPT-2", ("transformer",)),
        ("measures", "grad_norm", ("gradient_norm",)),
    ],
)
def test_other_libraries_names_are_known_however_they_are_written(slot, kind, ours):
    assert all(word in refusal(slot, kind) for word in ours)


@pytest.mark.parametrize(
    ("slot", "mapping"),
    [
        ("losses", {"kind": "focal"}),
        ("losses", {"kind": "mape"}),
        ("models", {"kind": "resnet"}),
        ("models", {"kind": "mlp", "activation": "leaky_relu"}),
        ("models", {"kind": "transformer", "norm": "batch"}),
        ("optimizers", {"kind": "sgd", "learning_rate": {"warmup_cosine": {}}}),
    ],
)
def test_a_word_that_is_no_slip_of_the_pen_is_answered_by_all_there_are(slot, mapping):
    with pytest.raises(SpecError) as caught:
        build_part(slot, mapping, "part")
    assert "; valid: " in str(caught.value) and "did you mean" not in str(caught.value)
