"""Is the time of a step told apart from that of a call, whatever else the machine does, and are waves counted?"""

import random

import pytest

from grokjax.train.timing import Probe, busiest_pool, slope

CALL, UNIT = 4e-3, 1e-4


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
