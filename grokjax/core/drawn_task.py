"""Tasks whose train set is drawn at random from a table: a subclass writes the table down."""

import dataclasses
from abc import abstractmethod

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.drawing import Drawing, check_drawn, wrong_labels
from grokjax.core.interfaces import GIVEN, Counts, Signature, Split, Task
from grokjax.core.label_noise import drawn_labels
from grokjax.core.part import Swept, SweptInt, is_known_zero, part, setting
from grokjax.core.streams import shuffled_ranks
from grokjax.core.token_places import fixed_symbols


@part
class DrawnTask(Drawing, Task):
    """A task whose train set is drawn at random from its table; a subclass says how many examples it has.

    A larger train set contains the smaller one under the same split seed, and the corrupted labels of a larger noise
    contain those of a smaller one.
    """

    @abstractmethod
    def num_train(self, num_examples: int) -> int:
        """Train examples out of `num_examples`; on the host."""

    def signature(self) -> Signature:
        table = self.table()
        check_drawn(self, table, is_own_draw=type(self).order is not DrawnTask.order)
        name = f"{type(self).__module__}:{type(self).__qualname__}{self.words_of_drawing()}"
        return Signature(
            task=name + ("" if table.n_train is None else GIVEN),
            num_examples=len(table.inputs),
            input_shape=table.inputs.shape[1:],
            input_dtype=str(table.inputs.dtype),
            target_shape=table.targets.shape[1:],
            target_dtype=str(table.targets.dtype),
            num_classes=table.num_classes,
            vocabulary=table.vocabulary,
            operands=table.operands,
            fixed=fixed_symbols(self.kind, table),
        )

    def counts(self, signature: Signature) -> Counts:
        given_count = self.table().n_train if signature.has_given_split else None
        n_train = self.num_train(signature.num_examples) if given_count is None else given_count
        if n_train < 1:
            raise ValueError(f"task {self.kind}: no train example is left of {signature.num_examples}")
        return Counts(n_train=n_train, n_corrupt=int(np.floor(self.label_noise * n_train + 1e-9)))

    def split(
        self, signature: Signature, targets: jax.Array, mirror: jax.Array, counts: Counts, keys: dict[str, jax.Array]
    ) -> Split:
        num_examples = targets.shape[0]
        position = jnp.arange(num_examples, dtype=jnp.int32)
        order = position if signature.has_given_split else self.order(keys["split"], num_examples)
        order = self.redrawn(order, keys["split"], mirror, counts.n_train, targets, signature.num_classes)
        rank = jnp.zeros_like(order).at[order].set(position)  # where an example stands in the train order
        is_train = rank < counts.n_train
        drawn = None if is_known_zero(counts.n_corrupt) else drawn_labels(signature, keys["label"])
        noise_rank = shuffled_ranks(keys["label"], is_train) if signature.has_given_split else rank
        labels = targets if drawn is None else jnp.where(noise_rank < counts.n_corrupt, drawn[rank], targets)
        if drawn is not None and self.wrong_labels:
            wrong = wrong_labels(keys["label"], targets[order], signature.num_classes)
            labels = jnp.where(noise_rank < counts.n_corrupt, wrong[rank], targets)
        axes = tuple(range(1, targets.ndim))
        is_noisy = is_train & jnp.any(labels != targets, axis=axes)
        is_mirrored = is_train[mirror] & (mirror != position)
        group = jnp.where(is_train, jnp.where(is_noisy, 1, 0), jnp.where(is_mirrored, 2, 3))
        return Split(order=order, labels=labels, group=group.astype(jnp.int32))

    def order(self, key: jax.Array, num_examples: int) -> jax.Array:
        """[example] int32, a permutation of the table, of which the first are trained on; traced."""
        return jax.random.permutation(key, jnp.arange(num_examples, dtype=jnp.int32))


@part
class TableTask(DrawnTask):
    """A task that trains on a share of its table. A new task of this kind writes `table()` only."""

    train_fraction: Swept = setting(
        0.5, "share of the table used for training; the count is rounded down", above=0, at_most=1, scheduled=False
    )

    def counts(self, signature: Signature) -> Counts:
        default = next(field.default for field in dataclasses.fields(self) if field.name == "train_fraction")
        if signature.has_given_split and self.train_fraction != default:
            raise ValueError("task.train_fraction: the train set is given with the data, so no share is drawn")
        return super().counts(signature)

    def num_train(self, num_examples: int) -> int:
        return int(np.floor(self.train_fraction * num_examples + 1e-9))


@part
class PoolTask(DrawnTask):
    """A task that trains on a number of examples of its pool. A new task of this kind writes `table()` only."""

    train_size: SweptInt = setting(
        1000, "train examples; the rest of the pool is the test set", unit="examples", at_least=1, scheduled=False
    )

    def num_train(self, num_examples: int) -> int:
        if self.train_size > num_examples:
            rule = f"must be at most the pool's {num_examples} examples"
            raise ValueError(f"task.train_size: {rule}, got {self.train_size}")
        return int(self.train_size)
