"""Do the examples of docs/recipes do what the recipes say? Each is trained for a few steps, without lanes."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from grokjax.lab.initial_params import check_starts, initial_params_of
from grokjax.lab.opened import open_results
from grokjax.orders.order import grid_orders
from grokjax.orders.sources import source_of
from grokjax.plan.cohorts import find_cohorts
from grokjax.reader.sweep_file import load
from grokjax.reader.user_parts import kind_of
from grokjax.train.attempt import attempt
from grokjax.train.feed import Feed
from tests.store.small_sweep import typed

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/recipes").glob("*.md"))
ROUNDING = 1e-5  # the initial parameters of a view are drawn again in another program
COHORTS = {
    "net": 2,  # one for each width
    "nnx_net": 1,
    "model_part": 1,
    "optimizer": 1,
    "slow_start": 1,
    "optax_lion": 1,
    "faster_embedding": 1,
    "mup": 2,
    "regularizer": 1,
    "measure": 1,
    "task": 1,
    "data": 1,
    "schedules": 1,
    "drawn": 2,  # pairs apart and together
    "lazy": 1,
    "first": 1,
}


def trained(sweep, index=0, steps=4):
    """What is seen of a run of a sweep, before and after a few updates."""
    run = grid_orders(sweep)[index].run
    feed = Feed(run, run.task.signature(), [run.task], sweep.measure, None, sweep.steps)
    return list(attempt(feed, feed.values(run, 0, initial_params_of(run)), steps, times=2))


@pytest.mark.parametrize("name", COHORTS)
def test_an_example_is_planned_as_its_recipe_says_and_learns(examples, name):
    sweep = load(examples / f"{name}.yaml")
    assert len(find_cohorts(grid_orders(sweep))) == COHORTS[name]
    start, _, last = trained(sweep)
    assert float(last.seen["train/loss"]) < float(start.seen["train/loss"])


def test_every_example_is_named_in_a_recipe_and_every_recipe_shows_its_files_as_they_are():
    pages = {page: page.read_text() for page in PAGES}
    for file in (ROOT / "docs/recipes/examples").glob("*.*"):
        if file.suffix in (".py", ".yaml"):
            assert any(file.name in text for text in pages.values()), file.name
    for page, text in pages.items():
        for name, shown in re.findall(r"```(?:python|yaml) (\S+)\n(.*?)```", text, re.DOTALL):
            assert shown == (page.parent / "examples" / name).read_text(), f"{page.name} shows another {name}"


def test_a_network_of_nnx_gets_its_sizes_from_the_task_and_drops_only_in_training(examples):
    sweep = load(examples / "nnx_net.yaml", ["model.rate=0.9"])
    run = grid_orders(sweep)[0].run
    signature = run.task.signature()
    params = run.model.init(jax.random.key(0), signature)
    inputs = run.task.table().inputs[:50]
    assert params["output"]["kernel"].shape == (32, 11)
    measured = [run.model.logits(params, inputs, signature, None) for _ in range(2)]
    dropped = run.model.logits(params, inputs, signature, jax.random.split(jax.random.key(1), 50))
    assert np.array_equal(*measured)
    assert not np.allclose(measured[0], dropped)


def test_the_measures_of_the_recipe_appear_and_are_true(examples):
    start, _, last = trained(load(examples / "measure.yaml"))
    assert float(start.measured["moved/distance"]) < ROUNDING
    assert float(last.measured["moved/distance"]) > 0.1
    assert 1 / 11 < float(last.measured["confidence/test"]) < 1


def test_the_rise_of_a_short_step_up_is_its_length_times_the_norm_of_the_gradient(examples, first_folder, tmp_path):
    shutil.copytree(first_folder, tmp_path / "first")
    what = f"[gradient_norm, {{kind: {examples}/sharpness.py:Sharpness, size: 0.001}}]"
    assert typed("measure", tmp_path / "first", "--what", what, "--step", 100) == 0
    history = open_results(tmp_path / "first").history
    row = np.isfinite(history["sharpness/rise"].values)
    rise, norm = (history[name].values[row] for name in ("sharpness/rise", "gradient_norm/total"))
    assert row.any() and rise == pytest.approx(0.001 * norm, rel=0.05)


def test_the_ball_of_the_recipe_keeps_the_norm_within_its_radius(examples):
    sweep = load(examples / "regularizer.yaml")
    inside = next(order.number for order in grid_orders(sweep) if order.settings["regularizers.1.radius"] == 3)
    start, _, last = trained(sweep, inside)
    assert float(start.measured["weight_norm/total"]) > 3
    assert float(last.measured["weight_norm/total"]) <= 3.0001


def test_the_spread_of_the_recipe_is_the_variance_of_numpy(examples):
    part = load(examples / "regularizer.yaml").base.regularizers[0]
    params = {"a": np.arange(6.0, dtype=np.float32).reshape(2, 3), "b": np.array([[1.0, -1.0]], np.float32)}
    wanted = 0.1 * (np.var(params["a"]) + np.var(params["b"]))
    np.testing.assert_allclose(part.penalty(params, None, None), wanted, rtol=1e-6)


def test_the_first_move_of_sign_momentum_is_the_learning_rate_everywhere(examples):
    run = grid_orders(load(examples / "optimizer.yaml"))[0].run
    gradient = {"w": np.array([3.0, -0.2], np.float32)}
    transform = run.optimizer.transform()
    moves, _ = transform.update(gradient, transform.init(gradient), gradient)
    np.testing.assert_allclose(moves["w"], [-run.optimizer.learning_rate, run.optimizer.learning_rate], rtol=1e-6)


def test_the_median_of_the_recipe_is_the_one_in_the_middle(examples):
    table = load(examples / "task.yaml").base.task.table()
    assert len(table.inputs) == 7**3
    assert all(target == sorted(triple)[1] for triple, target in zip(table.inputs.tolist(), table.targets, strict=True))


def test_the_data_file_of_the_recipe_is_the_table(examples):
    table = load(examples / "data.yaml").base.task.table()
    assert np.array_equal(np.count_nonzero(table.inputs[:, :3] > 0, axis=1) % 2, table.targets)


def second(examples, first_folder, step=300):
    name = open_results(first_folder).runs["run_id"][0]
    return load(examples / "second.yaml", [f"init.from={first_folder}#{name}", f"init.step={step}"])


def test_a_run_that_starts_from_a_stored_one_has_its_weights_and_keeps_the_frozen_ones(examples, first_folder):
    sweep = second(examples, first_folder)
    stored = initial_params_of(grid_orders(sweep)[0].run)
    start, _, last = trained(sweep)
    norm = float(np.sqrt(np.sum(np.square(stored["embed"]["embedding"]))))
    assert float(start.measured["weight_norm/embed/embedding"]) == pytest.approx(norm, rel=1e-6)
    assert float(last.measured["weight_norm/embed/embedding"]) == float(start.measured["weight_norm/embed/embedding"])
    assert float(last.measured["weight_norm/output/kernel"]) != float(start.measured["weight_norm/output/kernel"])


def test_the_step_of_a_stored_start_changes_the_run_and_its_folder_does_not(examples, first_folder):
    sweep = second(examples, first_folder)
    other = second(examples, first_folder, step=100)
    assert grid_orders(sweep)[0].run_id != grid_orders(other)[0].run_id
    assert not np.array_equal(
        *(initial_params_of(grid_orders(one)[0].run)["output"]["kernel"] for one in (sweep, other))
    )
    name = sweep.base.init.source.rpartition("#")[2]
    moved = load(examples / "second.yaml", [f"init.from=elsewhere#{name}"])
    assert grid_orders(moved)[0].run_id == grid_orders(sweep)[0].run_id


@pytest.mark.parametrize("name", ["second", "tickets", "larger"])
def test_a_recipe_that_names_a_folder_starts_from_its_run(examples, first_folder, name):
    sweep = load(examples / f"{name}.yaml", [f"init.from={first_folder}"])
    check_starts(sweep)
    run_id = open_results(first_folder).runs["run_id"][0]
    assert {order.run.init.source for order in grid_orders(sweep)} == {f"{first_folder}#{run_id}"}


def test_the_sweep_of_the_python_recipe_is_that_of_its_file_form(examples):
    sweep = runpy.run_path(str(examples / "python_api.py"), run_name="recipe")["sweep"]
    mapping = {
        "name": "decay",
        "task": {"kind": "modular_arithmetic", "operation": "x+y", "modulus": 23, "train_fraction": 0.6},
        "model": {"kind": "mlp", "width": 200, "activation": "square"},
        "optimizer": {"kind": "adamw", "learning_rate": 1e-2, "weight_decay": 5.0},
        "loss": "mse",
        "train": {"steps": 1000},
        "axes": {"optimizer.weight_decay": [0.3, 5, 40]},
        "seeds": 2,
    }
    assert load(mapping) == sweep


@pytest.mark.slow
def test_the_python_recipe_prints_what_its_page_shows(examples, tmp_path):
    command = [sys.executable, str(examples / "python_api.py")]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    page = (ROOT / "docs/recipes/python-api.md").read_text()
    shown = page.partition("It prints\n\n")[2].partition("\n\n|")[0]
    # Numbers may differ in their last digits on another processor.
    words = [re.findall(r"[a-z_]{3,}", text) for text in (done.stdout, shown)]
    assert words[0] == words[1] and len(words[0]) > 20


def test_a_shape_mistake_is_shown_with_the_users_own_line_and_none_of_ours(examples):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "grokjax", "try", "wrong_net.yaml"]
    done = subprocess.run(command, cwd=examples, env=environment, capture_output=True, text=True)
    source = (examples / "wrong_net.py").read_text().splitlines()
    line = next(number for number, text in enumerate(source, start=1) if "jnp.ones((31" in text)
    assert done.returncode == 2, done.stderr
    assert "wrong_net.yaml:2: model:" in done.stderr and "(32,) and (31,)" in done.stderr
    assert f'wrong_net.py", line {line}, in __call__' in done.stderr
    assert re.findall(r'File "([^"]*)"', done.stderr) == [str(examples / "wrong_net.py")]


def test_an_optimizer_of_your_own_is_an_arm_in_one_line(examples):
    sweep = load(examples / "compare.yaml")
    orders = source_of(sweep).first()
    assert len(orders) == 2 * 3 * 2
    assert {kind_of(order.run.optimizer).rpartition("/")[2] for order in orders} == {
        "adamw",
        "optimizer.py:sign_momentum",
    }
