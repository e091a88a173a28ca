"""Do the commands that only read say what is stored, and do they leave JAX alone?"""

import csv
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from grokjax import open_results
from grokjax.report.wording import number_text
from tests.store.small_sweep import LANES, SMALL, copied, typed

SEEDS = ["seeds.split", "seeds.init", "seeds.order", "seeds.noise"]
AXES = ["optimizer.learning_rate", "optimizer.weight_decay"]


def contents(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_table_has_one_row_per_run_and_the_columns_of_the_contract(small, capsys, tmp_path):
    assert typed("table", small) == 0
    (tmp_path / "table.csv").write_text(capsys.readouterr().out)
    table = pd.read_csv(tmp_path / "table.csv", keep_default_na=False, na_values=[""])
    first = ["run_id", "status", "stop_reason", "phase", "flags", "final_step", *AXES, *SEEDS, "n_train", "n_test"]
    last = ["steps_to_train_99", "steps_to_test_99", "train/accuracy", "test/loss", "weight_norm/total"]
    assert set(first + last) <= set(table.columns)
    assert len(table) == 12 and table["run_id"].is_unique
    settings = [name for name in table if name in {*AXES, *SEEDS}]
    assert settings == [*AXES, *SEEDS]
    with open(tmp_path / "table.csv") as file:
        row = next(row for row in csv.DictReader(file) if row["steps_to_train_99"])
    assert row["steps_to_train_99"].isdigit()
    assert (table["n_train"] == 24).all() and (table["n_test"] == 25).all()
    pd.testing.assert_frame_equal(table, pd.read_csv(small / "table.csv", keep_default_na=False, na_values=[""]))
    wild = table["optimizer.learning_rate"] > 1
    assert (table["status"][wild] == "diverged").all() and (table["phase"][wild] == "diverged").all()
    assert (table["status"][~wild] == "done").all() and (table["final_step"][~wild] == 100).all()
    assert table["steps_to_test_99"][wild].isna().all()  # never got there: censored is empty


def test_table_selects_rows_and_writes_files(small, tmp_path, capsys):
    where = ("--where", "weight_decay = 1.0001", "--where", "status != diverged")
    assert typed("table", small, *where, "--out", tmp_path / "some.csv") == 0
    assert len(pd.read_csv(tmp_path / "some.csv")) == 2
    assert typed("table", small, "--out", tmp_path / "all.parquet") == 0
    assert len(pd.read_parquet(tmp_path / "all.parquet")) == 12


def test_table_refuses_what_it_cannot_write_or_find(small, tmp_path, capsys):
    assert typed("table", small, "--out", tmp_path / "table.xlsx") == 2
    assert typed("table", small, "--where", "weigt_decay=1") == 2
    assert "nearest" in (said := capsys.readouterr().err) or "did you mean" in said
    assert typed("table", tmp_path) == 5


def test_status_of_a_finished_sweep(small, capsys):
    assert typed("status", small, "--json") == 0
    status = json.loads(capsys.readouterr().out)
    expected = {"total": 12, "done": 12, "running": 0, "queued": 0, "diverged": 6, "compiled_programs": 1}
    assert {name: status[name] for name in expected} == expected
    assert status["stage"] == "complete" and status["run_steps_per_second"] > 0 and 0 < status["occupancy"] <= 1
    assert sum(status["phases"].values()) == 12
    assert typed("status", small) == 0
    assert "12" in capsys.readouterr().out


def test_commands_answer_before_any_run_has_ended(small, tmp_path, capsys):
    root = tmp_path / "begun"
    root.mkdir()
    for name in ("spec.json", "spec.yaml"):
        shutil.copy(small / name, root)
    assert typed("status", root, "--json") == 0
    assert json.loads(capsys.readouterr().out)["queued"] == 12
    assert typed("table", root) == 0
    assert capsys.readouterr().out.startswith("run_id,status")
    assert typed("phases", root) == 2
    assert "no run has finished yet" in capsys.readouterr().err


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("csv", b"")])
def test_phases_writes_every_format(small, tmp_path, capsys, suffix, start):
    path = tmp_path / f"phases.{suffix}"
    assert typed("phases", small, "--x", "weight_decay", "--y", "learning_rate", "--out", path) == 0
    assert path.read_bytes().startswith(start) and path.stat().st_size > 100
    assert "diverged" in capsys.readouterr().out
    if suffix == "csv":
        assert len(pd.read_csv(path)[AXES].drop_duplicates()) == 6  # cells


@pytest.mark.parametrize("rule", ["default", "liu2022", "pair2023", "doshi2024"])
def test_phases_under_every_rule(small, capsys, rule):
    assert typed("phases", small, "--rule", rule) == 0
    assert rule in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--rule", "liu2023"), "nearest is 'liu2022'"),
        (("--x", "weight_decy"), "nearest is 'optimizer.weight_decay'"),
        (("--y", "nonsense"), "no column 'nonsense'"),
        (("--out", "map.gif"), "ends in .png, .svg, .pdf or .csv"),
        (("--where", "weight_decay=77"), "no run is left"),
        (("--where", "weight_decay"), "KEY OP VALUE"),
        (("--x", "weight_decay", "--y", "weight_decay"), "x and y are both optimizer.weight_decay"),
    ],
)
def test_phases_refuses_in_one_line(small, capsys, words, message):
    assert typed("phases", small, *words) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_curves_of_a_selection(small, tmp_path, capsys):
    path = tmp_path / "curves.png"
    assert (
        typed("curves", small, "--where", "learning_rate < 1", "--where", "weight_decay in [1, 10]", "--out", path) == 0
    )
    assert "curves of 4 runs" in capsys.readouterr().err and path.read_bytes().startswith(b"\x89PNG")
    assert typed("curves", small, "--where", "weight_decay=77", "--out", path) == 2
    assert typed("curves", small, "--out", tmp_path / "curves.txt") == 2


def test_curves_of_any_stored_measure(small, tmp_path, capsys):
    path = tmp_path / "curves.svg"
    where = ("--where", "learning_rate < 1", "--where", "phase != diverged")
    assert typed("curves", small, *where, "--what", "weight_norm/total,test/accuracy", "--out", path) == 0
    drawn = path.read_text()
    assert "weight_norm/total" in drawn and "Phases by rule default." in drawn and "cross-entropy" not in drawn
    capsys.readouterr()
    for words, message in [
        ("weight_norm/totl", "--what: no measure 'weight_norm/totl'; nearest is 'weight_norm/total'"),
        ("total", "--what: no measure 'total'"),
    ]:
        assert typed("curves", small, "--what", words, "--out", path) == 2
        assert message in (said := capsys.readouterr().err) and said.count("\n") == 1


def test_measures_by_row_are_those_of_the_history_and_arrays_are_refused(small):
    results = open_results(small)
    looks, values = results.measured("weight_norm/total")
    np.testing.assert_array_equal(looks.steps, results.history["step"].values)
    np.testing.assert_array_equal(values, results.history["weight_norm/total"].values.astype(float))
    results = open_results(small)
    results._dataset["a/array"] = (("run", "k", "x"), np.zeros((*looks.steps.shape, 3)))
    with pytest.raises(ValueError, match="a/array is 3 numbers a run and step"):
        results.measured("a/array")


def test_export_gives_the_stored_parameters(small, tmp_path, monkeypatch):
    results = open_results(small)
    run_id = results.runs["run_id"][0]
    expected = {
        f"{layer}/{name}": leaf for layer, leaves in results.params(run_id).items() for name, leaf in leaves.items()
    }
    monkeypatch.chdir(tmp_path)
    assert typed("export", small, run_id, "--format", "npz") == 0
    assert typed("export", small, run_id, "--format", "safetensors") == 0
    from safetensors.numpy import load_file

    with np.load(f"{run_id}.npz") as arrays:
        check_equal(dict(arrays), expected)
    check_equal(load_file(f"{run_id}.safetensors"), expected)
    assert typed("export", small, run_id, "--format", "npz", "--step", 50, "--out", "half.npz") == 0
    with np.load("half.npz") as arrays:
        assert not np.array_equal(arrays["output/kernel"], expected["output/kernel"])


def test_export_with_the_optimizer_gives_its_moments_where_they_are_stored(small, tmp_path, capsys):
    runs = open_results(small).runs
    run_id, out = runs["run_id"][runs["status"] == "done"].iloc[0], tmp_path / "x.npz"
    assert typed("export", small, run_id, "--format", "npz", "--with-optimizer", "--out", out) == 0
    with np.load(out) as arrays:
        found = dict(arrays)
    moments = {name: leaf for name, leaf in found.items() if name.startswith("opt_state/")}
    for kernel in ("hidden_0/kernel", "output/kernel"):
        mu, nu = ([leaf for name, leaf in moments.items() if f"/{one}/{kernel}" in name] for one in ("mu", "nu"))
        assert len(mu) == len(nu) == 1 and mu[0].shape == nu[0].shape == found[kernel].shape
        assert (nu[0] >= 0).all() and (mu[0] < 0).any()
    assert {int(leaf) for name, leaf in moments.items() if name.endswith("count")} == {100}  # updates
    out.unlink()
    assert typed("export", small, run_id, "--format", "npz", "--step", 50, "--with-optimizer", "--out", out) == 2
    assert (
        "the parameters alone are stored; the optimizer's state is stored only where a run ended"
        in capsys.readouterr().err
    )
    assert not out.exists()


def check_equal(arrays, expected):
    assert set(arrays) == set(expected) == {"hidden_0/kernel", "output/kernel"}
    for name, leaf in expected.items():
        np.testing.assert_array_equal(arrays[name], leaf)


def test_export_refuses_what_is_not_stored(small, tmp_path, capsys):
    run_id = open_results(small).runs["run_id"][0]
    wrong_id = run_id[:-1] + ("0" if run_id[-1] != "0" else "1")
    assert typed("export", small, wrong_id, "--format", "npz", "--out", tmp_path / "x.npz") == 2
    assert f"did you mean {run_id!r}" in capsys.readouterr().err
    assert typed("export", small, run_id, "--format", "npz", "--step", 49, "--out", tmp_path / "x.npz") == 2
    assert "stored at step 49" in capsys.readouterr().err
    assert not (tmp_path / "x.npz").exists()


def test_verify_finds_every_flipped_byte(small, tmp_path, capsys):
    assert typed("verify", small) == 0
    assert "0 problems" in capsys.readouterr().out
    root = copied(small, tmp_path)
    victims = [root / "table.csv", next((root / "runs").glob("*.npz")), next((root / "weights").glob("*.npz"))]
    victims += [
        max((path for path in (root / "history.zarr").rglob("*") if path.is_file()), key=lambda p: p.stat().st_size)
    ]
    for victim in victims:
        whole = victim.read_bytes()
        victim.write_bytes(
            whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :]
        )
        assert typed("verify", root) == 5
        said = capsys.readouterr()
        assert victim.relative_to(root).as_posix() in said.err and "1 problems" in said.out
        victim.write_bytes(whole)
    victims[0].unlink()
    assert typed("verify", root) == 5
    assert "table.csv is missing" in capsys.readouterr().err


def test_a_damaged_history_is_read_from_the_run_files_and_said(small, tmp_path):
    root = copied(small, tmp_path)
    chunks = [path for path in (root / "history.zarr").rglob("*") if path.is_file() and "test.correct" in str(path)]
    victim = max(chunks, key=lambda path: path.stat().st_size)
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    with pytest.warns(UserWarning, match="damaged"):
        results = open_results(root)
    runs, whole = (one.sort_values("run_id", ignore_index=True) for one in (results.runs, open_results(small).runs))
    pd.testing.assert_frame_equal(runs, whole)


@pytest.mark.parametrize(
    "what", ["tasks", "models", "losses", "optimizers", "regularizers", "measures", "probes", "sweeps"]
)
def test_list_shows_every_kind(capsys, what):
    from grokjax.core.catalogue import KINDS, catalogue

    assert typed("list", what) == 0
    shown = capsys.readouterr().out
    names = catalogue(what) if what in KINDS else ["quickstart"]
    assert names and all(name in shown for name in names)


def test_what_only_reads_imports_no_jax_and_writes_nothing(small, tmp_path):
    before = contents(small)
    run_id = pd.read_csv(small / "table.csv")["run_id"][0]
    commands = [
        ["status", small],
        ["table", small, "--where", "weight_decay = 1"],
        ["phases", small, "--out", tmp_path / "phases.svg"],
        ["curves", small, "--out", tmp_path / "curves.svg"],
        ["verify", small],
        ["export", small, run_id, "--format", "npz", "--out", tmp_path / "weights.npz"],
        ["list", "sweeps"],
    ]
    code = (
        "import sys\nfrom grokjax.cli import main\nfrom grokjax import open_results\n"
        f"for words in {[[str(word) for word in command] for command in commands]!r}:\n"
        "    status = main(words)\n"
        "    assert status == 0, (words, status)\n"
        "    assert 'jax' not in sys.modules, words\n"
        f"open_results({str(small)!r}).runs\n"
        f"open_results({str(small)!r}).grid('test/accuracy')\n"
        "assert 'jax' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert contents(small) == before


WORDS = ["claim", "published", "measured", "verdict"]


def test_reproduce_prints_claims(small, tmp_path, monkeypatch, capsys):
    claimed = SMALL + (
        "claims:\n"
        "  - name: a large rate diverges\n"
        "    that: probability(diverged, optimizer.learning_rate=1e30) > "
        "probability(diverged, optimizer.learning_rate=0.01)\n"
        "    over: [optimizer.weight_decay]\n"
        "    published: in all of 8 runs\n"
        "  - name: by a published rule\n"
        "    that: probability(comprehension, optimizer.learning_rate=0.01) > 0.5\n"
        "    over: [optimizer.weight_decay]\n"
        "    rule: liu2022\n"
    )
    (tmp_path / "claimed.yaml").write_text(claimed)
    monkeypatch.setattr("grokjax.cli.sweep_names.packaged_sweeps", lambda: {"claimed": tmp_path / "claimed.yaml"})
    assert typed("reproduce", "claimed", "--out", tmp_path / "out", "--lanes", "2") == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[-1] == "claims: 0 hold, 0 fail, 2 undecided"
    lines = [line.split(maxsplit=1) for line in shown.splitlines()[1:] if line]
    assert lines[0] == ["a", "large rate diverges"] and [line[0] for line in lines[1:5]] == WORDS
    assert lines[2][1] == "in all of 8 runs" and lines[3][1].startswith("1 against 0, difference 1")
    assert lines[4][1] == "undecided: fewer than 6 seeds"
    assert lines[6][1].endswith("> 0.5, over optimizer.weight_decay (phases by liu2022)")
    assert (
        lines[9][1].startswith("undecided: ") and "runs of probability(comprehension" in lines[9][1]
    )  # it asks for 1e5 steps


def test_streams_of_seeds_and_settings_that_move_together_are_axes_for_readers(small, tmp_path, capsys):
    text = (small.parent / "sweep.yaml").read_text()
    axes = "  zip: {optimizer.learning_rate: [0.01, 0.02], optimizer.weight_decay: [1, 2]}\n  seeds.init: [0, 1]\n"
    begin, end = text.index("  optimizer.learning_rate"), text.index("measure:")
    (tmp_path / "sweep.yaml").write_text(text[:begin] + axes + text[end:])
    assert typed("run", tmp_path / "sweep.yaml", "--out", tmp_path / "out", *LANES) == 0
    found = open_results(tmp_path / "out").grid("test/accuracy")
    assert found.dims == ("learning_rate", "init", "seed", "step") and found.sizes["init"] == 2
    assert found.notnull().all()
    capsys.readouterr()
    assert typed("phases", tmp_path / "out") == 0
    assert "weight_decay" not in capsys.readouterr().out
    assert typed("phases", tmp_path / "out", "--y", "seeds.init") == 0
    assert "seeds.init" in capsys.readouterr().out


def test_every_sweep_that_ships_is_listed_with_what_it_asks(capsys):
    assert typed("list", "sweeps") == 0
    for line in capsys.readouterr().out.splitlines():
        name, _, about = line.partition(" ")
        assert len(about.strip()) > 20, name


def test_a_number_of_the_table_is_drawn_over_the_axes_and_nothing_that_is_no_number(small, tmp_path, capsys):
    assert typed("phases", small, "--colour", "weight_norm/total", "--out", tmp_path / "norm.png") == 0
    table = pd.read_csv(small / "table.csv")
    medians = table.groupby(AXES)["weight_norm/total"].median()
    said = capsys.readouterr().out
    assert f"from {medians.min():.3g}" in said and (tmp_path / "norm.png").stat().st_size > 10_000
    assert typed("phases", small, "--colour", "weight_norm/total") == 2
    assert "--out FILE.png" in capsys.readouterr().err
    for column, rule in (("phase", "phase holds no numbers"), ("weight_norm/totl", "nearest is 'weight_norm/total'")):
        assert typed("phases", small, "--colour", column, "--out", tmp_path / "other.png") == 2
        assert rule in capsys.readouterr().err
    assert not (tmp_path / "other.png").exists()


def test_a_number_is_drawn_along_an_axis_with_a_line_for_each_value_of_another(small, tmp_path, capsys):
    x, by = AXES
    figure = tmp_path / "lines.svg"
    assert typed("lines", small, "--x", x, "--by", by, "--y", "steps_to_test_99", "--out", figure) == 0
    said, table = capsys.readouterr().out, pd.read_csv(small / "table.csv")
    for (along, line), cell in table.groupby(AXES):
        never = int(cell["steps_to_test_99"].isna().sum())
        (told,) = [
            row
            for row in said.splitlines()
            if row.startswith(f"{by} = {number_text(line)}, {x} = {number_text(along)}: ")
        ]
        assert f"over {len(cell)} runs" in told and told.endswith(f", {never} never") == (never > 0)
    assert "steps_to_test_99" in figure.read_text()
    for options, rule in (
        (("--x", x, "--y", "steps_to_test_9"), "--x, --y, --by: no column 'steps_to_test_9'"),
        (("--x", "weight_deca", "--y", "test/loss"), "--x: no column 'weight_deca'"),
        (("--x", x, "--by", x, "--y", "test/loss"), "is both the axis and what tells lines apart"),
        (("--x", x, "--y", "test/loss", "--out", tmp_path / "lines.csv"), "--out: "),
    ):
        assert typed("lines", small, *options) == 2
        assert rule in capsys.readouterr().err


def test_two_numbers_of_each_run_are_shown_with_their_rank_correlation(small, tmp_path, capsys):
    assert typed("scatter", small, "--x", "test/loss", "--y", "weight_norm/total", "--out", tmp_path / "two.svg") == 0
    table = pd.read_csv(small / "table.csv")
    known = table[["test/loss", "weight_norm/total"]].dropna()
    said = capsys.readouterr().out
    assert f"{known.corr('spearman').iloc[0, 1]:.2f} (no interval from fewer than 6 seeds)" in said
    assert f"over {len(known)} runs, 2 seeds" in said and "Pooled over optimizer.weight_decay" in said
    assert "rank correlation" in (tmp_path / "two.svg").read_text()
    assert typed("scatter", small, "--x", "test/loss", "--y", "fall(train/loss)") == 0
    assert "steepest fall of train/loss" in capsys.readouterr().out
    assert typed("scatter", small, "--x", "test/loss", "--y", "fall(train/los)") == 2
    assert "no measure 'train/los'" in capsys.readouterr().err
