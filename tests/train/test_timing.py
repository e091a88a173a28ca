"""Is the time of a step told apart from that of a call, whatever else the machine does, and are waves counted?"""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from grokjax.train import cpu_share
from grokjax.train.cpu_share import thread_times
from grokjax.train.timing import Probe, busiest_pool, slope

CALL, UNIT = 4e-3, 1e-4
ROOT = Path(__file__).parents[2]


class Machine:
    """Calls on a clock of its own: each takes a fixed time and a time a unit; other work may delay any but some."""

    def __init__(self, call=CALL, unit=UNIT, delay=0.0):
        self.call, self.unit, self.delay = call, unit, delay
        self.clock, self.calls = 0.0, []
        self._chance = random.Random(0)

    def seconds_of(self, units):
        began = self.clock
        busy = self.delay * self._chance.random() if len(self.calls) % 2 else 0.0
        self.clock += self.call + units * self.unit + busy
        self.calls.append(units)
        return self.clock - began


@pytest.mark.parametrize("unit", [1e-6, 1e-4, 1e-2, 10.0])
@pytest.mark.parametrize("call", [0.0, 4e-3, 0.5])
def test_what_a_call_costs_is_not_in_the_time_of_a_unit(call, unit):
    machine = Machine(call, unit)
    at_least = max(0.1, 2 * call)
    assert slope(machine.seconds_of, at_least) == pytest.approx(unit, rel=1e-6)


def test_a_call_that_is_delayed_is_not_taken_for_a_slow_unit():
    machine = Machine(delay=5.0)
    assert slope(machine.seconds_of, 0.1) == pytest.approx(UNIT, rel=0.01)


def test_one_unit_is_timed_where_there_are_no_more():
    machine = Machine()
    assert slope(machine.seconds_of, 0.1, most=1) == pytest.approx(UNIT, rel=1e-6)
    assert set(machine.calls) == {0, 1}


def test_timing_takes_a_few_times_what_is_asked_for():
    machine = Machine(call=1e-4, unit=1e-5)
    slope(machine.seconds_of, 0.1)
    assert 0.1 < machine.clock < 1.0


def test_a_call_that_takes_minutes_is_repeated_once():
    machine = Machine(call=0.0, unit=120.0)
    slope(machine.seconds_of, 0.1)
    assert machine.calls == [1, 1, 0]


def test_a_run_takes_its_steps_looks_and_rows_and_a_place_in_a_lane():
    assert Probe(step=1e-3, look=1e-2, row=0.1, run=5.0).of_run(1000, 100, 10) == pytest.approx(5 + 1 + 1 + 1)


def filled(runs, pools, lanes, is_walked):
    """Time of the busiest pool, played: lanes are filled pool by pool, and a pool begins again when all have ended."""
    busy, queue = [0] * pools, runs
    while queue:
        for pool in range(pools):
            taken = min(lanes, queue)
            queue -= taken
            busy[pool] += taken if is_walked else lanes * bool(taken)
    return max(busy)


@pytest.mark.parametrize("is_walked", [True, False])
@pytest.mark.parametrize("pools", [1, 2, 3])
@pytest.mark.parametrize("lanes", [1, 4])
def test_the_busiest_pool_has_the_runs_that_playing_it_gives(pools, lanes, is_walked):
    for runs in range(30):
        assert busiest_pool(runs, pools, lanes, is_walked) == filled(runs, pools, lanes, is_walked)


SHARE = """
import json, os, subprocess, sys, time
from grokjax.train.cpu_share import CpuShare
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
other = subprocess.Popen([sys.executable, "-c", "while True: pass"])  # on the same core
share, cpu, began = CpuShare(1), time.process_time(), time.perf_counter()
while time.perf_counter() - began < 0.5:
    pass
told = share.now(), (time.process_time() - cpu) / (time.perf_counter() - began)
other.kill()
other.wait()
print(json.dumps(told))
"""


@pytest.mark.skipif(not thread_times(), reason="the system does not say how long threads wait")
def test_a_process_that_shares_its_core_is_told_its_part():
    done = subprocess.run([sys.executable, "-c", SHARE], cwd=ROOT, capture_output=True, text=True, check=True)
    share, cpu_of_wall = json.loads(done.stdout)
    assert share == pytest.approx(cpu_of_wall, abs=0.15) and share < 0.75


@pytest.mark.parametrize(
    ("ran", "waited", "cores", "share"),
    [
        (1.0, 1.0, 2, 0.5),  # of two seconds on two cores
        (0.4, 0.0, 2, 1.0),  # most of the time no core was asked for
        (2.0, 2.0, 1, 1.0),  # two threads took turns on the only core
    ],
)
def test_only_waiting_for_cores_that_others_have_lowers_the_share(ran, waited, cores, share, monkeypatch, tmp_path):
    monkeypatch.setattr(cpu_share, "_THREADS", tmp_path)
    clock = iter([10.0, 12.0])
    monkeypatch.setattr(cpu_share.time, "perf_counter", lambda: next(clock))
    (tmp_path / "7").mkdir()
    (tmp_path / "7/schedstat").write_text("5000000000 3000000000 12\n")
    watched = cpu_share.CpuShare(cores)
    (tmp_path / "7/schedstat").write_text(f"{5e9 + ran * 1e9:.0f} {3e9 + waited * 1e9:.0f} 20\n")
    assert watched.now() == pytest.approx(share)


def test_where_nobody_says_how_long_threads_wait_there_is_no_share(monkeypatch, tmp_path):
    monkeypatch.setattr(cpu_share, "_THREADS", tmp_path)
    assert thread_times() == {} and cpu_share.CpuShare(2).now() is None


FORECASTS = """
import json, os, subprocess, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
from grokjax.drive.preparation import forecast
from grokjax.reader.sweep_file import sweep_from_mapping
sweep = sweep_from_mapping({
    "name": "timed", "task": {"kind": "modular_arithmetic", "modulus": 23}, "model": {"kind": "mlp", "width": 64},
    "optimizer": {"kind": "adamw"}, "train": {"steps": 1000}, "seeds": 2})
told = []
for busy in (0, 4):
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        plan = forecast(sweep, "cpu")
    finally:
        for other in others:
            other.kill()
            other.wait()
    told.append((plan.forecast_seconds, plan.cpu_share))
print(json.dumps(told))
"""


@pytest.mark.slow
@pytest.mark.skipif(not thread_times(), reason="the system does not say how long threads wait")
def test_four_busy_processes_on_the_same_core_do_not_double_a_forecast():
    done = subprocess.run([sys.executable, "-c", FORECASTS], cwd=ROOT, capture_output=True, text=True, check=True)
    (quiet, _), (busy, share) = json.loads(done.stdout)
    assert share < 0.5 and quiet / 2 < busy < 2 * quiet
