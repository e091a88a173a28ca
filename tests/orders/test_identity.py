"""Does a run's id change with what determines its trajectory, and with nothing else?"""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from grokjax.core.part import Part, Swept, part, setting
from grokjax.orders.identity import canonical, earlier_ids, run_id, spec_hash
from grokjax.orders.order import grid_orders
from grokjax.reader.sweep_file import load

SHIPPED = Path(__file__).parents[2] / "sweeps"
CHANGES = {
    "task.modulus": 5,
    "task.train_fraction": 0.4,
    "task.label_noise": 0.1,
    "model.width": 4,
    "model": "transformer",
    "optimizer.weight_decay": 0.1,
    "optimizer": {"kind": "adam_l2"},
    "optimizer.b1": {"linear": {"start": 0.1, "end": 0.5, "finish": 9}},
    "loss": {"kind": "mse"},
    "loss.form": "plain",
    "regularizers": [{"kind": "l2", "strength": 0.1}],
    "precision": {"params": "float64"},
    "train.minibatch": 8,
    "seeds": [1],
    "init": {"from": "results/a#0123456789abcdef", "step": 5},
}


def first(mapping, **options):
    return grid_orders(load(mapping, **options))[0].run


@pytest.fixture(scope="module")
def ids(small):
    loss = {"kind": "cross_entropy"}
    found = {key: run_id(first(small({"loss": loss, key: value}))) for key, value in CHANGES.items()}
    return found | {"": run_id(first(small(loss=loss)))}


def test_whatever_determines_the_trajectory_changes_the_id(ids):
    assert len(set(ids.values())) == len(ids)
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in ids.values())


@pytest.mark.parametrize(
    "changes",
    [
        {"train.steps": 999},
        {"measure": {"every": 7, "what": ["fit"]}},
        {"stop": {"after_grok": {"steps": 5}}},
        {"weights": {"log": 3}},
        {"name": "other", "notes": "x", "tags": ["y"]},
        {"seeds": 4},
        {"axes": {"optimizer.weight_decay": [0.0, 1.0]}},
        {"optimizer.weight_decay": 0},  # the default, spelled out
        {"train.minibatch": "full"},
    ],
)
def test_whatever_surrounds_a_run_does_not_change_the_id(small, ids, changes):
    assert run_id(first(small(changes))) == ids[""]


def test_two_sweeps_that_share_cells_share_run_ids(small):
    one = load(small(axes={"optimizer.weight_decay": {"log": [0.1, 10, 5]}, "task.train_fraction": [0.3, 0.5]}))
    two = load(small(axes={"task.train_fraction": [0.5], "optimizer.weight_decay": [0.316228, 1, 7]}, seeds=2))
    shared = {order.run_id for order in grid_orders(one)} & {order.run_id for order in grid_orders(two)}
    assert len(shared) == 2


def test_the_id_is_a_checksum_of_sorted_json(small):
    run = first(small())
    text = json.dumps(canonical(run), sort_keys=True, separators=(",", ":"))
    assert run_id(run) == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert canonical(run)["optimizer"]["weight_decay"] == 0.0


@part
class Young(Part):
    """A part with a field that came later."""

    old: Swept = setting(1.0)
    new: Swept = setting(0.5, added=0.0)


def test_a_later_field_at_its_old_behaviour_stays_out(small):
    run = first(small())
    with_old = dataclasses.replace(run, loss=Young(new=0.0))
    assert "new" not in canonical(with_old)["loss"]
    assert canonical(dataclasses.replace(run, loss=Young()))["loss"]["new"] == 0.5


def test_a_raised_revision_changes_the_id(small, monkeypatch):
    run = first(small())
    before = run_id(run)
    monkeypatch.setattr(type(run.optimizer), "revision", 2)
    assert run_id(run) != before


OLD = {  # id of the first run of quickstart before products of these formats were in them on every device
    "bf16": "eaa5931ceaea060d",
    "tf32": "c11b1da4d55e4db0",
}


@pytest.mark.parametrize("matmul", OLD)
def test_products_that_mean_something_else_have_another_id_and_know_the_old_one(matmul):
    run = first(SHIPPED / "quickstart.yaml", overrides=[f"precision.matmul={matmul}"])
    assert run_id(run) != OLD[matmul]
    assert earlier_ids(run)[OLD[matmul]] == "precision"


def test_a_run_of_settings_that_were_never_revised_has_no_earlier_ids(small):
    assert list(earlier_ids(first(small(model="factored")))) == []


def test_data_files_enter_by_content(small, tmp_path):
    found = []
    for folder, last in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / f"{folder}.npz"
        np.savez(file, inputs=np.arange(8)[:, None], targets=np.array([0, 1] * 3 + [0, last]))
        found.append(run_id(first(small(task={"kind": "arrays", "path": str(file)}))))
    assert found[0] == found[1] != found[2]


SOURCE = """
import flax.linen as nn

class Net(nn.Module):
    num_classes: int

    @nn.compact
    def __call__(self, inputs):
        return nn.Dense(self.num_classes)(inputs.astype(float))
"""


def test_source_files_enter_by_content(small, tmp_path):
    found = []
    for folder, source in (("a", SOURCE), ("b", SOURCE), ("c", f"{SOURCE}# changed\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(source)
        run = first(small(model={"kind": "./net.py:Net"}), folder=tmp_path / folder)
        found.append(run_id(run))
        assert canonical(run)["model"]["kind"] == "net.py:Net"
        assert canonical(run)["model"]["source"] == hashlib.sha256(source.encode()).hexdigest()
    assert found[0] == found[1] != found[2]


def test_stored_parameters_enter_by_run_id_and_step(small):
    def name(source, step=5):
        return run_id(first(small(init={"from": source, "step": step})))

    assert name("results/a#0123") == name("/elsewhere/b#0123")
    assert len({name("a#0123"), name("a#0124"), name("a#0123", 6)}) == 3


def test_the_hash_of_a_sweep_changes_with_anything_its_file_says(small, tmp_path):
    changes = {
        **CHANGES,
        "train.steps": 999,
        "measure": {"every": 7},
        "stop": {"after_grok": {"steps": 5}},
        "weights": {"log": 3},
    }
    changes |= {"name": "other", "notes": "x", "tags": ["y"], "axes": {"optimizer.b1": [0.1]}, "measure.looks": 9}
    hashes = [spec_hash(load(small({"loss": {"kind": "cross_entropy"}, key: value}))) for key, value in changes.items()]
    assert len({*hashes, spec_hash(load(small()))}) == len(changes) + 1
    (tmp_path / "net.py").write_text(SOURCE)
    here = spec_hash(load(small(model="./net.py:Net"), folder=tmp_path))
    shutil.copytree(tmp_path, tmp_path / "moved")
    assert spec_hash(load(small(model="./net.py:Net"), folder=tmp_path / "moved")) == here
