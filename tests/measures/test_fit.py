"""Are losses and counts of each group those that a loop over the rows gives?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.words import GROUPS
from grokjax.measures.fit import Sums, block_sums, finish, no_rows

CLASSES = 5
NAMES = sorted(
    [f"{name}/{what}" for name in ("train", "test") for what in ("loss", "objective", "correct", "n")]
    + [f"{name}/{what}" for name in GROUPS for what in ("loss", "correct", "n")]
    + ["train_noisy/recovered"]
)


def made_up_rows(present: tuple[int, ...], rows: int = 60) -> dict[str, np.ndarray]:
    random = np.random.default_rng(len(present))
    group = random.choice(present, rows).astype(np.int32)
    targets = random.integers(0, CLASSES, rows).astype(np.int32)
    wrong = ((targets + random.integers(1, CLASSES, rows)) % CLASSES).astype(np.int32)
    outputs = random.normal(size=(rows, CLASSES)).astype(np.float32)
    outputs[np.arange(rows), targets] += 1.5
    labels = np.where(group == 1, wrong, targets)
    return {
        "outputs": outputs,
        "labels": labels,
        "targets": targets,
        "group": group,
        "weight": np.ones(rows, np.float32),
        "correct_labels": outputs.argmax(axis=1) == labels,
        "correct_targets": outputs.argmax(axis=1) == targets,
        "objective": random.random(rows).astype(np.float32),
    }


def sums_of(rows: dict[str, np.ndarray]) -> Sums:
    """What the engine is told: not the true targets, which only the loop below knows."""
    return block_sums(**{name: value for name, value in rows.items() if name != "targets"})


def by_loop(rows: dict[str, np.ndarray]) -> dict[str, float]:
    """The same numbers by a loop over rows, in float64."""
    seen = {name: {"loss": [], "objective": [], "correct": 0} for name in (*GROUPS, "train", "test")}
    recovered = 0
    for row, code in enumerate(rows["group"]):
        if rows["weight"][row] == 0:
            continue
        train = code < 2
        answer = (rows["labels"] if train else rows["targets"])[row]
        outputs = rows["outputs"][row].astype(np.float64)
        loss = np.log(np.exp(outputs).sum()) - outputs[answer]
        recovered += code == 1 and outputs.argmax() == rows["targets"][row]
        for name in (GROUPS[code], "train" if train else "test"):
            seen[name]["loss"].append(loss)
            seen[name]["objective"].append(float(rows["objective"][row]))
            seen[name]["correct"] += int(outputs.argmax() == answer)
    expected = {"train_noisy/recovered": recovered}
    for name, found in seen.items():
        count = len(found["loss"])
        expected[f"{name}/n"], expected[f"{name}/correct"] = count, found["correct"]
        expected[f"{name}/loss"] = np.mean(found["loss"]) if count else np.nan
        if name in ("train", "test"):
            expected[f"{name}/objective"] = np.mean(found["objective"]) if count else np.nan
    return expected


def check(found: dict[str, jax.Array], expected: dict[str, float]) -> None:
    assert sorted(found) == sorted(expected) == NAMES
    for name, value in expected.items():
        whole = name.rsplit("/", 1)[1] in ("n", "correct", "recovered")
        assert found[name].shape == () and found[name].dtype == (jnp.int32 if whole else jnp.float32), name
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)


PRESENT = [(0, 1, 2, 3), (0, 3), (1, 2), (2,), (1,), (0, 1), (2, 3)]


@pytest.mark.parametrize("present", PRESENT)
def test_numbers_agree_with_a_loop_over_rows(present):
    rows = made_up_rows(present)
    check(finish(jax.jit(sums_of)(rows)), by_loop(rows))


def test_blocks_add_up_to_the_whole():
    rows = made_up_rows((0, 1, 2, 3))
    sums = no_rows()
    for start in range(0, 60, 20):
        block = sums_of({name: value[start : start + 20] for name, value in rows.items()})
        assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), block) == jax.tree.map(
            lambda leaf: (leaf.shape, leaf.dtype), sums
        )
        sums = jax.tree.map(jnp.add, sums, block)
    check(finish(sums), by_loop(rows))


def test_no_rows_at_all_give_nan_losses_and_zero_counts():
    found = finish(no_rows())
    assert all(np.isnan(value) if value.dtype == jnp.float32 else value == 0 for value in found.values())


def test_padding_rows_add_nothing_even_if_they_are_nan():
    rows = made_up_rows((0, 1, 2, 3))
    rows["weight"][40:] = 0
    expected = by_loop(rows)
    rows["outputs"][40:] = np.nan
    rows["objective"][40:] = np.inf
    rows["correct_labels"][40:] = True
    check(finish(jax.jit(sums_of)(rows)), expected)
    as_bool = {**rows, "weight": rows["weight"] > 0}
    check(finish(sums_of(as_bool)), expected)  # compiled as a whole, XLA turns 0 * NaN into 0


def test_a_row_that_is_nan_shows_in_its_groups_only():
    rows = made_up_rows((0, 3))
    rows["outputs"][np.flatnonzero(rows["group"] == 0)[0]] = np.nan
    found = finish(sums_of(rows))
    assert np.isnan(found["train/loss"]) and np.isnan(found["train_clean/loss"])
    assert np.isfinite(found["test/loss"]) and np.isfinite(found["test_novel/loss"])


def test_loss_does_not_collapse_when_all_rows_are_fitted():
    rows = made_up_rows((0, 3))
    rows["outputs"] = 40.0 * np.eye(CLASSES, dtype=np.float32)[rows["targets"]]
    found = finish(sums_of(rows))
    np.testing.assert_allclose(found["train/loss"], 4 * np.exp(-40.0), rtol=1e-5)


def test_target_vectors_are_reported_with_the_trained_loss():
    rows = made_up_rows((0, 2, 3))
    rows["labels"] = rows["targets"] = np.random.default_rng(9).normal(size=(60, CLASSES)).astype(np.float32)
    found = finish(jax.jit(sums_of)(rows))
    for name in ("train", "test"):
        np.testing.assert_allclose(found[f"{name}/loss"], found[f"{name}/objective"])
    np.testing.assert_allclose(found["train/objective"], rows["objective"][rows["group"] == 0].mean(), rtol=1e-6)
