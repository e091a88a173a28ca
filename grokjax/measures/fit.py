"""How well are train and test examples fitted? Losses and whole-number counts for each group of the table.

The engine calls `block_sums` on blocks of rows, adds the results in order (from `no_rows()`), and calls `finish`: the
table never has to go through the model at once.

Paper: groups with noisy labels as in Doshi, Das, He, Gromov 2024 (arXiv 2310.13061); the loss is always reported in a
form that does not collapse, whatever is trained.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, View
from grokjax.core.part import part
from grokjax.core.words import GROUPS
from grokjax.losses.cross_entropy import CrossEntropy

_TRAIN, _TEST = slice(0, 2), slice(2, 4)  # of GROUPS
_NOISY = GROUPS.index("train_noisy")
_REPORTED = CrossEntropy(form="log1p")

Sums = dict[str, jax.Array]
"""Per group of GROUPS [group]: "n", "correct" int32, "loss", "objective" float32; and the int32 scalar "recovered"."""


def no_rows() -> Sums:
    """The sums over no rows, to start from."""
    counts, sums = jnp.zeros(len(GROUPS), jnp.int32), jnp.zeros(len(GROUPS), jnp.float32)
    return {"n": counts, "loss": sums, "objective": sums, "correct": counts, "recovered": jnp.zeros((), jnp.int32)}


def block_sums(
    outputs: jax.Array,
    labels: jax.Array,
    group: jax.Array,
    weight: jax.Array,
    correct_labels: jax.Array,
    correct_targets: jax.Array,
    objective: jax.Array,
) -> Sums:
    """Sums over a block of rows; traced.

    Args:
      outputs: [row, class] of the model, without noise or dropout.
      labels: [row, ...] as given to the learner in train rows, true ones in test rows.
      group: [row] int32, position in GROUPS.
      weight: [row], 0 for padding rows: they add nothing, even if their values are NaN.
      correct_labels: [row] bool, the outputs are right about `labels`.
      correct_targets: [row] bool, the outputs are right about the true targets.
      objective: [row] float32, the trained loss with `labels`.
    """
    member = (group[None] == jnp.arange(len(GROUPS))[:, None]) & (weight > 0)[None]  # [group, row]
    loss = _REPORTED.loss(outputs, labels) if is_class(labels) else objective
    return {
        "n": _count(member),
        "loss": _total(member, loss),
        "objective": _total(member, objective),
        "correct": _count(member & correct_labels[None]),
        "recovered": _count(member[_NOISY] & correct_targets),
    }


def is_class(labels: jax.Array) -> bool:
    """Whether labels are classes, for which the reported loss is the cross-entropy whatever is trained."""
    return bool(jnp.issubdtype(labels.dtype, jnp.integer))


def cross_entropy(outputs: jax.Array, labels: jax.Array) -> jax.Array:
    """[row] nats, from outputs [row, class] and classes [row]; never below 0."""
    return _REPORTED.loss(outputs, labels)


def finish(sums: Sums) -> dict[str, jax.Array]:
    """Scalars by name: mean losses (float32, NaN where a group is empty) and counts (int32).

    `train` is both train groups with the labels as given, `test` both test groups. `loss` is the cross-entropy in its
    log1p form (with target vectors: the trained loss), `objective` the trained loss, `train_noisy/recovered` the number
    of train examples with a wrong label that are answered with the true one.
    """
    named = {"train_noisy/recovered": sums["recovered"]}
    for name, places in (("train", _TRAIN), ("test", _TEST)):
        whole = {key: jnp.sum(sums[key][places]) for key in ("n", "loss", "objective", "correct")}
        named |= {f"{name}/loss": _mean(whole["loss"], whole["n"]), f"{name}/correct": whole["correct"]}
        named |= {f"{name}/objective": _mean(whole["objective"], whole["n"]), f"{name}/n": whole["n"]}
    for code, name in enumerate(GROUPS):
        count = sums["n"][code]
        named |= {f"{name}/loss": _mean(sums["loss"][code], count), f"{name}/n": count}
        named[f"{name}/correct"] = sums["correct"][code]
    return dict(sorted(named.items()))


def _count(member: jax.Array) -> jax.Array:
    return jnp.sum(member, axis=-1, dtype=jnp.int32)


def _total(member: jax.Array, values: jax.Array) -> jax.Array:
    """[group] float32; a masked sum, because a scatter is slow and leaves the order of the sum open."""
    return jnp.sum(jnp.where(member, values[None], 0.0), axis=-1, dtype=jnp.float32)


def _mean(total: jax.Array, count: jax.Array) -> jax.Array:
    return jnp.where(count > 0, total / jnp.maximum(count, 1), jnp.nan).astype(jnp.float32)


@part
class Fit(Measure):
    """Loss, objective, number right and size of train, test and each group; no noise, no dropout, whole groups."""

    paper = "Doshi, Das, He, Gromov 2024, arXiv 2310.13061 (groups with noisy labels)"

    def measure(self, view: View) -> dict[str, jax.Array]:
        return view.fit
