"""Are margins those of a loop over examples, and their quantiles those of NumPy?"""

import types

import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Split
from grokjax.measures.logit_margin import LogitMargin


def measured(outputs, labels, group):
    split = Split(order=jnp.arange(len(group)), labels=jnp.asarray(labels), group=jnp.asarray(group))
    signature = types.SimpleNamespace(target_dtype="int32")
    view = types.SimpleNamespace(split=split, signature=signature, logits=lambda: jnp.asarray(outputs))
    return LogitMargin().measure(view)


def check(found, margin, group):
    for name, members in (("train", group < 2), ("test", group >= 2)):
        chosen = margin[members]
        expected = {"mean": chosen.mean(), "min": chosen.min()}
        expected |= {str(share): np.quantile(chosen, share / 100) for share in (5, 50, 95)}
        for what, value in expected.items():
            np.testing.assert_allclose(found[f"{name}/margin_{what}"], value, rtol=1e-4, atol=1e-6)


def test_margins_are_those_of_a_loop_over_examples():
    random = np.random.default_rng(0)
    outputs = random.normal(size=(60, 5)).astype(np.float32)
    labels, group = random.integers(0, 5, 60).astype(np.int32), random.integers(0, 4, 60).astype(np.int32)
    margin = np.array([row[label] - np.delete(row, label).max() for row, label in zip(outputs, labels, strict=True)])
    check(measured(outputs, labels, group), margin, group)
    assert np.array_equal(margin > 0, outputs.argmax(axis=1) == labels)


def test_of_several_answers_the_least_margin_counts():
    random = np.random.default_rng(1)
    outputs = random.normal(size=(30, 3, 4)).astype(np.float32)
    labels, group = random.integers(0, 4, (30, 3)).astype(np.int32), np.repeat([0, 3], 15)
    margin = np.array(
        [
            min(row[label] - np.delete(row, label).max() for row, label in zip(rows, answers, strict=True))
            for rows, answers in zip(outputs, labels, strict=True)
        ]
    )
    check(measured(outputs, labels, group), margin, group)


def test_a_group_without_examples_has_no_margin():
    found = measured(np.eye(3, dtype=np.float32), np.arange(3, dtype=np.int32), np.zeros(3, np.int32))
    assert found["train/margin_min"] == found["train/margin_95"] == 1
    assert all(np.isnan(found[f"test/margin_{what}"]) for what in ("mean", "min", "5", "50", "95"))
