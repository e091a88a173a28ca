"""What a finished run leaves behind, as plain arrays: its history, and the weights from which it could be continued."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from grokjax.analysis.stop_conditions import StopCondition, held_since
from grokjax.core.parameter_paths import path_name
from grokjax.orders.order import Order
from grokjax.reader.run import Run
from grokjax.reader.stop_plan import UNSEEN, StopRule, stop_rules
from grokjax.store.files import Arrays, as_cell
from grokjax.train.look_names import look_names, unpack
from grokjax.train.program import Lane, Memorized
from grokjax.train.stop_rules import FEW_NOVEL

BUDGET, GROKKED, STOPPED, DIVERGED = "budget", "grokked", "stopped", "diverged"


def stop_reason(lane: Lane, budget: int) -> str:
    """Why a run ended: its budget, generalization or another condition of the stop rule, or a non-finite update."""
    if lane.book.diverged_at >= 0:
        return DIVERGED
    if lane.state.step >= budget:
        return BUDGET
    return GROKKED if lane.book.since[0] >= 0 else STOPPED


def pack_history(
    run_ids: Sequence[str],
    lanes: Sequence[Lane],
    settings: Sequence[Mapping[str, Any]],
    budget: int,
    cohort: int,
    runs: Sequence[Run] | None = None,
) -> Arrays:
    """Histories of runs of one cohort; leading axis [run].

    Args:
      settings: what tells the runs apart, by dotted path: axes, seeds.
      runs: what was trained in each lane; None where nobody will ask for label noise or minibatches.
    """
    books, trained = [lane.book for lane in lanes], [None] * len(lanes) if runs is None else runs
    arrays: Arrays = {
        "run_id": np.array(run_ids),
        "cohort": np.full(len(lanes), cohort, np.int32),
        "budget": np.full(len(lanes), budget, np.int64),
        "final_step": np.array([lane.state.step for lane in lanes], np.int64),
        "stop_reason": np.array([stop_reason(lane, budget) for lane in lanes]),
        "diverged_at": np.array([book.diverged_at for book in books], np.int64),
        "label_noise": np.array(
            [np.nan if run is None else run.task.stated_label_noise() for run in trained], np.float64
        ),
        "minibatch": np.array([_minibatch(run, lane) for run, lane in zip(trained, lanes, strict=True)], np.int64),
        "steps_per_epoch": np.array([-(-lane.data.n_train // lane.data.minibatch) for lane in lanes], np.int64),
        "is_audited": np.array([book.is_audited for book in books], bool),
        "look_step": _blank_tail([book.look_steps for book in books], [book.num_looks for book in books]),
        "row_step": _blank_tail([book.row_steps for book in books], [book.num_rows for book in books]),
    }
    for path in settings[0]:
        arrays[f"settings/{path}"] = np.array([as_cell(one[path]) for one in settings])
    looks = {kind: np.stack([book.looks[kind] for book in books]) for kind in books[0].looks}
    arrays |= {f"looks/{name}": np.ascontiguousarray(values) for name, values in unpack(looks).items()}
    arrays |= {f"rows/{name}": np.stack([book.rows[name] for book in books]) for name in books[0].rows}
    return arrays


def pack_orders(orders: Sequence[Order], lanes: Sequence[Lane], budget: int, cohort: int) -> Arrays:
    """`pack_history` of the runs of orders, with what tells them apart."""
    ids, settings = [order.run_id for order in orders], [order.settings for order in orders]
    return pack_history(ids, lanes, settings, budget, cohort, [order.run for order in orders])


def _minibatch(run: Run | None, lane: Lane) -> int:
    """Examples of an update; -1 where that changes with the step."""
    has_share = run is not None and run.minibatch is not None and run.minibatch.used is not None
    return -1 if has_share or lane.data.stages is not None else int(lane.data.minibatch)


def _blank_tail(steps: Sequence[Any], counts: Sequence[Any]) -> np.ndarray:
    """[run, place] int64 with -1 after each run's last entry."""
    stacked = np.stack(steps).astype(np.int64)
    return np.where(np.arange(stacked.shape[1]) < np.asarray(counts)[:, None], stacked, -1)


def pack_weights(run_ids: Sequence[str], lanes: Sequence[Lane]) -> Arrays:
    """Final parameters by path (`params/...`) and the rest of the training state (`rest/N`); leading axis [run].

    `rest_name` [N] says what the rest is, such as `opt_state/0/mu/output/kernel`. Where measures compare with memorized
    parameters, these too (`memorized/...`), and the step at which they were (`memorized_step`).
    """
    arrays: Arrays = {"run_id": np.array(run_ids)}
    for path, _ in jax.tree_util.tree_leaves_with_path(lanes[0].state.params):
        name = path_name(path)
        arrays[f"params/{name}"] = np.stack([flat_params(lane.state.params)[name] for lane in lanes])
    rests = [_rest(lane) for lane in lanes]
    for index in range(len(rests[0])):
        arrays[f"rest/{index}"] = np.stack([rest[index] for rest in rests])
    if lanes[0].book.memorized is not None:
        arrays["memorized_step"] = np.array([lane.book.memorized.step for lane in lanes], np.int32)
        for name in flat_params(lanes[0].state.params):
            arrays[f"memorized/{name}"] = np.stack([flat_params(lane.book.memorized.params)[name] for lane in lanes])
    rest = jax.tree_util.tree_leaves_with_path(lanes[0].state._replace(params=None))
    arrays["rest_name"] = np.array([jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in rest])
    return arrays


def pack_snapshots(run_ids: Sequence[str], steps: Sequence[int], params: Sequence[Any]) -> Arrays:
    """Parameters of runs of one cohort at a step each, by path (`params/...`); leading axis [snapshot]."""
    flat = [flat_params(one) for one in params]
    return {
        "run_id": np.array(run_ids),
        "step": np.array(steps, np.int64),
        **{f"params/{name}": np.stack([one[name] for one in flat]) for name in flat[0]},
    }


def flat_params(params: Any) -> Arrays:
    """Parameters by path."""
    return {path_name(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(params)}


def _rest(lane: Lane) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(lane.state._replace(params=None))]


def continued(
    lane: Lane,
    history: Arrays,
    weights: Arrays,
    place: int,
    steps: np.ndarray,
    is_row: np.ndarray,
    rules: Sequence[StopRule] = stop_rules(None),
) -> Lane:
    """A lane in which a stored run goes on.

    Args:
      lane: the run before its first update, in the program that will train it.
      history, weights: as packed; `place` says which run of them.
      steps, is_row: the schedule of that program. Stored looks that it does not name are left out, so that which steps
        a run is measured at depends on the sweep alone.
      rules: conditions of that program's stop rule.

    Raises:
      ValueError: the run was not looked at where the schedule says, or its arrays have other shapes.
    """
    params = _like(lane.state.params, [weights[f"params/{path_name(path)}"][place] for path, _ in _paths(lane)])
    rest = [weights[f"rest/{index}"][place] for index in range(len(_rest(lane)))]
    state = _like(lane.state._replace(params=None), rest)._replace(params=params)
    old_looks, old_rows = history["look_step"][place], history["row_step"][place]
    keep_looks = np.flatnonzero(np.isin(old_looks, steps) & (old_looks >= 0))
    keep_rows = np.flatnonzero(np.isin(old_rows, steps[is_row]) & (old_rows >= 0))
    if not np.array_equal(old_looks[keep_looks], steps[: len(keep_looks)]):
        raise ValueError("the stored run was not looked at where the new schedule says")
    looks = {
        kind: np.stack([history[f"looks/{name}"][place][keep_looks] for name in names], axis=-1)
        for kind, names in look_names().items()
    }
    rows = {name: history[f"rows/{name}"][place][keep_rows] for name in lane.book.rows}
    book = lane.book._replace(
        memorized=_memorized(lane, weights, place),
        cursor=np.int32(min(len(keep_looks), len(steps) - 1)),
        since=_held_since(
            rules, unpack(looks), rows, np.isin(old_looks[keep_looks], old_rows[keep_rows]), lane.book.since
        ),
        num_looks=np.int32(len(keep_looks)),
        num_rows=np.int32(len(keep_rows)),
        look_steps=_refilled(lane.book.look_steps, old_looks[keep_looks]),
        row_steps=_refilled(lane.book.row_steps, old_rows[keep_rows]),
        looks={kind: _refilled(buffer, looks[kind]) for kind, buffer in lane.book.looks.items()},
        rows={name: _refilled(buffer, rows[name]) for name, buffer in lane.book.rows.items()},
    )
    return lane._replace(state=state, book=book)


def _held_since(rules: Sequence[StopRule], looks: Arrays, rows: Arrays, is_row: np.ndarray, like: Any) -> np.ndarray:
    """[rule] int32, the look since which each condition has held up to the last one; -1 where it does not.

    Args:
      looks: [look] by name.
      rows: [row] by name; `is_row` [look] says which looks they belong to.
      like: [rule], the same of a run before its first update.
    """
    since = np.array(like)
    for number, rule in enumerate(rules):
        condition = StopCondition(rule.measure, rule.test, rule.value)
        values, sizes, known = _condition_values(rule, looks, rows, is_row)
        held = held_since(condition, values[None], sizes, known[None])[0]
        since[number] = held[-1] if len(held) else -1
    return since


def _condition_values(
    rule: StopRule, looks: Arrays, rows: Arrays, is_row: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Values [look] of a rule's measure, sizes [1] of an accuracy, and where it is known, [look] bool."""
    everywhere = np.ones(len(is_row), bool)
    if not rule.is_share and rule.measure in looks:
        return looks[rule.measure], None, everywhere
    if not rule.is_share:
        values = np.full(len(is_row), np.nan, rows[rule.measure].dtype)
        values[is_row] = rows[rule.measure]
        return values, None, is_row
    group = rule.measure.removesuffix("/accuracy")
    if rule.measure == UNSEEN:
        group = "test" if (looks["test_novel/n"] < FEW_NOVEL).any() else "test_novel"
    return looks[f"{group}/correct"], looks[f"{group}/n"][:1], everywhere


def _memorized(lane: Lane, weights: Arrays, place: int) -> Memorized | None:
    """What the run had memorized; a ValueError where it is wanted and was not kept."""
    if lane.book.memorized is None:
        return None
    if "memorized_step" not in weights:
        raise ValueError("the stored run kept no memorized parameters, with which a measure compares")
    leaves = [weights[f"memorized/{path_name(path)}"][place] for path, _ in _paths(lane)]
    return Memorized(weights["memorized_step"][place], _like(lane.state.params, leaves))


def _paths(lane: Lane) -> list[tuple[Any, Any]]:
    return jax.tree_util.tree_leaves_with_path(lane.state.params)


def _like(tree: Any, leaves: Sequence[np.ndarray]) -> Any:
    """Leaves in the structure of a tree, refused when a shape or type differs."""
    for old, new in zip(jax.tree.leaves(tree), leaves, strict=True):
        if np.shape(old) != np.shape(new) or np.asarray(old).dtype != new.dtype:
            raise ValueError(f"stored array {new.shape} {new.dtype} does not fit {np.shape(old)}")
    return jax.tree.unflatten(jax.tree.structure(tree), leaves)


def _refilled(buffer: Any, entries: np.ndarray) -> np.ndarray:
    filled = np.array(buffer)
    filled[: len(entries)] = entries
    return filled
