"""Ways of drawing train sets and wrong labels, where not every example is drawn by itself and as likely as any other.

All are off unless a run asks for them. Plain draws are those of `core/drawn_task.py`.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.part import Part, Swept, part, setting


@part
class Drawing(Part):
    """Settings of every task that draws its train set. `check_drawn` refuses them where they do nothing."""

    label_noise: Swept = setting(
        0.0,
        "share of train labels drawn anew, uniformly; may equal the true one",
        at_least=0,
        at_most=1,
        scheduled=False,
    )
    wrong_labels: bool = setting(False, "whether a label drawn anew always differs from the true one", added=False)
    mirrored: str = setting(
        "apart",
        "examples with operands swapped: drawn apart, or each pair together to the train or the test set",
        choices=("apart", "together"),
        added="apart",
    )
    imbalance: Swept | None = setting(
        None,
        "how many times likelier an example of class 0 is drawn than one of the last; none: all alike",
        above=0,
        scheduled=False,
        added=None,
    )

    def idle_settings(self) -> tuple[str, ...]:
        return () if self.label_noise else ("wrong_labels",)

    def words_of_drawing(self) -> str:
        """What of these settings a program must know, for the signature; empty for plain draws."""
        wrong = " with wrong labels" if self.wrong_labels else ""
        return wrong + (" in mirrored pairs" if self.mirrored == "together" else "")

    def redrawn(
        self,
        order: jax.Array,
        key: jax.Array,
        mirror: jax.Array,
        n_train: jax.Array,
        targets: jax.Array,
        num_classes: int,
    ) -> jax.Array:
        """The plain order [example], or another where these settings ask for it; traced."""
        if self.mirrored == "apart" and self.imbalance is None:
            return order
        pairs = mirror if self.mirrored == "together" else None
        return drawn_order(key, pairs, n_train, targets, num_classes, self.imbalance)


def drawn_order(
    key: jax.Array,
    mirror: jax.Array | None,
    n_train: jax.Array,
    targets: jax.Array,
    num_classes: int,
    imbalance: jax.Array | float | None,
) -> jax.Array:
    """[example] int32, a permutation of the table; traced.

    Args:
      mirror: [example] the partner that goes to the same set, its own place for none; None: each by itself. Examples
        without a partner have their share of the train set, to within the one that makes its number even or odd. Where
        there are none and the number is odd, one pair is cut.
      n_train: int32 scalar.
      targets: [example] classes; read with an imbalance only.
      imbalance: how many times as likely an example of class 0 is drawn next as one of the last class; between them
        the weight falls geometrically. None: all alike.
    """
    example = jnp.arange(len(targets), dtype=jnp.int32)
    # The first of exponential waiting times are a draw without replacement, with their rates as weights.
    waiting = -jax.random.gumbel(key, example.shape, jnp.float32)
    if imbalance is not None:
        share = targets.astype(jnp.float32) / max(num_classes - 1, 1)
        waiting = waiting + share * jnp.log(jnp.asarray(imbalance, jnp.float32))
    if mirror is None:
        return jax.lax.sort((waiting, example), num_keys=2)[1]
    first = jnp.minimum(example, mirror)  # names a pair
    is_single = mirror == example
    num_single = jnp.sum(is_single, dtype=jnp.int32)
    by_pair = (waiting[first], first, example)
    rank = jnp.zeros_like(example).at[jax.lax.sort((~is_single, *by_pair), num_keys=4)[3]].set(example)
    share = (n_train.astype(jnp.float32) * num_single / len(example)).astype(jnp.int32)
    trained_single = jnp.minimum(share + (n_train - share) % 2, num_single)
    is_train = jnp.where(is_single, rank < trained_single, rank - num_single < n_train - trained_single)
    return jax.lax.sort((~is_train, *by_pair), num_keys=4)[3]


def wrong_labels(key: jax.Array, truth: jax.Array, num_classes: int) -> jax.Array:
    """[example] classes, each drawn uniformly from all but the true one; traced."""
    return (truth + jax.random.randint(key, truth.shape, 1, num_classes, truth.dtype)) % num_classes


def check_drawn(task: Any, table: Any, is_own_draw: bool) -> None:
    """Refuse a way of drawing examples or labels that a table does not have; each refusal names the key.

    Args:
      task, table: a `DrawnTask` and its `Table`; `core/drawn_task.py` imports this file.
      is_own_draw: whether the task draws its train set in a way of its own.
    """
    is_classes = table.targets.ndim == 1 and np.issubdtype(table.targets.dtype, np.integer)
    if task.wrong_labels and not (is_classes and table.num_classes > 1):
        raise ValueError("task.wrong_labels: needs one label an example out of two classes or more")
    is_asked = {"mirrored": task.mirrored == "together", "imbalance": task.imbalance is not None}
    asked = [name for name, is_on in is_asked.items() if is_on]
    if asked and table.n_train is not None:
        raise ValueError(f"task.{asked[0]}: the train set is given with the data, so none is drawn")
    if asked and is_own_draw:
        raise ValueError(f"task.{asked[0]}: {task.kind} draws its train set from a part of its table")
    if task.imbalance is not None and not is_classes:
        raise ValueError("task.imbalance: needs one class an example, these targets are none")
    has_pairs = table.mirror is not None and bool((table.mirror != np.arange(len(table.mirror))).any())
    if task.mirrored == "together" and not has_pairs:
        rule = "no example has a mirror with the same answer"
        raise ValueError(f"task.mirrored: {rule}, so 'together' changes nothing; nearest is 'apart'")
