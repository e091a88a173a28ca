"""Are orders numbered, queued and found once each, and made only when they are asked for?"""

import dataclasses

import numpy as np
import pytest

from grokjax.drive.starts import taken_first
from grokjax.orders.identity import run_id
from grokjax.orders.ledger import Ledger, StoredRun
from grokjax.orders.order import Grid, Order, Orders, Queue, grid_orders
from grokjax.reader.plans import SeedPlan
from grokjax.reader.run import Seeds
from grokjax.reader.sweep_file import load


@pytest.fixture
def two_grids(small):
    """Six orders of two points at three seeds, then three of three points at one."""
    one = load(small(axes={"optimizer.weight_decay": [0.1, 1]}))
    other = load(small(axes={"optimizer.learning_rate": [0.1, 0.2, 0.3]}))
    return Orders([Grid(one.points, SeedPlan((0, 4, 9))), Grid(other.points, SeedPlan((4,)))])


def test_orders_of_several_grids_are_numbered_through(two_grids):
    assert len(two_grids) == 9 and two_grids.num_cells == 5
    assert [order.number for order in two_grids] == list(range(9))
    assert [order.cell for order in two_grids] == [0, 0, 0, 1, 1, 1, 2, 3, 4]
    assert two_grids.cells_of(np.arange(9)).tolist() == [order.cell for order in two_grids]
    assert [two_grids.first_of(cell).number for cell in range(5)] == [0, 3, 6, 7, 8]
    assert [order.run.seeds.init for order in two_grids] == [0, 4, 9, 0, 4, 9, 4, 4, 4]
    assert [order.run.optimizer.weight_decay for order in two_grids][:6] == [0.1] * 3 + [1.0] * 3
    assert [order.run.optimizer.learning_rate for order in two_grids][6:] == [0.1, 0.2, 0.3]
    for number in (-1, 9):
        with pytest.raises(IndexError):
            two_grids[number]


def test_every_order_of_several_grids_has_one_turn_first_seeds_first(two_grids):
    turn = two_grids.in_turn().tolist()
    assert sorted(turn) == list(range(9))
    assert sorted(turn[:5]) == [0, 3, 6, 7, 8]


def test_an_order_makes_the_run_that_its_point_and_seed_say(small):
    sweep = load(small(axes={"optimizer.weight_decay": [0.1, 1]}, seeds=[3, 8]))
    order = grid_orders(sweep)[3]
    by_hand = dataclasses.replace(
        sweep.base,
        optimizer=dataclasses.replace(sweep.base.optimizer, weight_decay=1.0),
        seeds=Seeds(split=8, init=8, order=8, noise=8),
    )
    assert order.run == by_hand and order.run_id == run_id(by_hand)


def test_what_is_left_is_what_is_wanted_minus_what_is_done(two_grids):
    ledger = Ledger()
    ledger.note(two_grids[1].run_id, StoredRun("runs/1.npz", 0, 100, "budget"))
    ledger.note(two_grids[4].run_id, StoredRun("runs/1.npz", 1, 60, "budget"))
    ledger.note(two_grids[7].run_id, StoredRun("runs/2.npz", 0, 30, "grokked"))
    assert [order.number for order in ledger.left(two_grids, 100)] == [0, 2, 3, 4, 5, 6, 8]
    assert [order.number for order in ledger.left(two_grids, 60)] == [0, 2, 3, 5, 6, 8]
    ledger.forget("runs/1.npz")
    assert [order.number for order in ledger.left(two_grids, 60)] == [0, 1, 2, 3, 4, 5, 6, 8]


def test_the_ledger_keeps_the_longer_of_two_trainings_of_a_run():
    ledger = Ledger()
    for file, step in (("runs/1.npz", 50), ("runs/2.npz", 90), ("runs/3.npz", 70)):
        ledger.note("a", StoredRun(file, 0, step, "budget"))
    assert ledger["a"].file == "runs/2.npz"


def test_orders_that_were_in_a_lane_come_first_and_later_ones_are_not_made(two_grids, monkeypatch):
    identified = []
    plain = Order.run_id
    monkeypatch.setattr(Order, "run_id", property(lambda order: identified.append(order.number) or plain.func(order)))
    taken = {two_grids[5].run_id: "lane", two_grids[2].run_id: "lane"}
    identified.clear()
    orders = taken_first(iter(two_grids), taken)
    assert [next(orders).number for _ in range(3)] == [2, 5, 0]
    assert set(identified) == set(range(6))
    assert [order.number for order in orders] == [1, 3, 4, 6, 7, 8]


def test_a_queue_makes_one_order_ahead(two_grids):
    made = []
    queue = Queue(made.append(order.number) or order for order in two_grids)
    assert queue and made == [0]
    assert queue.take().number == 0 and made == [0, 1]
    for _ in range(8):
        queue.take()
    assert not queue
    with pytest.raises(IndexError):
        queue.take()


def test_a_run_that_two_grids_order_has_one_turn(small):
    decays = [load(small(axes={"optimizer.weight_decay": values})) for values in ([0.1, 1], [1, 10])]
    orders = Orders([Grid(sweep.points, SeedPlan((0, 4))) for sweep in decays])
    ids = [orders[int(number)].run_id for number in orders.in_turn()]
    assert len(ids) == len(set(ids)) == 6 and set(ids) == {order.run_id for order in orders}
