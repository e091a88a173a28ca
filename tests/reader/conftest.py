"""Small sweeps that the tests of `spec` share."""

import copy

import pytest

QUICKSTART = """\
name: quickstart
task: {kind: modular_arithmetic, operation: x+y, modulus: 31}
model: {kind: mlp, activation: square, width: 200}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
loss: {kind: mse}                      # or {kind: cross_entropy, form: log1p | plain | float64}
train: {steps: 2000, minibatch: full}  # or {at_most: 512, share: 0.5}
axes:
  optimizer.weight_decay: {log: [0.3, 40, 8]}
  task.train_fraction: {linear: [0.2, 0.8, 7]}
seeds: 5
measure: {every: {log: 60}, what: [fit, weight_norm]}
claims:
  - name: decay helps at the boundary
    that: probability(grokking, optimizer.weight_decay=10) > probability(grokking, optimizer.weight_decay=0.3)
    over: [task.train_fraction]
"""

SMALL = {
    "name": "small",
    "task": {"kind": "modular_arithmetic", "modulus": 7},
    "model": {"kind": "mlp", "width": 8},
    "optimizer": {"kind": "adamw"},
    "train": {"steps": 100},
}


@pytest.fixture
def quickstart():
    """The sweep file that must stay valid."""
    return QUICKSTART


@pytest.fixture(scope="session")
def small():
    """A function that gives the smallest sweep with changes; dotted keys reach into it."""

    def changed(changes=None, **more):
        mapping = copy.deepcopy(SMALL)
        for key, value in {**(changes or {}), **more}.items():
            node, words = mapping, key.split(".")
            for word in words[:-1]:
                node = node.setdefault(word, {})
            node[words[-1]] = copy.deepcopy(value)
        return mapping

    return changed
