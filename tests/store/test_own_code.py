"""Does a folder whose runs hang on files of the user's survive that these move, are edited, or are gone?"""

import json
import shutil

import pytest

from grokjax import open_results
from grokjax.orders.order import grid_orders
from grokjax.reader.sweep_file import load
from grokjax.results.stored_sweep import stored_sweep
from grokjax.store.layout import StoreError
from tests.store.small_sweep import endings, typed

NET = """
import flax.linen as nn
import jax


class Net(nn.Module):
    num_classes: int
    vocabulary: int

    @nn.compact
    def __call__(self, inputs):
        hidden = jax.nn.one_hot(inputs[:, :2], self.vocabulary).reshape(len(inputs), -1)
        return nn.Dense(self.num_classes)(nn.relu(nn.Dense(8)(hidden)))
"""
MEASURE = """
import jax
import jax.numpy as jnp


def size(view):
    return {"size/largest": jnp.max(jnp.stack([jnp.max(leaf) for leaf in jax.tree.leaves(view.params)]))}
"""
OPTIMIZER = """
import optax


def descent(learning_rate: float, momentum: float = 0.5):
    return optax.sgd(learning_rate, momentum)
"""
SWEEP = """
name: own
task: {kind: modular_arithmetic, operation: x+y, modulus: 7}
model: MODEL
optimizer: {kind: ./o.py:descent, learning_rate: 1.0e-2}
train: {steps: 20}
measure: {every: {log: 4}, what: [fit, "./m.py:size"]}
seeds: 2
"""


def trained(tmp_path_factory, name, model):
    place = tmp_path_factory.mktemp(name) / "project"
    place.mkdir()
    for file, text in (
        ("net.py", NET),
        ("m.py", MEASURE),
        ("o.py", OPTIMIZER),
        ("s.yaml", SWEEP.replace("MODEL", model)),
    ):
        (place / file).write_text(text)
    assert typed("run", place / "s.yaml", "--out", place / "results" / "own") == 0
    return place


@pytest.fixture(scope="module")
def own_net(tmp_path_factory):
    return trained(tmp_path_factory, "own_net", "{kind: ./net.py:Net}")


@pytest.fixture(scope="module")
def our_net(tmp_path_factory):
    return trained(tmp_path_factory, "our_net", "{kind: mlp, width: 8}")


@pytest.fixture
def project(own_net, tmp_path):
    return copy(own_net, tmp_path)


def copy(place, tmp_path):
    return shutil.copytree(place, tmp_path / "project")


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def ids_of(sweep):
    return [order.run_id for order in grid_orders(sweep)]


def test_a_folder_that_moved_with_its_code_is_read_and_extended(own_net, tmp_path, monkeypatch, capsys):
    place = copy(own_net, tmp_path)
    monkeypatch.setattr("grokjax.reader.stored_spec.found_from", without_the_old_place(own_net))
    root = place / "results" / "own"
    text = (root / "spec.yaml").read_text()
    assert "../../net.py:Net" in text and str(own_net) not in text
    assert ids_of(stored_sweep(root)) == open_results(own_net / "results" / "own").runs["run_id"].tolist()
    assert open_results(root).logits(open_results(root).runs["run_id"][0]).shape == (49, 7)
    assert typed("extend", root, "--seeds", 3) == 0
    assert "2 runs reused, 0 continued, 1 new" in capsys.readouterr().err


def without_the_old_place(old):
    from grokjax.reader.file_paths import found_from

    return lambda root, path, elsewhere: found_from(root, path, {})


def test_what_needs_no_code_of_the_user_does_not_look_for_it(our_net, tmp_path, capsys):
    place = copy(our_net, tmp_path)
    root = place / "results" / "own"
    spec = json.loads((root / "spec.json").read_text())
    assert spec["files"] == {f"../../{name}": str(our_net / name) for name in ("m.py", "o.py")}
    for name in ("m.py", "o.py"):
        (place / name).unlink()
        (our_net / name).rename(our_net / f"{name}.away")  # a folder that moved alone would find it there
    try:
        results = open_results(root)
        name = results.runs["run_id"][0]
        assert set(results.params(name)) == {"hidden_0", "output"}
        assert results.dataset(name)["inputs"].shape[0] == 49
        assert results.logits(name).shape == (49, 7)
        assert typed("extend", root, "--seeds", 3) == 5
        said = capsys.readouterr().err
        assert "o.py, which is not there" in said and "grokjax run FILE.yaml --out" in said
        assert endings(root) == endings(our_net / "results" / "own")
    finally:
        for name in ("m.py", "o.py"):
            (our_net / f"{name}.away").rename(our_net / name)


def test_a_comment_in_own_code_changes_nothing(project, capsys):
    root = project / "results" / "own"
    before = open_results(root).runs["run_id"].tolist()
    edit(project / "net.py", "import jax\n", "import jax  # the library\n")
    assert ids_of(load(project / "s.yaml")) != before  # a sweep by itself goes by its own files
    assert typed("run", project / "s.yaml", "--out", root) == 0
    assert typed("extend", root, "--seeds", 3) == 0
    assert "2 runs reused, 0 continued, 1 new" in capsys.readouterr().err
    assert open_results(root).runs["run_id"].tolist()[:2] == before
    assert open_results(root).logits(before[0]).shape == (49, 7)


def test_another_program_is_named_and_nothing_is_lost_until_it_is_asked_for(project, capsys):
    root = project / "results" / "own"
    before, spec = open_results(root).runs["run_id"].tolist(), (root / "spec.json").read_bytes()
    edit(project / "net.py", "Dense(8)", "Dense(9)")
    for words in (("run", project / "s.yaml", "--out", root), ("extend", root, "--seeds", 3)):
        assert typed(*words) == 5
        said = capsys.readouterr().err
        assert "net.py has changed" in said and "since 2 runs were trained here" in said and "--retrain" in said
    assert (root / "spec.json").read_bytes() == spec and open_results(root).runs["run_id"].tolist() == before
    with pytest.raises(StoreError, match=r"net\.py has changed"):
        open_results(root).logits(before[0])
    assert set(open_results(root).params(before[0])) == {"Dense_0", "Dense_1"}
    assert typed("extend", root, "--retrain") == 0
    assert "0 runs reused, 0 continued, 2 new; 2 of other code stay" in capsys.readouterr().err
    after = open_results(root).runs["run_id"].tolist()
    assert len(after) == 2 and not set(before) & set(after)
    assert typed("run", project / "s.yaml", "--out", root) == 0
    assert open_results(root).runs["run_id"].tolist() == after


def test_another_measure_is_told_and_no_run_is_trained_again(project, capsys):
    root = project / "results" / "own"
    edit(project / "m.py", "jnp.max(leaf)", "jnp.min(leaf)")
    assert typed("extend", root, "--seeds", 3) == 0
    said = capsys.readouterr().err
    assert "warning: " in said and "m.py has changed" in said and "2 runs reused, 0 continued, 1 new" in said
