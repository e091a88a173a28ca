"""Are the answers those of the commands, and is the same content sent and made once?"""

import json
import os
import time

import numpy as np
import pytest

from grokjax.analysis.cell_values import cell_values
from grokjax.analysis.diagram import phase_diagram
from grokjax.analysis.rules import RULES
from grokjax.page import answers
from grokjax.report.pictures import notes_on
from grokjax.results.growing import GrowingResults
from grokjax.results.results import read_results
from grokjax.store.committed import read_spec
from grokjax.store.files import write_record
from grokjax.store.layout import Layout
from tests.page.tab import page_of
from tests.results.split_folder import SplitFolder
from tests.store.small_sweep import copied, typed

RATE, DECAY = "optimizer.learning_rate", "optimizer.weight_decay"


def test_the_diagram_is_that_of_the_analysis(tab, key, small):
    seen, wanted = tab.told("diagram", sweep=key), phase_diagram(read_results(small).runs, RATE, DECAY)
    assert (seen["x"]["name"], seen["y"]["name"]) == (RATE, DECAY)
    assert seen["x"]["values"] == wanted.x.tolist()
    assert seen["y"]["values"] == wanted.y.tolist()
    assert len(seen["cells"]) == np.count_nonzero(wanted.n)
    for cell in seen["cells"]:
        place = cell["y"], cell["x"]
        assert cell["phase"] == wanted.dominant[place]
        which = wanted.phases.index(cell["phase"])
        assert cell["counts"][cell["phase"]] == wanted.counts[place][which]
        assert (cell["low"], cell["high"]) == pytest.approx(
            (wanted.low[place][which], wanted.high[place][which]), abs=1e-4
        )


@pytest.mark.parametrize("rule", [*RULES, ""])
def test_phases_by_another_rule_are_those_of_the_command(tab, key, small, rule):
    results = read_results(small)
    runs = results.phases(rule or None)
    seen, wanted = tab.told("diagram", sweep=key, rule=rule), phase_diagram(runs, RATE, DECAY)
    assert seen["rules"] == list(RULES)
    assert seen["phases"] == runs.loc[~runs["is_repeat"], "phase"].value_counts().to_dict()
    for cell in seen["cells"]:
        counts = dict(zip(wanted.phases, wanted.counts[cell["y"], cell["x"]].tolist(), strict=True))
        assert cell["counts"] == {name: count for name, count in counts.items() if count}
    assert (rule or results.rule.name) in seen["remarks"][0]
    shown = tab.told("table", sweep=key, rule=rule)
    phases = {row[0]: row[shown["columns"].index("phase")] for row in shown["rows"]}
    assert phases == dict(zip(runs["run_id"], runs["phase"], strict=True))
    run = next(iter(phases))
    assert tab.told("run", sweep=key, rule=rule, run=run)["phase"] == phases[run]
    (curve,) = tab.told("curves", sweep=key, rule=rule, runs=run, measure="test/accuracy")["series"]
    assert curve["phase"] == phases[run]
    chosen = tab.told("table", sweep=key, rule=rule, where=f"phase = {phases[run]}")
    assert chosen["total"] == (runs["phase"] == phases[run]).sum()


def test_a_rule_that_there_is_not_is_refused_with_the_nearest(tab, key):
    answer = tab.ask("/api/diagram", {"sweep": key, "rule": "liu2020"})
    assert (answer.status, "liu2022" in answer.content["problem"]) == (400, True)


def test_any_two_axes_and_any_measure_may_be_drawn(tab, key, small):
    runs, colour = read_results(small).runs, "steps_to_fit"
    seen = tab.told("diagram", sweep=key, x=DECAY, y="seeds.split", colour=colour)
    assert (seen["x"]["name"], seen["y"]["name"]) == (DECAY, "seeds.split")
    for cell in seen["cells"]:
        decay, seed = seen["x"]["values"][cell["x"]], seen["y"]["values"][cell["y"]]
        steps = runs.loc[(runs[DECAY] == decay) & (runs["seeds.split"] == seed), colour].astype(float)
        median = float(np.median(steps.fillna(np.inf)))  # the runs that diverged never fit, which is later than all
        assert (cell["known"], cell["n"]) == (2, 2)
        assert cell["median"] == ("never" if median == np.inf else median)
    assert "never" in {cell["median"] for cell in seen["cells"]}


@pytest.mark.parametrize(("x", "y"), [(DECAY, RATE), (RATE, "seeds.split"), (DECAY, "seeds.split")])
def test_medians_are_those_of_the_figure(tab, key, small, x, y):
    words, seen = {np.inf: "never", -np.inf: "no fit"}, set()
    for colour in ("steps_to_fit", "steps_to_generalized", "train/accuracy"):
        wanted = cell_values(read_results(small).runs, colour, x, y)
        values = {
            (horizontal, vertical): words.get(wanted.median[row, column], wanted.median[row, column])
            for row, vertical in enumerate(wanted.y)
            for column, horizontal in enumerate(wanted.x)
        }
        told = tab.told("diagram", sweep=key, x=x, y=y, colour=colour)
        for cell in told["cells"]:
            place = told["x"]["values"][cell["x"]], told["y"]["values"][cell["y"]]
            assert cell["median"] == values.get(place)  # nothing where no run has a value
        seen |= {cell["median"] for cell in told["cells"]}
    assert "never" in seen
    assert len(seen) > 2


def test_the_filter_is_that_of_the_commands_and_filters_diagram_and_table(tab, key, small, capsys):
    where = "weight_decay > 0.5 and status = done"
    assert typed("table", small, "--where", where) == 0
    wanted = [line.split(",")[0] for line in capsys.readouterr().out.splitlines()[1:]]
    seen = tab.told("table", sweep=key, where=where)
    assert {row[0] for row in seen["rows"]} == set(wanted)
    assert seen["total"] == len(wanted)
    cells = tab.told("diagram", sweep=key, where=where)["cells"]
    assert sum(cell["n"] for cell in cells) == len(wanted)
    assert tab.told("diagram", sweep=key, where="task.modulus = 7")["cells"]  # a setting that all runs share
    assert tab.told("diagram", sweep=key, where="task.modulus = 8")["note"] == "The filter leaves no run."


@pytest.mark.parametrize(
    ("name", "query", "told"),
    [
        ("diagram", {"where": "weight_decai > 1"}, "weight_decay"),
        ("diagram", {"where": "=="}, "filter"),
        ("diagram", {"x": "nothing"}, "no column"),
        ("diagram", {"colour": "phase"}, "no column"),
        ("table", {"sort": "nothing"}, "no column"),
        ("table", {"cell": "[1]"}, "expected"),
        ("table", {"cell": "{"}, "Expecting"),
        ("run", {"run": "<b>"}, "there is no run <b>"),
        ("curves", {"measure": "run_id"}, "there is no measure run_id"),
        ("table", {"cell": '[["seeds.split", [1]]]'}, "expected"),
        ("table", {"cell": '[["seeds.split", {}]]'}, "expected"),
        ("curves", {"runs": "none", "measure": "test/accuracy"}, "there is no run none"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_in_words(tab, key, name, query, told):
    answer = tab.ask(f"/api/{name}", {"sweep": key, **query})
    assert answer.status == 400
    assert told in answer.content["problem"]


@pytest.mark.parametrize("sweep", ["", "none", "../small", "/etc/passwd"])
def test_a_sweep_is_looked_up_and_never_a_path(tab, sweep):
    answer = tab.ask("/api/diagram", {"sweep": sweep})
    assert (answer.status, answer.content["problem"]) == (400, "there is no such sweep")


def test_a_cell_has_its_seeds_and_each_its_curve(tab, key, small):
    diagram = tab.told("diagram", sweep=key)
    at = next(cell for cell in diagram["cells"] if cell["phase"] != "diverged")
    cell = [[RATE, diagram["x"]["values"][at["x"]]], [DECAY, diagram["y"]["values"][at["y"]]]]
    rows = tab.told("table", sweep=key, cell=json.dumps(cell))["rows"]
    runs = read_results(small).runs
    wanted = runs.loc[(runs[RATE] == cell[0][1]) & (runs[DECAY] == cell[1][1]), "run_id"].tolist()
    assert sorted(row[0] for row in rows) == sorted(wanted)
    curves = tab.told("curves", sweep=key, runs=",".join(wanted), measure="test/accuracy")
    looks = read_results(small).looks
    for run in curves["series"]:
        place = runs["run_id"].tolist().index(run["run_id"])
        np.testing.assert_allclose(run["values"], looks.accuracy("test")[place][: len(curves["steps"])])


def test_a_run_has_settings_measures_events_and_the_command_that_replays_it(tab, key, small):
    run_id = read_results(small).runs["run_id"][0]
    seen = tab.told("run", sweep=key, run=run_id)
    assert seen["commands"][0] == f"grokjax replay {small} {run_id}"
    assert ["task.modulus", "7"] in seen["settings"]
    assert dict(map(tuple, seen["measures"]))["status"] in ("done", "diverged")
    assert [event["event"] for event in seen["events"]] == ["ended"]


def test_the_table_is_sorted_by_any_column_page_by_page(tab, key, small, monkeypatch):
    monkeypatch.setattr("grokjax.page.runs.ROWS", 5)
    pages = [tab.told("table", sweep=key, sort="final_step", descending="true", first=first) for first in (0, 5, 10)]
    assert [len(page["rows"]) for page in pages] == [5, 5, 2]
    place = pages[0]["columns"].index("final_step")
    steps = [row[place] for page in pages for row in page["rows"]]
    assert steps == sorted(read_results(small).runs["final_step"], reverse=True)


def test_what_has_not_changed_is_neither_sent_nor_made_again(tab, key, monkeypatch):
    made = []
    monkeypatch.setattr(answers, "diagram_json", lambda *given: made.append(given) or {"cells": []})
    question = "/api/diagram", {"sweep": key, "where": "final_step >= 0"}
    first = tab.ask(*question)
    again = tab.ask(*question, {"If-None-Match": first.headers["etag"]})
    assert (again.status, again.text) == (304, "")
    assert len(made) == 1
    state = tab.ask("/api/state")
    assert tab.ask("/api/state", None, {"If-None-Match": state.headers["etag"]}).status == 304


def test_a_commit_shows_and_so_does_what_is_left(small, tmp_path):
    folder = SplitFolder(small, tmp_path / "split")
    folder.commit(3)
    folder.tell(stage="training", running=2, run_steps_per_second=10.0, seconds_left=60.0)
    with page_of(folder.root) as tab:
        before = tab.told("state")["sweeps"][0]
        assert (before["done"], before["running"], before["queued"], before["total"]) == (3, 2, 7, 12)
        assert (before["rate"], before["seconds_left"]) == (10.0, 60.0)
        assert sum(cell["n"] for cell in tab.told("diagram", sweep=before["key"])["cells"]) == 3
        folder.commit(5)
        tab.folders.refresh()
        after = tab.told("state")["sweeps"][0]
        assert after["version"] != before["version"]
        assert sum(cell["n"] for cell in tab.told("diagram", sweep=before["key"])["cells"]) == 8


def test_what_a_killed_start_said_last_is_no_longer_shown(small, tmp_path):
    folder = SplitFolder(small, tmp_path / "split")
    folder.commit(3)
    folder.tell(stage="training", running=2, run_steps_per_second=10.0, seconds_left=60.0)
    live = Layout(folder.root).live
    os.utime(live, (time.time() - 61,) * 2)
    with page_of(folder.root) as tab:
        seen = tab.told("state")["sweeps"][0]
        assert seen["is_quiet"]
        assert (seen["rate"], seen["seconds_left"], seen["running"], seen["queued"]) == (None, None, 0, 9)
        assert seen["written"] == live.stat().st_mtime
        os.utime(live)
        tab.folders.refresh()
        seen = tab.told("state")["sweeps"][0]
        assert (seen["is_quiet"], seen["rate"], seen["running"]) == (False, 10.0, 2)


def test_a_folder_in_another_spelling_is_the_same_folder(small, tmp_path):
    (tmp_path / "link").symlink_to(small)
    with page_of(small, tmp_path / "link", small / ".." / small.name) as tab:
        assert [sweep["folder"] for sweep in tab.told("state")["sweeps"]] == [str(small)]


@pytest.mark.parametrize("name", ["live.json", "HEAD.json", "live.npz", "runs/000002.npz", "events.jsonl"])
def test_a_pipe_in_the_place_of_a_file_holds_up_no_folder(small, tmp_path, name):
    folder = SplitFolder(small, tmp_path / "a")
    folder.commit(2)
    SplitFolder(small, tmp_path / "b").commit(1)
    path = folder.root / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with page_of(tmp_path) as tab:
        first, second = tab.told("state")["sweeps"]
        assert second["done"] == 1
        assert first["done"] == 2 if name == "live.json" else f"{path} is no regular file" in first["problem"]


def test_an_unfinished_diagram_says_so_and_runs_in_a_lane_are_in_no_median(small, tmp_path):
    folder = SplitFolder(small, tmp_path / "split")
    folder.left.sort(key=lambda run: run["stop_reason"][0] == "diverged")  # those are not looked at three times
    folder.commit(3)
    folder.hold(2, looks=3)
    with page_of(folder.root) as tab:
        key = tab.told("state")["sweeps"][0]["key"]
        assert tab.told("diagram", sweep=key)["warning"] == "PARTIAL: 3 of 12 runs finished"
        seen = tab.told("diagram", sweep=key, colour="steps_to_fit", x="run_id")
        assert sum(cell["known"] for cell in seen["cells"]) == 3
        assert sum(cell["n"] for cell in seen["cells"]) == 5
        assert "2 runs that are still trained are in no median." in seen["remarks"]
        folder.commit(9)
        tab.folders.refresh()
        assert tab.told("diagram", sweep=key)["warning"] == ""


def test_the_notes_are_those_of_the_figure(small, tmp_path):
    folder = SplitFolder(small, tmp_path / "split")
    spec = read_spec(folder.root)
    write_record(folder.root / "spec.json", {**spec, "stop": {"steps": 10, "ratio": 0.0, "at": 0.1}})
    for run in folder.left:
        run["is_audited"] = np.ones(1, bool)
    with page_of(folder.root) as tab:
        for count in (5, 7):  # of which the histories are read one after the other
            folder.commit(count)
            tab.folders.refresh()
        key = tab.told("state")["sweeps"][0]["key"]
        results = read_results(folder.root)
        wanted = notes_on(results, results.runs, results.rule)
        assert "the stop rule would have ended, trained on all the same" in wanted[0]
        assert tab.told("diagram", sweep=key)["remarks"][-len(wanted) :] == wanted


def test_the_sweeps_of_a_folder_stand_side_by_side_and_new_ones_join(small, tmp_path):
    copied(small, tmp_path)
    with page_of(tmp_path) as tab:
        assert [sweep["name"] for sweep in tab.told("state")["sweeps"]] == ["small"]
        SplitFolder(small, tmp_path / "second").commit(1)
        tab.folders.refresh()
        assert [sweep["done"] for sweep in tab.told("state")["sweeps"]] == [12, 1]


def test_a_folder_without_a_sweep_is_told_and_waited_for(small, tmp_path):
    with page_of(tmp_path / "later") as tab:
        assert "holds no sweep" in tab.told("state")["sweeps"][0]["problem"]
        SplitFolder(small, tmp_path / "later").commit(2)
        tab.folders.refresh()
        assert tab.told("state")["sweeps"][0]["done"] == 2


def test_runs_that_tuned_an_arm_are_pooled_in_no_diagram(small, tmp_path):
    folder = SplitFolder(small, tmp_path / "arms")
    spec = read_spec(folder.root)
    write_record(folder.root / "spec.json", {**spec, "yaml": spec["yaml"] + "compare: {}\n"})
    folder.commit(3)
    with page_of(folder.root) as tab:
        key = tab.told("state")["sweeps"][0]["key"]
        answer = tab.told("diagram", sweep=key)
        assert (answer["command"], answer["text"]) == (f"grokjax compare {folder.root}", "")
        assert "compares arms" in answer["note"] and "cells" not in answer
        assert tab.told("table", sweep=key)["total"] == 3


def test_code_that_a_sweep_of_arms_names_is_not_imported_by_the_page(small, tmp_path):
    (tmp_path / "net.py").write_text("from pathlib import Path\nPath(__file__).with_name('imported').touch()\n")
    folder = SplitFolder(small, tmp_path / "arms")
    spec = read_spec(folder.root)
    yaml = spec["yaml"].replace("kind: mlp", f'kind: "{tmp_path}/net.py:Net"') + "compare: {arms: {a: {}, b: {}}}\n"
    assert "net.py" in yaml
    write_record(folder.root / "spec.json", {**spec, "yaml": yaml})
    folder.commit(1)
    with page_of(folder.root) as tab:
        answer = tab.told("diagram", sweep=tab.told("state")["sweeps"][0]["key"])
        assert "the page does not read" in answer["note"]
    assert not (tmp_path / "imported").exists()
    assert typed("compare", folder.root) != 0
    assert (tmp_path / "imported").exists()  # so the page's refusal is what held it back


def test_a_folder_that_cannot_be_read_hides_no_other(small, tmp_path, monkeypatch):
    SplitFolder(small, tmp_path / "a").commit(1)
    SplitFolder(small, tmp_path / "b").commit(2)
    refresh = GrowingResults.refresh
    refused = ValueError("strange")

    def fails_for_a(results):
        if results.root.name == "a":
            raise refused
        return refresh(results)

    monkeypatch.setattr(GrowingResults, "refresh", fails_for_a)
    with page_of(tmp_path) as tab:
        first, second = tab.told("state")["sweeps"]
        assert first["problem"] == "cannot be read: strange"
        assert second["done"] == 2
