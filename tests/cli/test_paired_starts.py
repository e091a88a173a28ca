"""Does a sweep that names a folder start each run from the run of its seeds there, pruned or drawn anew as it says?"""

import functools

import jax
import numpy as np
import pytest

from grokjax import open_results
from grokjax.drive.options import Options
from grokjax.drive.run_sweep import run_sweep
from grokjax.lab.initial_params import check_starts, initial_params_of
from grokjax.orders.sources import source_of
from grokjax.plan.cohorts import find_cohorts
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.results.stored_params import flat_stored_params
from grokjax.store.head import read_head
from grokjax.store.layout import Layout
from grokjax.train.equal_runs import check_equal_runs
from tests.store.small_sweep import LANES, typed

SEED_PATHS = [f"seeds.{name}" for name in ("split", "init", "order", "noise")]
BASE = """
name: base
task: {kind: modular_arithmetic, operation: x+y, modulus: 7}
model: {kind: mlp, width: 16, encoding: concatenated, embedding: 8}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
train: {steps: 40}
axes:
  optimizer.weight_decay: [0.3, 3]
seeds: 2
measure: {every: 20}
weights: 20
"""
NEXT = BASE.replace("name: base", "name: next")
PLAIN = NEXT.replace("axes:\n  optimizer.weight_decay: [0.3, 3]\n", "")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Folder of four trained runs, two decays at two seeds; `base.yaml` beside it."""
    folder = tmp_path_factory.mktemp("paired")
    (folder / "base.yaml").write_text(BASE)
    assert typed("run", folder / "base.yaml", "--out", folder / "base", *LANES) == 0
    return folder / "base"


@pytest.fixture
def sweep_of(base, tmp_path):
    """Text of a sweep and what `init:` says -> the sweep, `BASE` standing for the folder."""

    def read(text, init):
        path = tmp_path / "next.yaml"
        path.write_text((text + init).replace("BASE", str(base)))
        return load(path)

    return read


def starts_of(sweep):
    """Run id of the source of each run."""
    return [order.run.init.source.rpartition("#")[2] for order in source_of(sweep).first()]


def trained(sweep, folder):
    """Its results, and its folder."""
    run_sweep(sweep, folder, Options(lanes=2))
    return open_results(folder).runs, folder


def test_each_run_starts_from_the_run_of_its_seeds_and_of_the_values_of_axes_that_both_have(base, sweep_of):
    stored = open_results(base).runs
    columns = ["optimizer.weight_decay", *SEED_PATHS]
    of_run = {tuple(row[columns]): row["run_id"] for _, row in stored.iterrows()}
    sweep = sweep_of(NEXT, "init: {from: BASE, step: 40}")
    orders = list(source_of(sweep).first())
    assert [of_run[tuple(order.settings[path] for path in columns)] for order in orders] == starts_of(sweep)
    assert len(set(starts_of(sweep))) == 4


@pytest.mark.parametrize("chosen", ["optimizer.weight_decay=3", "weight_decay > 1 and weight_decay < 5"])
def test_conditions_say_which_runs_of_the_folder_are_meant(base, sweep_of, chosen):
    stored = open_results(base).runs
    wanted = stored[stored["optimizer.weight_decay"] == 3].sort_values("seeds.init")["run_id"].tolist()
    assert starts_of(sweep_of(PLAIN, f"init: {{from: 'BASE#{chosen}', step: 40}}")) == wanted


def test_a_run_has_the_id_that_it_has_when_its_source_is_named_by_id(sweep_of):
    sweep = sweep_of(PLAIN, "init: {from: 'BASE#weight_decay=3', step: 40}")
    named = sweep_of(PLAIN, f"init: {{from: 'BASE#{starts_of(sweep)[1]}', step: 40}}")
    assert source_of(sweep).first()[1].run_id == source_of(named).first()[1].run_id


@pytest.mark.parametrize(
    ("text", "init", "message"),
    [
        (PLAIN, "{from: BASE, step: 40}", "2 runs of the seeds split=0, init=0, order=0, noise=0, none of them with"),
        (PLAIN, "{from: 'BASE#weight_decay=9', step: 40}", "no run of the folder is like that"),
        (PLAIN, "{from: 'BASE#width=9', step: 40}", "there is no width to compare"),
        (NEXT.replace("seeds: 2", "seeds: 3"), "{from: BASE, step: 40}", "no run of the seeds split=2"),
        (NEXT, "{from: BASE, step: 30}", "stored are those of 0, 20, 40"),
        (NEXT, "{from: BASE/../nowhere, step: 40}", "train it first: `grokjax run SWEEP.yaml --out"),
        (NEXT, "{from: BASE/../quickstart-cpu, step: 40}", "train it first: `grokjax run quickstart --scale cpu --out"),
        (NEXT, "{from: BASE, step: 40, freeze: ['embedding*']}", "init.freeze: fits no parameter"),
        (NEXT, "{from: BASE, step: 40, draw: head}", "init.draw: fits no parameter"),
        (NEXT, "{from: BASE, step: 0, prune: {keep: 0, at: 40}}", "init.prune.keep: must be > 0"),
        (NEXT, "{from: BASE, step: 0, prune: {keep: 0.5, at: 30}}", "stored are those of 0, 20, 40"),
        (NEXT, "{from: BASE, step: 0, prune: {keep: 0.5, at: 40, form: tickets}}", "did you mean 'ticket'"),
    ],
)
def test_a_start_that_is_not_one_run_is_refused_in_one_line(base, tmp_path, capsys, text, init, message):
    (tmp_path / "next.yaml").write_text(text + f"init: {init.replace('BASE', str(base))}\n")
    assert typed("run", tmp_path / "next.yaml", "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_ticket_keeps_its_zeros_and_keeping_all_weights_is_to_train_the_source_again(base, sweep_of, tmp_path):
    axes = (
        "axes:\n  optimizer.weight_decay: [0.3, 3]\n  init.prune.keep: [0.5, 1]\n  init.prune.form: [ticket, l1_norm]\n"
    )
    sweep = sweep_of(PLAIN + axes, "init: {from: BASE, step: 0, prune: {keep: 1, at: 40}}")
    assert len(find_cohorts(source_of(sweep).first())) == 2  # that of tickets, and that of dense networks
    runs, folder = trained(sweep, tmp_path / "pruned")
    source = dict(zip((order.run_id for order in source_of(sweep).first()), starts_of(sweep), strict=True))
    for _, row in runs.iterrows():
        final, initial = (flat_stored_params(folder, row["run_id"], step) for step in (40, 0))
        begun, ended = (flat_stored_params(base, source[row["run_id"]], step) for step in (0, 40))
        is_whole, form = row["init.prune.keep"] == 1, row["init.prune.form"]
        if is_whole and form == "l1_norm":  # the program of the source
            np.testing.assert_equal(final, ended)
        elif is_whole:  # a program that holds zeros rounds otherwise
            jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5), final, ended)
        elif form == "ticket":
            check_ticket(initial, final, begun, ended)


def check_ticket(initial, final, begun, ended):
    """Of half of the weights of a source that has `begun` and `ended`."""
    matrices = [name for name in sorted(ended) if ended[name].ndim > 1]
    magnitudes = np.concatenate([np.abs(ended[name]).ravel() for name in matrices])
    least = np.sort(magnitudes)[-(len(magnitudes) // 2)]
    for name in matrices:
        is_kept = np.abs(ended[name]) >= least
        np.testing.assert_array_equal(initial[name], begun[name] * is_kept)
        assert not final[name][~is_kept].any() and is_kept.any() and not is_kept.all()
        assert np.mean(final[name][is_kept] != begun[name][is_kept]) > 0.9


def test_what_is_frozen_stays_and_what_is_drawn_anew_is_what_a_new_network_draws(base, sweep_of, tmp_path):
    init = 'init: {from: BASE, step: 40, freeze: ["hidden*"], draw: ["embed*", "output*"]}'
    sweep = sweep_of(NEXT.replace("x+y", "x-y"), init)
    runs, folder = trained(sweep, tmp_path / "moved")
    source = dict(zip((order.run_id for order in source_of(sweep).first()), starts_of(sweep), strict=True))
    for name in runs["run_id"]:
        initial, final = (flat_stored_params(folder, name, step) for step in (0, 40))
        begun, ended = (flat_stored_params(base, source[name], step) for step in (0, 40))
        for path in initial:
            if path.startswith("hidden"):
                np.testing.assert_array_equal(initial[path], ended[path])
                np.testing.assert_array_equal(final[path], ended[path])
            else:
                np.testing.assert_array_equal(initial[path], begun[path])
                assert (final[path] != initial[path]).any()


def test_what_is_drawn_anew_may_have_other_shapes_and_the_rest_may_not(base, sweep_of):
    other, init = NEXT.replace("modulus: 7", "modulus: 11"), "init: {from: BASE, step: 40, draw: [DRAW]}"
    with pytest.raises(SpecError, match=r"the stored run has \(7, 8\) at embed/embedding, this model needs \(11, 8\)"):
        check_starts(sweep_of(other, init.replace("DRAW", '"output*"')))
    sweep = sweep_of(other, init.replace("DRAW", '"embed*", "output*"'))
    check_starts(sweep)
    params = initial_params_of(source_of(sweep).first()[0].run)
    assert params["embed"]["embedding"].shape == (11, 8)
    stored = flat_stored_params(base, starts_of(sweep)[0], 40)
    np.testing.assert_array_equal(params["hidden_0"]["kernel"], stored["hidden_0/kernel"])


@pytest.mark.slow
def test_a_pruned_sweep_that_is_stopped_goes_on_and_ends_as_if_nothing_had_happened(sweep_of, tmp_path):
    text = NEXT.replace("steps: 40", "steps: 3000").replace("weights: 20", "weights: 1500")
    sweep = sweep_of(text, 'init: {from: BASE, step: 0, draw: ["output*"], prune: {keep: 0.5, at: 40}}')
    _, whole = trained(sweep, tmp_path / "whole")
    segments = []
    options = Options(
        lanes=2,
        watch=lambda progress: segments.append(progress.busy_seconds > 0),
        stop=lambda: "enough" if sum(segments) > 1 else "",
    )
    run_sweep(sweep, tmp_path / "stopped", options)
    head = read_head(Layout(tmp_path / "stopped"))[0]
    assert head.checkpoints and not head.is_complete
    runs, stopped = trained(sweep, tmp_path / "stopped")
    for name in runs["run_id"]:
        np.testing.assert_equal(flat_stored_params(stopped, name), flat_stored_params(whole, name))


def test_a_source_is_an_axis_that_changes_its_runs_and_null_draws_a_new_network(sweep_of):
    axes = "axes:\n  init:\n    new: null\n    old: {from: BASE, step: 40}\n    older: {from: BASE, step: 20}\n"
    sweep = sweep_of(BASE.replace("axes:\n", axes), "")
    check_equal_runs(sweep)
    orders = source_of(sweep).first()
    assert len({order.run_id for order in orders}) == 12
    assert set(sweep.points.columns()["init"]) == {"new", "old", "older"}
    fixed = "seeds: {count: 2, streams: {split: 0}}"
    check_equal_runs(sweep_of(PLAIN.replace("seeds: 2", fixed), "init: {from: 'BASE#weight_decay=3', step: 40}"))
