"""Does the form say of a sweep what the command line says, and does it touch nothing that a text names?"""

import json
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from grokjax.core.catalogue import catalogue
from grokjax.page.builder import Checker
from grokjax.page.parts import OFFERED, catalogue_json
from grokjax.reader.sweep_file import load
from tests.page.tab import page_of
from tests.store.small_sweep import SMALL, typed

FORM = {
    "name": "small",
    "task": {"kind": "modular_arithmetic", "settings": {"operation": "x+y", "modulus": "7", "train_fraction": ""}},
    "model": {"kind": "mlp", "settings": {"activation": "square", "width": "16"}},
    "optimizer": {"kind": "adamw", "settings": {"learning_rate": "1e-2"}},
    "loss": {"kind": "mse", "settings": {}},
    "regularizers": [],
    "steps": "100",
    "minibatch": "",
    "axes": [
        {"path": "optimizer.learning_rate", "form": "list", "values": "1e-2, 1e30"},
        {"path": "optimizer.weight_decay", "form": "log", "values": "0.1, 10, 3"},
        {"path": "", "form": "list", "values": ""},
    ],
    "seeds": "2",
    "measures": ["fit", "weight_norm"],
}


@pytest.fixture(scope="module")
def tab():
    """The form alone: nobody who has no results yet has a folder."""
    with page_of() as tab:
        yield tab


def test_the_form_writes_the_sweep_that_was_meant(tab, tmp_path):
    answer = tab.check(form=FORM)
    assert answer["problems"] == []
    (tmp_path / "form.yaml").write_text(answer["yaml"])
    (tmp_path / "file.yaml").write_text(SMALL)
    written, meant = load(tmp_path / "form.yaml"), load(tmp_path / "file.yaml")
    assert written.base == meant.base
    assert (written.axes, written.seeds, written.steps) == (meant.axes, meant.seeds, meant.steps)
    assert written.measure.what == meant.measure.what


def test_the_plan_is_that_of_the_command_line(tab, tmp_path, capsys):
    (tmp_path / "sweep.yaml").write_text(SMALL)
    assert typed("plan", tmp_path / "sweep.yaml", "--no-probe", "--json", "--device", "cpu") == 0
    wanted = json.loads(capsys.readouterr().out)
    seen = tab.check(yaml=SMALL)["plan"]
    same = ("name", "runs", "cells", "seeds", "steps", "memory_bytes_per_run", "disk_bytes")
    assert {name: seen[name] for name in same} == {name: wanted[name] for name in same}
    assert seen["num_cohorts"] == len(wanted["cohorts"])
    assert [axis["count"] for axis in seen["axes"]] == [2, 3]


@pytest.mark.slow  # its programs are compiled
def test_a_plan_is_timed_when_that_is_asked_for(tab, monkeypatch):
    monkeypatch.setattr("grokjax.page.builder.SECONDS", 300)  # the machine may be busy
    plan = tab.check(yaml=SMALL)["plan"]
    assert plan.pop("time") is None
    timed = tab.check(yaml=SMALL, time=True)["plan"]
    words = timed.pop("time")
    assert timed == plan
    assert "if every run goes to its last step" in words and "on the CPU of this machine" in words


def test_a_plan_that_takes_too_long_to_be_timed_comes_without_its_time(tab, monkeypatch):
    plan = tab.check(yaml=SMALL)["plan"]
    answered = Checker._answer

    def at_once(checker, text, is_timed):
        monkeypatch.setattr("grokjax.page.builder.SECONDS", 0.01 if is_timed else 60)
        return answered(checker, text, is_timed)

    monkeypatch.setattr(Checker, "_answer", at_once)
    untimed = tab.check(yaml=SMALL, time=True)
    assert untimed["problems"] == []
    assert untimed["plan"]["time"].startswith("not timed within")
    assert {**untimed["plan"], "time": None} == plan


UNDECIDED = "claims: [{name: a, that: probability(generalized, optimizer.b1=1) > 0.5}]\n"
BAD = {
    "an unknown key": SMALL.replace("seeds: 2", "seedz: 2"),
    "several at once": SMALL.replace("modulus: 7", "modulus: 1").replace("width: 16", "width: wide"),
    "an axis that is none": SMALL.replace("optimizer.weight_decay: {log", "optimizer.weight_decai: {log"),
    "equal values": SMALL.replace("[1.0e-2, 1.0e+30]", "[1.0e-2, 0.01]"),
    "equal runs": SMALL.replace("optimizer.learning_rate: [1.0e-2, 1.0e+30]", "model.embedding: [8, 9]"),
    "no YAML": "name: [",
    "two documents": SMALL + "---\nname: b\n",
    "nothing": "",
    "a tag": "name: !!python/object:os.system x\n",
    "a claim that no run decides": SMALL + UNDECIDED,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_problems_are_those_of_the_command_line(tab, tmp_path, capsys, text):
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    assert typed("plan", path, "--no-probe") == 2
    wanted = capsys.readouterr().err.removeprefix("grokjax: error: ").splitlines()
    answer = tab.check(yaml=text)
    assert answer["plan"] is None
    lines = [f"{path}{':' + str(one['line']) if one['line'] else ''}: {one['text']}" for one in answer["problems"]]
    assert "\n".join(lines).splitlines() == wanted


OWN = """
from pathlib import Path
import flax.linen as nn

Path(__file__).with_name("imported").touch()


class Net(nn.Module):
    @nn.compact
    def __call__(self, inputs):
        return nn.Dense(7)(inputs.reshape(inputs.shape[0], -1).astype("float32"))
"""
MODEL = "model: {kind: mlp, activation: square, width: 16}"


def test_a_strangers_code_is_refused_and_never_imported(tab, tmp_path):
    (tmp_path / "net.py").write_text(OWN)
    kind = f'"{tmp_path}/net.py:Net"'
    texts = [
        SMALL.replace(MODEL, f"model: {kind}"),
        SMALL.replace(MODEL, f"model: {{kind: {kind}}}"),
        SMALL.replace("axes:\n", f"axes:\n  model: [{kind}, mlp]\n"),
        SMALL.replace("axes:\n", f"axes:\n  model: {{mine: {{kind: {kind}}}, ours: mlp}}\n"),
        SMALL.replace("what: [fit, weight_norm]", f"what: [fit, {kind}]"),
        SMALL + f"regularizers: [{kind}]\n",
        SMALL.replace(MODEL, 'model: "antigravity:fly"'),
    ]
    for text in texts:
        told = tab.check(yaml=text)
        assert told["plan"] is None
        assert any("code of somebody's own" in problem["text"] for problem in told["problems"]), text
    assert not (tmp_path / "imported").exists()
    (tmp_path / "sweep.yaml").write_text(texts[0])
    assert typed("plan", tmp_path / "sweep.yaml", "--no-probe") == 0
    assert (tmp_path / "imported").exists()  # so the page's refusal is what held it back


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("from: DIR/other.yaml\nname: a\n", "another file"),
        (SMALL.replace("task: {", "task: {kind: arrays, path: DIR/data.npz}\nnotes: {"), "a file of data"),
        (SMALL + "init: {from: DIR/small#0123456789abcdef, step: 3}\n", "a stored run"),
    ],
)
def test_no_file_that_a_text_names_is_opened(tab, tmp_path, text, told):
    for name in ("other.yaml", "data.npz"):
        (tmp_path / name).mkdir()  # to open one would be another message
    problems = tab.check(yaml=text.replace("DIR", str(tmp_path)))["problems"]
    assert any(told in problem["text"] for problem in problems), problems


def test_a_field_that_is_no_value_is_told_by_its_key(tab):
    axes = [{"path": "task.modulus", "form": "list", "values": "5, {"}, *FORM["axes"][:1] * 2]
    answer = tab.check(form={**FORM, "steps": "{1", "axes": axes})
    assert answer["yaml"] is None
    keys = [problem["key"] for problem in answer["problems"]]
    assert keys == ["train.steps", "axes.task.modulus", "axes.optimizer.learning_rate"]


def test_values_of_an_axis_without_a_setting_are_not_dropped(tab):
    answer = tab.check(form={**FORM, "axes": [*FORM["axes"], {"path": "", "form": "list", "values": "5, 7"}]})
    assert answer["yaml"] is None
    assert [(problem["key"], "5, 7" in problem["text"]) for problem in answer["problems"]] == [("axes", True)]


@pytest.mark.parametrize("asked", [{}, {"form": 3}, {"form": {"axes": 3}}, {"yaml": 3}, {"form": {"task": "mlp"}}, [1]])
def test_what_is_no_form_is_refused(tab, asked):
    answer = tab.ask("/api/check", None, {"Origin": tab.address}, "POST", asked)
    assert answer.status == 400
    assert answer.content["problem"]


def test_a_check_that_takes_long_holds_up_nothing_else(tab, monkeypatch):
    is_checking, may_end = threading.Event(), threading.Event()

    def checks_for_long(*_):
        is_checking.set()
        may_end.wait(60)
        return {"problems": [], "plan": None}

    monkeypatch.setattr(Checker, "_answer", checks_for_long)

    def ask(_):
        return tab.ask("/api/check", None, {"Origin": tab.address}, "POST", {"yaml": SMALL}).status

    with ThreadPoolExecutor(51) as pool:
        first = pool.submit(ask, 0)
        assert is_checking.wait(60)
        others = [pool.submit(ask, number) for number in range(50)]  # more than the server has threads
        try:
            assert [other.result(30) for other in others] == [202] * 50
            assert tab.told("state") == {"sweeps": []}
        finally:
            may_end.set()
        assert first.result() == 200


def test_a_text_that_is_too_long_is_refused_before_it_is_read(tab):
    answer = tab.ask("/api/check", None, {"Origin": tab.address}, "POST", {"yaml": "a" * 600_000})
    assert answer.status == 413


def test_the_catalogue_of_the_form_is_that_of_the_package(tab):
    shown = tab.told("catalogue")
    assert shown == catalogue_json()
    for folder in OFFERED:
        parts = catalogue(folder)
        assert [part["kind"] for part in shown[folder]] == list(parts)
        assert [part["paper"] for part in shown[folder]] == [cls.paper for cls in parts.values()]
        for part in shown[folder]:
            assert {setting["name"] for setting in part["settings"]} == set(parts[part["kind"]].__dataclass_fields__)


def test_nothing_is_left_behind_by_a_check(tab, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tab.check(yaml=SMALL)
    assert list(Path(tmp_path).iterdir()) == []


def test_a_check_that_takes_too_long_is_ended_and_leaves_nothing(tab, tmp_path, monkeypatch):
    tab.check(yaml=SMALL)
    monkeypatch.setattr("grokjax.page.builder.SECONDS", 0.5)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    checking = {process.pid for process in multiprocessing.active_children()}
    answer = tab.check(yaml=SMALL.replace("width: 16", "width: 16, depth: 100000"))
    assert [problem["text"].partition(";")[0] for problem in answer["problems"]] == ["the check was ended after 0.5 s"]
    ended = checking - {process.pid for process in multiprocessing.active_children()}
    assert len(ended) == 1  # those of other pages that were closed may still be there
    assert list(tmp_path.iterdir()) == []
