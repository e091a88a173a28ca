"""What one training is: parts and seeds. The budget is not here: it only says how far a run is taken."""

import functools
from collections.abc import Callable
from typing import Any

import jax

from grokjax.core.interfaces import Loss, Model, Optimizer, Regularizer, Signature, Task
from grokjax.core.part import Part, part, setting
from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.reader.run_settings import Curriculum, Minibatch, Precision, Seeds, StoredInit, minibatch_size
from grokjax.reader.run_words import parts_of_words

__all__ = ["Curriculum", "Minibatch", "Precision", "Run", "Seeds", "StoredInit", "minibatch_size"]


@part
class Run(Part):
    """One training: the unit of science. Everything here determines its trajectory and enters its identity.

    Each field also takes what a sweep file would say there: `task={"kind": "modular_arithmetic", "modulus": 31}`.
    """

    task: Task
    model: Model
    optimizer: Optimizer
    loss: Loss = setting(CrossEntropy())
    regularizers: tuple[Regularizer, ...] = setting(())
    minibatch: Minibatch | None = setting(None)  # None: the full train set each update
    curriculum: Curriculum | None = setting(None, added=None)  # None: the whole train set from the first update on
    precision: Precision = setting(Precision())
    init: StoredInit | None = setting(None)  # None: drawn by the model
    seeds: Seeds = setting(Seeds())

    def losses(
        self,
        outputs: jax.Array,
        network: Callable[[jax.Array], jax.Array],
        inputs: jax.Array,
        labels: jax.Array,
        signature: Signature,
    ) -> jax.Array:
        """[example] what examples add to the loss of an update, penalties of their outputs included; traced.

        Arguments are those of `Regularizer.output_penalty`, and labels [example, ...].
        """
        losses = self.loss.loss(outputs, labels)
        for regularizer in self.regularizers:
            if regularizer.has("output_penalty"):
                losses = losses + regularizer.output_penalty(outputs, network, inputs, signature)
        return losses

    def train(self, steps: int = 10_000, **options: Any) -> Any:
        """Train this run alone, in memory; see `grokjax.lab.single.train_one`."""
        import grokjax  # the front door: what trains stands to the right of this package

        return grokjax.train_one(self, steps=steps, **options)


def _taking_words(init: Callable[..., None]) -> Callable[..., None]:
    """The constructor of a run, for which the words of a sweep file are as good as parts."""

    @functools.wraps(init)
    def from_words(self: Run, **fields: Any) -> None:
        init(self, **parts_of_words(fields))

    return from_words


Run.__init__ = _taking_words(Run.__init__)
