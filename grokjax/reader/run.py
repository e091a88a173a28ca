"""What one training is: parts and seeds. The budget is not here: it only says how far a run is taken."""

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grokjax.core.interfaces import Loss, Model, Optimizer, Regularizer, Task
from grokjax.core.part import Part, Swept, SweptInt, part, setting
from grokjax.losses.cross_entropy import CrossEntropy

_UINT32 = 2**32 - 1


@part
class Seeds(Part):
    """The four seeds of a run; each can be an axis (`seeds.init`) or held fixed over the sweep."""

    split: SweptInt = setting(0, "which examples are train examples", at_least=0, at_most=_UINT32)
    init: SweptInt = setting(0, "initial parameters", at_least=0, at_most=_UINT32)
    order: SweptInt = setting(0, "order of the minibatches", at_least=0, at_most=_UINT32)
    noise: SweptInt = setting(0, "label noise, dropout and added noise", at_least=0, at_most=_UINT32)


@part
class Minibatch(Part):
    """Examples of one update: min(at_most, floor(share * n_train)), at least 1; the last of an epoch may be shorter.

    In epoch e the train order is permuted by sorting its first n_train places by
    `jax.random.bits(stream(seeds.order, "order", e))`, ties by place.
    """

    at_most: int = setting(512, "largest minibatch", unit="examples", at_least=1)
    share: Swept = setting(
        1.0,
        "largest minibatch as a share of the train set; the count is rounded down",
        above=0,
        at_most=1,
        scheduled=False,
    )


def minibatch_size(minibatch: Minibatch | None, n_train: int) -> int:
    """Examples of one update, on the host from the exact decimals of the sweep file; None is the full train set."""
    if minibatch is None:
        return n_train
    return max(1, min(int(minibatch.at_most), int(np.floor(minibatch.share * n_train + 1e-9)), n_train))


@part
class Precision(Part):
    """Number formats. TF32 and bfloat16 products are never used unless asked for."""

    params: str = setting("float32", "parameters and optimizer state", choices=("float32", "float64"))
    matmul: str = setting("highest", "inputs of matrix products", choices=("highest", "tf32", "bf16"))


@part
class StoredInit(Part):
    """Initial parameters from a stored run; the optimizer starts fresh. Of the source only RUN_ID enters the identity.

    Freezing keeps matching parameters at their initial values; masking keeps their zeros at zero (a pruned network).
    Patterns are shell patterns over parameter paths such as `embed/*`.
    """

    source: str = setting(about="`DIR#RUN_ID` of the stored run", scheduled=False)
    step: int = setting(about="after how many updates: the run's last, or a snapshot's", unit="steps", at_least=0)
    freeze: tuple[str, ...] = setting((), "parameters that are not trained")
    mask: tuple[str, ...] = setting((), "parameters whose zeros stay zero")


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
    precision: Precision = setting(Precision())
    init: StoredInit | None = setting(None)  # None: drawn by the model
    seeds: Seeds = setting(Seeds())

    def train(self, steps: int = 10_000, **options: Any) -> Any:
        """Train this run alone, in memory; see `grokjax.lab.single.train_one`."""
        import grokjax  # the front door: what trains stands to the right of this package

        return grokjax.train_one(self, steps=steps, **options)


def _taking_words(init: Callable[..., None]) -> Callable[..., None]:
    """The constructor of a run, for which the words of a sweep file are as good as parts."""

    @functools.wraps(init)
    def from_words(self: Run, **given: Any) -> None:
        if any(_are_words(value) for value in given.values()):
            # By name: what reads the words stands on this module, so a plain import would close a circle.
            given = importlib.import_module("grokjax.reader.read_run").parts_of_words(given)
        init(self, **given)

    return from_words


def _are_words(value: Any) -> bool:
    return isinstance(value, str | Mapping | list) or (
        isinstance(value, tuple) and any(isinstance(item, str | Mapping) for item in value)
    )


Run.__init__ = _taking_words(Run.__init__)
