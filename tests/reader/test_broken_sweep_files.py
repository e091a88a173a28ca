"""Does every file or mapping that is broken somewhere give a sweep or one message, and never a crash?"""

import copy
import random

from hypothesis import given
from hypothesis import strategies as st

from grokjax.reader.errors import SpecError
from grokjax.reader.sweep import Sweep
from grokjax.reader.sweep_file import load, read_mapping, sweep_from_mapping


def mutated(text, numbers):
    """A sweep file with a few random edits."""
    lines = text.splitlines()
    for _ in range(numbers.randrange(1, 4)):
        place = numbers.randrange(len(lines))
        line = lines[place]
        cut = numbers.randrange(len(line) + 1)
        junk = numbers.choice(
            [
                "{",
                "}",
                "[",
                "]",
                ":",
                ",",
                "-",
                "'",
                '"',
                "null",
                "true",
                "-1",
                "1e999",
                "\t",
                "&a",
                "*a",
                "!x",
                "#",
                "0",
                "é",
                "  ",
                "kind",
                "\x00",
                "..",
                "|",
            ]
        )
        edits = (
            line[:cut] + junk + line[cut:],
            line[:cut] + junk,
            line[:cut] + line[min(cut + numbers.randrange(1, 6), len(line)) :],
            line + "\n" + numbers.choice(lines),
            "",
        )
        lines[place] = numbers.choice(edits)
    return "\n".join(lines)


def outcome(read):
    """Whether reading gives a sweep or a message; anything else is raised."""
    try:
        found = read()
    except SpecError as error:
        found = str(error)
    if isinstance(found, Sweep):
        return "sweep"
    assert found
    assert all(len(line) < 700 for line in found.splitlines())
    return "message"


def test_hundreds_of_broken_files_give_a_sweep_or_one_message(quickstart, tmp_path):
    numbers, file = random.Random(0), tmp_path / "fuzz.yaml"
    short = quickstart.partition("claims")[0] + "exclude: [weight_decay > 30 and train_fraction = 0.2]\n"
    found = []
    for _ in range(500):
        file.write_text(mutated(short, numbers), newline="")
        found.append(outcome(lambda: sweep_from_mapping(read_mapping(file))))
    assert min(found.count("sweep"), found.count("message")) > 20


RICH = {
    "name": "rich",
    "task": {"kind": "modular_arithmetic", "modulus": 7, "train_fraction": 0.5},
    "model": {"kind": "mlp", "width": 8, "dropout": {"linear": {"start": 0.5, "end": 0, "finish": 50}}},
    "optimizer": {"kind": "adamw", "b1": 0.5},
    "regularizers": [{"kind": "l2", "strength": 0.1}],
    "precision": {"matmul": "highest"},
    "train": {"steps": 100, "minibatch": {"at_most": 8, "share": 0.5}},
    "axes": {
        "optimizer.weight_decay": {"log": [0.3, 40, 8]},
        "zip": [{"optimizer.b1": [0.1, 0.2], "model.width": [4, 8]}],
        "random": {"count": 3, "seed": 0, "optimizer.b2": {"uniform": [0.1, 0.9]}},
        "loss": ["mse", {"kind": "cross_entropy"}],
    },
    "exclude": ["weight_decay > 30"],
    "seeds": {"count": 5, "streams": {"split": 0}},
    "measure": {"every": {"log": 60}, "looks": {"ratio": 1.04}, "what": ["fit", {"kind": "weight_norm"}]},
    "stop": {"after_grok": {"steps": 300, "ratio": 0.5}, "audit": 0.05},
    "weights": {"log": 5, "horizon": 50},
    "claims": [{"name": "a", "that": "b", "over": ["loss"]}],
    "notes": "text",
    "tags": ["a"],
}
VALUES = [
    None,
    True,
    0,
    -1,
    3,
    2.5,
    1e-60,
    1e300,
    10**30,
    float("nan"),
    "",
    "x",
    "5",
    "adamw",
    "a:b",
    "./a.py:B",
    [],
    [[]],
    {},
]
VALUES += [
    [1, 2],
    ["mlp"],
    {"kind": "mlp"},
    {"log": [1, 2, 3]},
    {"linear": {}},
    {"kind": 3},
    {"": ""},
    {1: 2},
    b"x",
    (1,),
]


def shaken(mapping, numbers):
    """A mapping with one to three values replaced, keys renamed or removed."""
    mapping = copy.deepcopy(mapping)
    for _ in range(numbers.randrange(1, 4)):
        node = mapping
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = numbers.choice(keys)
            if isinstance(node[key], dict | list) and numbers.random() < 0.7:
                node = node[key]
                continue
            edit = numbers.choice(["value", "value", "remove", "rename"])
            old = node[key] if edit == "value" else node.pop(key)
            if edit == "value":
                node[key] = numbers.choice([*VALUES, copy.deepcopy(numbers.choice(list(RICH.values()))), [old]])
            elif edit == "rename" and isinstance(node, dict):
                node[numbers.choice([f"{key}s", "kind", "", "a.b", 3, "0"])] = old
            break
    return mapping


def test_thousands_of_shaken_sweeps_give_a_sweep_or_one_message():
    numbers = random.Random(1)
    assert outcome(lambda: load(RICH)) == "sweep"
    found = [outcome(lambda: sweep_from_mapping(read_mapping(shaken(RICH, numbers)))) for _ in range(1500)]
    assert min(found.count("sweep"), found.count("message")) > 50


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["adamw", "mlp", "full"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "log", "count", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
PLACES = [
    "task",
    "model",
    "optimizer",
    "loss",
    "train",
    "axes",
    "seeds",
    "measure",
    "stop",
    "exclude",
    "weights",
    "claims",
]
PLACES += [
    "notes",
    "tags",
    "init",
    "precision",
    "regularizers",
    "name",
    "from",
    "axes.zip",
    "axes.random",
    "axes.model.width",
]
PLACES += [
    "measure.every",
    "measure.what",
    "train.minibatch",
    "train.steps",
    "model.dropout",
    "axes.optimizer",
    "seeds.streams",
]


@given(st.sampled_from(PLACES), JUNK)
def test_junk_in_any_place_gives_a_sweep_or_one_message(small, place, junk):
    mapping = small(axes={"optimizer.b1": [0.1]}, measure={"every": 5}, seeds={"count": 1})
    if place.startswith("axes."):
        mapping["axes"][place[5:]] = junk
    else:
        words = place.split(".")
        (mapping if len(words) == 1 else mapping[words[0]])[words[-1]] = junk
    assert outcome(lambda: load(mapping)) in ("sweep", "message")
