"""Does the page start a sweep only where it may, only one that was checked, and does it leave it alone afterwards?"""

import os
import signal
import subprocess
import time

import pytest

from grokjax import open_results
from grokjax.page.starting import Started
from tests.page.tab import page_of
from tests.store.small_sweep import SMALL, small

__all__ = ["small"]
MODEL = "model: {kind: mlp, activation: square, width: 16}"
SHORT = SMALL.replace("seeds: 2", "seeds: 1").replace("[1.0e-2, 1.0e+30]", "[1.0e-2]")
LONG = SMALL.replace("steps: 100", "steps: 1000000")


@pytest.fixture(scope="module")
def willing(tmp_path_factory):
    """A page that may start sweeps, of which those that ask it expect none to be started."""
    folder = tmp_path_factory.mktemp("willing")
    with page_of(folder, may_start=True) as tab:
        yield tab, folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def tab(tmp_path):
    """A page that may start sweeps, each in a folder of this one; what runs at the end is ended."""
    with page_of(tmp_path, may_start=True) as tab:
        yield tab
        for started in tab.told("started")["started"]:
            if started["status"] is None:
                tab.send("stop", name=started["name"])
                ended(tab)


def ended(tab, patience=300):
    """What is told of the one sweep that was started, once it has ended."""
    until = time.monotonic() + patience
    while (started := tab.told("started")["started"][0])["status"] is None and time.monotonic() < until:
        time.sleep(0.2)
    return started


def trains(tab, patience=300):
    """Wait until the one sweep is shown and trains."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        tab.folders.refresh()
        if any(sweep.get("stage") == "training" for sweep in tab.told("state")["sweeps"]):
            return True
        time.sleep(0.2)
    return False


def test_without_the_option_nothing_is_started_and_the_answer_says_how(tmp_path):
    with page_of(tmp_path) as tab:
        assert tab.told("started") == {"may_start": False, "started": []}
        for name, asked in (("start", {"yaml": SHORT}), ("stop", {"name": "small"})):
            answer = tab.send(name, **asked)
            assert (answer.status, "--allow-start" in answer.content["problem"]) == (403, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SHORT.replace(MODEL, 'model: "./net.py:Net"'), "code of somebody's own"),
        (SHORT.replace("axes:\n", 'axes:\n  model: ["antigravity:fly", mlp]\n'), "code of somebody's own"),
        (SHORT + 'regularizers: ["./net.py:Net"]\n', "code of somebody's own"),
        ("from: other.yaml\nname: a\n", "another file"),
        (SHORT.replace("name: small", "name: ../small"), "name"),
        (SHORT.replace("modulus: 7", "modulus: 1"), "task.modulus"),
        ("", "is empty"),
    ],
)
def test_a_text_that_the_check_refuses_is_not_started(willing, text, told):
    tab, folder = willing
    answer = tab.send("start", yaml=text)
    assert answer.status == 409
    assert told in answer.content["problem"]
    assert tab.told("started")["started"] == []
    assert list(folder.iterdir()) == []


def test_another_sweep_that_has_the_name_is_left_alone(willing):
    tab, folder = willing
    (folder / "small").mkdir()
    answer = tab.send("start", yaml=SHORT)
    assert (answer.status, "choose another name" in answer.content["problem"]) == (409, True)
    (folder / "small").rmdir()
    (folder / "small.yaml").write_text("name: small\n")
    assert tab.send("start", yaml=SHORT).status == 409
    assert (folder / "small.yaml").read_text() == "name: small\n"
    assert [path.name for path in folder.iterdir()] == ["small.yaml"]
    (folder / "small.yaml").unlink()


@pytest.mark.parametrize("asked", [{}, {"yaml": 3}, {"yaml": None}, {"yaml": {"name": "a"}}])
def test_what_is_no_text_is_not_started(willing, asked):
    assert willing[0].send("start", **asked).status == 400


def test_new_sweeps_lie_beside_those_that_are_shown(small, tmp_path):
    for typed, place in (([small], small.parent), ([tmp_path], tmp_path)):
        with page_of(*typed) as tab:
            assert tab.folders.place() == place
    with page_of() as tab:
        assert str(tab.folders.place()) == "results"


@pytest.mark.slow  # a sweep is trained
def test_a_sweep_that_is_started_is_trained_and_shown(tab, tmp_path):
    assert tab.send("start", yaml=SHORT).status == 200
    started = ended(tab)
    assert (started["status"], started["meaning"]) == (0, "done"), started
    assert started["command"] == f"grokjax run {tmp_path}/small.yaml --out {tmp_path}/small"
    assert any("3/3 done" in line for line in started["lines"]), started["lines"]
    assert (tmp_path / "small.yaml").read_text() == SHORT
    tab.folders.refresh()
    assert [(sweep["name"], sweep["done"]) for sweep in tab.told("state")["sweeps"]] == [("small", 3)]
    assert len(open_results(tmp_path / "small").runs) == 3
    assert tab.send("start", yaml=SHORT).status == 200  # the same text goes on, and here nothing is left to do
    assert ended(tab)["status"] == 0


@pytest.mark.slow  # a sweep is trained
def test_one_sweep_trains_in_a_folder_at_a_time_and_stops_when_it_is_told(tab):
    assert tab.send("start", yaml=LONG).status == 200
    refused = tab.send("start", yaml=LONG)
    assert (refused.status, "is being trained already" in refused.content["problem"]) == (409, True)
    assert tab.send("stop", name="other").status == 409
    assert trains(tab)
    assert tab.send("stop", name="small").status == 200
    started = ended(tab)
    assert (started["status"], started["meaning"]) == (75, "stopped; starting it again goes on"), started
    assert tab.send("stop", name="small").status == 409


@pytest.mark.slow  # a sweep is trained
def test_training_goes_on_when_the_page_ends(tmp_path):
    with page_of(tmp_path, may_start=True) as tab:
        assert tab.send("start", yaml=LONG).status == 200
        assert trains(tab)
        (process,) = [started.process for started in tab.starter.started()]
    assert os.getsid(process.pid) == process.pid  # no Ctrl-C of the page's terminal reaches it
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(300) == 75


def test_a_log_that_is_no_plain_file_is_refused_and_nothing_is_started(tab, tmp_path):
    os.mkfifo(tmp_path / "small.log")
    answer = tab.send("start", yaml=SHORT)
    assert (answer.status, "small.log is there already" in answer.content["problem"]) == (409, True)
    assert tab.told("started")["started"] == []


def test_what_was_started_is_told_also_when_its_log_is_gone(tmp_path):
    process = subprocess.Popen(["true"])
    process.wait()
    told = Started("small", ("run", "small.yaml"), process, tmp_path / "gone.log").to_json()
    assert (told["status"], told["meaning"], told["lines"]) == (0, "done", [])
