"""What users write wrong: each entry is a file, or a change of the good one, or words typed after `grokjax plan`."""

from pathlib import Path

GOOD = """name: good
task: {kind: modular_arithmetic, operation: x+y, modulus: 13}
model: {kind: mlp, width: 16}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
train: {steps: 100}
axes:
  optimizer.weight_decay: [0.1, 1]
seeds: 2
"""
BRACKETS = 50_000

FILES: dict[str, bytes | str] = {
    "empty": "",
    "only comments": "# nothing\n",
    "300 KiB": "# " + "x" * 300 * 1024,
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "bytes that are no text": b"name: \xff\xfe\n",
    "UTF-16": "name: good\n".encode("utf-16"),
    "a tab as indentation": "task:\n\tkind: modular_arithmetic\n",
    "an unclosed bracket": "task: {kind: modular_arithmetic\nmodel: mlp\n",
    "an unclosed quote": "name: 'good\ntask: x\n",
    "two documents": GOOD + "---\n" + GOOD,
    "a list at the top": "- name: good\n",
    "a word at the top": "good\n",
    "a duplicate key": GOOD.replace("seeds: 2", "seeds: 2\nseeds: 3"),
    "a duplicate key inside": GOOD.replace("width: 16", "width: 16, width: 32"),
    "a number as key": GOOD + "1: 2\n",
    "null as key": GOOD + "null: 2\n",
    "a list as key": GOOD + "[a, b]: 2\n",
    "an alias of itself": "a: &a [*a]\n",
    "a billion laughs": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
    "a merge bomb": "a: &a {x: 1}\nb: {<<: *a}\n",
    "fifty thousand brackets": "a: " + "[" * BRACKETS + "]" * BRACKETS,
    "a list of sixty thousand": "a: [" + "1," * 60_000 + "]",
    "a tag that would run code": "a: !!python/object/apply:os.system ['true']\n",
    "a binary tag": "a: !!binary aGVsbG8=\n",
    "a timestamp tag": "a: !!timestamp 2001-12-14\n",
    "a set tag": "a: !!set {x, y}\n",
    "an empty integer tag": "a: !!int ''\n",
    "a number of five thousand digits": GOOD.replace("modulus: 13", "modulus: " + "9" * 5000),
    "JSON that is cut": '{"name": "good", "task": ',
    "TOML": '[task]\nkind = "modular_arithmetic"\n',
}

CHANGES: dict[str, tuple[str, str]] = {
    "a leading zero": ("seeds: 2", "seeds: [012]"),
    "a base-60 number": ("steps: 100", "steps: 1:30"),
    "no as a word": ("operation: x+y", "operation: no"),
    "an unknown key at the top": ("train:", "optimiser: adamw\ntrain:"),
    "an unknown key inside": ("optimizer.weight_decay", "optimizer.weight_decy"),
    "a key at the wrong level": ("seeds: 2", "weight_decay: 1\nseeds: 2"),
    "a missing part": ("model: {kind: mlp, width: 16}\n", ""),
    "a missing budget": ("train: {steps: 100}\n", ""),
    "a quoted number": ("modulus: 13", 'modulus: "13"'),
    "bf16 products of double numbers": ("seeds: 2", "seeds: 2\nprecision: {params: float64, matmul: bf16}"),
    "a fraction where a whole number is needed": ("width: 16", "width: 16.5"),
    "true as a seed": ("seeds: 2", "seeds: [true]"),
    "true as a number": ("learning_rate: 1.0e-2", "learning_rate: true"),
    "null as a number": ("learning_rate: 1.0e-2", "learning_rate: null"),
    "a list where one number is needed": ("learning_rate: 1.0e-2", "learning_rate: [0.1, 0.2]"),
    "a negative rate": ("learning_rate: 1.0e-2", "learning_rate: -0.001"),
    "a rate that is not a number": ("learning_rate: 1.0e-2", "learning_rate: .nan"),
    "an infinite rate": ("learning_rate: 1.0e-2", "learning_rate: .inf"),
    "a rate beyond all numbers": ("learning_rate: 1.0e-2", "learning_rate: 1e400"),
    "a rate that float32 rounds to zero": ("learning_rate: 1.0e-2", "learning_rate: 1e-50"),
    "a negative decay": ("[0.1, 1]", "[-1]"),
    "b1 of 1": ("learning_rate: 1.0e-2", "b1: 1"),
    "a negative eps": ("learning_rate: 1.0e-2", "eps: -1"),
    "no steps": ("steps: 100", "steps: 0"),
    "negative steps": ("steps: 100", "steps: -5"),
    "half a step": ("steps: 100", "steps: 1.5"),
    "steps beyond int32": ("steps: 100", "steps: 2147483648"),
    "never measured": ("seeds: 2", "seeds: 2\nmeasure: {every: 0}"),
    "a train fraction of 0": ("modulus: 13", "modulus: 13, train_fraction: 0"),
    "a train fraction of 1": ("modulus: 13", "modulus: 13, train_fraction: 1"),
    "a train fraction above 1": ("modulus: 13", "modulus: 13, train_fraction: 1.1"),
    "a train fraction that is not a number": ("modulus: 13", "modulus: 13, train_fraction: .nan"),
    "a train fraction of no example": ("modulus: 13", "modulus: 13, train_fraction: 0.0001"),
    "a modulus of 1": ("modulus: 13", "modulus: 1"),
    "a negative modulus": ("modulus: 13", "modulus: -7"),
    "division by a modulus that is not prime": ("x+y, modulus: 13", "x/y, modulus: 12"),
    "a modulus of a hundred thousand": ("modulus: 13", "modulus: 100003"),
    "an unknown operation": ("operation: x+y", "operation: plus"),
    "a minibatch of 0": ("steps: 100", "steps: 100, minibatch: 0"),
    "a negative minibatch": ("steps: 100", "steps: 100, minibatch: -3"),
    "heads that do not divide the width": ("{kind: mlp, width: 16}", "{kind: transformer, width: 10, heads: 3}"),
    "no heads": ("{kind: mlp, width: 16}", "{kind: transformer, heads: 0}"),
    "no width": ("width: 16", "width: 0"),
    "a negative seed": ("seeds: 2", "seeds: [-1]"),
    "a seed of 2^32": ("seeds: 2", "seeds: [4294967296]"),
    "a seed of 2^64": ("seeds: 2", "seeds: [18446744073709551616]"),
    "half a seed": ("seeds: 2", "seeds: [1.5]"),
    "a word as a seed": ("seeds: 2", "seeds: [abc]"),
    "a seed twice": ("seeds: 2", "seeds: [0, 0]"),
    "no seeds": ("seeds: 2", "seeds: []"),
    "an empty axis": ("[0.1, 1]", "[]"),
    "one value twice": ("[0.1, 1]", "[0.1, 0.10]"),
    "values that float32 takes for equal": ("[0.1, 1]", "[0.1, 0.10000000001]"),
    "one axis under two spellings": ("axes:\n", "axes:\n  optimizer.b1: [0.1]\n  zip: [{optimizer.b1: [0.2]}]\n"),
    "an axis that no run would feel": ("axes:\n", "axes:\n  model.embedding: [8, 16]\n"),
    "a grid of a billion runs": (
        "[0.1, 1]",
        "{log: [0.1, 1, 30000]}\n  task.train_fraction: {linear: [0.1, 0.9, 20000]}",
    ),
    "an axis of a billion values": ("[0.1, 1]", "{linear: [0.1, 1, 1000000000]}"),
    "an axis of no width": ("[0.1, 1]", "{linear: [1, 1, 5]}"),
    "a logarithmic axis from 0": ("[0.1, 1]", "{log: [0, 1, 5]}"),
    "lists of unequal length that move together": (
        "axes:\n",
        "axes:\n  zip: [{optimizer.b1: [0.1, 0.2], optimizer.b2: [0.1, 0.2, 0.3]}]\n",
    ),
    "a word as an axis": ("[0.1, 1]", "abc"),
    "the budget as an axis": ("axes:\n", "axes:\n  train.steps: [10, 20]\n"),
    "a name that climbs": ("name: good", "name: ../x"),
    "a name with a slash": ("name: good", "name: a/b"),
    "an empty name": ("name: good", 'name: ""'),
    "dots as a name": ("name: good", "name: .."),
    "a name like an option": ("name: good", "name: -rf"),
    "a name that Windows keeps": ("name: good", "name: CON"),
    "a name of 300 characters": ("name: good", "name: " + "a" * 300),
    "a name of two lines": ("name: good", 'name: "a\\nb"'),
    "a name that turns the direction": ("name: good", 'name: "a\\u202Eb"'),
    "a name that ends in a dot": ("name: good", "name: a."),
    "notes that steer a terminal": ("seeds: 2", 'seeds: 2\nnotes: "\\e[2J"'),
    "a part that is not there": ("{kind: mlp, width: 16}", '{kind: "nowhere.at_all:Net"}'),
    "a file of parts that is not there": ("{kind: mlp, width: 16}", '{kind: "./nowhere.py:Net"}'),
    "a file of parts that does not parse": ("{kind: mlp, width: 16}", '{kind: "./torn.py:Net"}'),
    "a file of parts that raises": ("{kind: mlp, width: 16}", '{kind: "./raises.py:Net"}'),
    "a file of parts without the part": ("{kind: mlp, width: 16}", '{kind: "./other.py:Net"}'),
    "a model of wrong shapes": ("{kind: mlp, width: 16}", '{kind: "./shapes.py:Net"}'),
    "data that is not there": (
        "{kind: modular_arithmetic, operation: x+y, modulus: 13}",
        "{kind: arrays, path: no.npz}",
    ),
    "data that is no archive": (
        "{kind: modular_arithmetic, operation: x+y, modulus: 13}",
        "{kind: arrays, path: torn.py}",
    ),
    "data that holds a pickle": (
        "{kind: modular_arithmetic, operation: x+y, modulus: 13}",
        "{kind: arrays, path: pickled.npz}",
    ),
}

BESIDE: dict[str, bytes | str] = {
    "torn.py": "def net(:\n",
    "raises.py": "raise RuntimeError('on purpose')\n",
    "other.py": "x = 1\n",
    "shapes.py": """import flax.linen as nn


class Net(nn.Module):
    @nn.compact
    def __call__(self, inputs):
        return nn.Dense(3)(inputs.astype('float32'))
""",
}

WORDS: dict[str, tuple[str, ...]] = {
    "no such file": ("plan", "god.yaml"),
    "a folder as a sweep": ("plan", "folder"),
    "a pipe as a sweep": ("plan", "pipe.yaml"),
    "a set without a value": ("plan", "good.yaml", "--set", "optimizer.b1="),
    "a set without =": ("plan", "good.yaml", "--set", "optimizer.b1"),
    "a set of an unknown key": ("plan", "good.yaml", "--set", "optimizer.lr=1"),
    "a set that smuggles a key in": ("plan", "good.yaml", "--set", "optimizer.b1=a: b\nc: d"),
    "no lanes": ("run", "good.yaml", "--lanes", "0"),
    "negative seconds": ("run", "good.yaml", "--max-seconds", "-1"),
    "a device that is not there": ("run", "good.yaml", "--device", "gpu", "--out", "out"),
    "more devices than there are": ("run", "good.yaml", "--device", "cpu:99", "--out", "out"),
    "a file as folder": ("run", "good.yaml", "--out", "good.yaml"),
    "a folder inside a file": ("run", "good.yaml", "--out", "good.yaml/out"),
    "a folder that is no sweep": ("run", "good.yaml", "--out", "folder"),
    "a link to itself": ("run", "good.yaml", "--out", "loop"),
    "a folder name of 5000 characters": ("run", "good.yaml", "--out", "o" * 5000),
    "a sweep that is not there": ("status", "nowhere"),
    "an empty folder": ("table", "void"),
    "a file where a sweep is meant": ("phases", "good.yaml"),
    "nothing to extend": ("extend", "void", "--seeds", "3"),
    "an unknown command": ("statsu", "void"),
    "an unknown option": ("plan", "good.yaml", "--lanse", "3"),
    "a scale that there is not": ("plan", "good.yaml", "--scale", "cpu"),
    "a preset as an axis": ("plan", "good.yaml", "--set", "axes.model.preset=[doshi2024, lyu2023]"),
}


def lay_out(folder: Path) -> None:
    """The good file and what lies beside it."""
    (folder / "good.yaml").write_text(GOOD)
    for name, content in BESIDE.items():
        write(folder / name, content)
    (folder / "folder").mkdir()
    (folder / "folder" / "thesis.tex").write_text("not ours")
    (folder / "void").mkdir()
    (folder / "loop").symlink_to("loop")


def write(path: Path, content: bytes | str) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def changed(title: str) -> str:
    """The good file with one change."""
    old, new = CHANGES[title]
    assert GOOD.count(old) == 1, title
    return GOOD.replace(old, new)
