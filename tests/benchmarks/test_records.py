import datetime
import functools
import json
import subprocess
import sys

import pytest

from benchmarks import table
from benchmarks.rig import records
from benchmarks.rig.processes import ROOT
from benchmarks.rig.rates import rates
from benchmarks.rig.rounds import ratios, spread
from benchmarks.rig.workloads import WORKLOADS
from benchmarks.throughput import engines_of
from grokjax.store.machine import processor


def test_a_second_record_of_a_day_leaves_the_first_alone(tmp_path):
    first = records.write("throughput", {"rounds": 3}, {"W2": 1}, tmp_path)
    before = first.read_bytes()
    second = records.write("throughput", {"rounds": 3}, {"W2": 2}, tmp_path)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    assert [first.name, second.name] == [f"{today}-throughput-1.json", f"{today}-throughput-2.json"]
    assert first.read_bytes() == before


def test_a_record_says_how_it_was_made(tmp_path):
    record = json.loads(records.write("refill", {"rounds": 2, "executors": "map"}, {}, tmp_path).read_text())
    assert record["command"] == "python -m benchmarks.refill --rounds 2 --executors map"
    assert record["machine"]["cores"] >= 1 and record["versions"]["jax"]
    assert record["machine"]["processor"] == processor()


def test_a_record_of_a_question_holds_how_fast_and_how_busy_the_machine_was(tmp_path, monkeypatch, capsys):
    measured = {"all cores": {"product": 184.2, "copy": 7.9}}
    monkeypatch.setattr(records, "rates", lambda: measured)
    monkeypatch.setattr(records, "ROOT", tmp_path)
    monkeypatch.setattr(records, "write", functools.partial(records.write, folder=tmp_path))
    options = records.arguments("?", rounds=2).parse_args(["--record"])
    records.finish(options, "throughput", {})
    record = records.newest("throughput", tmp_path)
    assert record is not None and record["machine"]["rates"] == measured
    assert [len(record["machine"]["load"][when]) for when in ("before", "after")] == [3, 3]


@pytest.mark.slow
def test_the_product_of_one_core_is_about_as_fast_as_that_of_numpy_on_one():
    code = (
        "import os\nos.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])\n"
        "from benchmarks.rig.work import numpy_peak\nprint(numpy_peak(2048) / 1e9)"
    )
    numpy = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    measured = rates()
    assert measured["one core"]["product"] == pytest.approx(float(numpy), rel=0.75)
    assert all(rate["copy"] > 0.1 for rate in measured.values())


def test_the_table_names_a_machine_by_what_its_speed_depends_on_and_an_old_one_by_its_name():
    narrow = {
        "name": "AMD EPYC, model 17",
        "vectors": ["avx", "avx2", "fma"],
        "caches": ["L1 Data 32K", "L2 Unified 512K"],
    }
    wide = narrow | {"vectors": ["avx2", "avx512f"], "caches": []}
    measured = {"one core": {"product": 94.2, "copy": 4.3}}
    told = [
        table._where({"date": "2026-11-30", "machine": {"cores": 2} | machine})
        for machine in ({"cpu": "AMD EPYC"}, {"processor": narrow}, {"processor": wide, "rates": measured})
    ]
    assert told == [
        "2026-11-30, 2 cores of AMD EPYC",
        "2026-11-30, 2 cores of AMD EPYC, model 17, AVX2, L2 512K",
        "2026-11-30, 2 cores of AMD EPYC, model 17, AVX-512; one core: 94 GFLOP/s, 4 GB/s",
    ]


def test_the_newest_record_is_the_last_of_the_last_day(tmp_path):
    for name in ("2026-01-02-gpu-2", "2026-01-02-gpu-10", "2026-01-01-gpu-11", "2026-01-03-gpu-memory-1"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"name": name}))
    newest = records.newest("gpu", tmp_path)
    assert newest is not None and newest["name"] == "2026-01-02-gpu-10"


def test_no_record_was_changed_after_it_was_committed():
    command = ["git", "log", "--diff-filter=MDR", "--format=", "--name-status", "--", "benchmarks/records/*.json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    assert done.stdout.strip() == ""


def test_ratios_are_of_the_same_round():
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    assert spread([3.0, 1.0, 2.0]) == "2 (1-3)"


@pytest.mark.parametrize("name", table.PAGES)
def test_the_table_of_a_page_is_made_from_the_records(name):
    page = (ROOT / name).read_text()
    assert table.with_table(page, table.PAGES[name]()) == page, "python -m benchmarks.table"


@pytest.mark.parametrize("make", [table.made_of, table.summary])
def test_without_records_the_table_says_so(tmp_path, make):
    assert make(tmp_path) == table.NOTHING


def test_the_table_shows_medians_and_ranges_of_a_record(tmp_path):
    engines = {"tables": {"rates": [400.0, 600.0, 500.0]}, "eager, all threads": {"rates": [100.0, 100.0, 125.0]}}
    records.write("throughput", {}, {"W2": engines}, tmp_path)
    assert "| W2 | eager, all threads | 100 (100 to 125) | 4.00 (4.00 to 6.00) |" in table.made_of(tmp_path)


def test_the_summary_takes_the_rival_that_comes_nearest_and_no_form_of_ours(tmp_path):
    engines = {
        "tables": {"rates": [400.0, 600.0, 500.0]},
        "plain": {"rates": [500.0, 500.0, 500.0]},
        "eager, all threads": {"rates": [100.0, 100.0, 125.0]},
        "JAX loop": {"rates": [200.0, 200.0, 250.0]},
    }
    records.write("throughput", {}, {"W2": engines}, tmp_path)
    row = f"| {table.WORKLOADS['W2']} | 500 | 200, JAX, a jitted step in a Python loop | 2.00 (2.00 to 3.00) |"
    shown = table.summary(tmp_path)
    assert row in shown and "eager" not in shown


def test_a_rival_that_is_faster_than_ours_is_shown(tmp_path):
    engines = {"plain": {"rates": [100.0]}, "jit(vmap)": {"rates": [125.0]}, "ModelBatch": {"rates": [50.0]}}
    records.write("throughput", {}, {"W4": engines}, tmp_path)
    assert "| 100 | 125, JAX `jit(vmap)` | 0.80 |" in table.summary(tmp_path)


def test_every_workload_and_engine_has_words(tmp_path):
    for workload in set(WORKLOADS) - {"tiny"}:
        assert table.WORKLOADS[workload]
        assert set(engines_of(workload, tmp_path)) <= {*table.OURS, *table.RIVALS}


def test_an_extrapolated_map_is_called_so(tmp_path):
    results = {"grokjax": [{"seconds": 50.0}], "peer": [{"seconds": 300.0, "is_extrapolated": True}]}
    records.write("whole_map", {}, results, tmp_path)
    assert "| peer, extrapolated | 300 | 6.0 |" in table.made_of(tmp_path)
    assert "50 s for grokjax, 300 s for peer, extrapolated" in table.summary(tmp_path)


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="needs a line"):
        table.with_table("no markers", "table")


def test_the_table_names_the_limit_of_a_roofline_and_leaves_out_what_was_only_counted(tmp_path):
    at_limits = {"arithmetic": 2e-6, "memory": 5e-6, "roofline": 5e-6}
    counted = {"sweep": "W2", "target": "cpu", "lanes": 1, "flops": 6e8, "bytes": 1e8}
    row = counted | {"target": "v5e", "lanes": 64, "matmul": "highest", "seconds": {"highest": at_limits}}
    gpu = row | {"target": "H200", "flops": None, "flops_by_hand": 5e8, "times_roofline": None}
    records.write("roofline", {}, {"rows": [counted, row | {"times_roofline": 1.44}, gpu]}, tmp_path)
    shown = table.made_of(tmp_path)
    assert "| W2 | v5e | 64 | 600.0 | 100.00 | 200,000 | memory | 1.4 times |" in shown
    assert "| W2 | H200 | 64 | 500.0 | 100.00 | 200,000 | memory | none |" in shown and "cpu |" not in shown
