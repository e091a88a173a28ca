"""What of a run is no part of the catalogue: its seeds, minibatch, number formats, and where its parameters start."""

import numpy as np

from grokjax.core.part import Part, Swept, SweptInt, part, setting

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
    used: Swept | None = setting(
        None,
        "share of the minibatch that an update takes, rounded down, one example at least; the others wait for the next "
        "epoch. With a schedule the batch grows or shrinks",
        above=0,
        at_most=1,
        added=None,
    )


def minibatch_size(minibatch: Minibatch | None, n_train: int) -> int:
    """Examples of one update, on the host from the exact decimals of the sweep file; None is the full train set.

    Of these an update takes only the share `used`, where that is set.
    """
    if minibatch is None:
        return n_train
    return max(1, min(int(minibatch.at_most), int(np.floor(minibatch.share * n_train + 1e-9)), n_train))


@part
class Curriculum(Part):
    """A train set that grows: training begins on a part of it, the first stage, and goes on to the whole.

    A stage ends with an epoch: with the last of `epochs` in a row in which a share `accuracy` of the answers was right,
    or with the first that comes after `at_most` updates of the stage. Answers are those of the updates themselves, each
    before its update: labels as given, dropout and noise included. With the full batch every update is an epoch. The
    optimizer's state is kept from stage to stage, and the size of a minibatch is that of the whole train set.
    """

    by: str = setting(
        "operand",
        "what a stage holds: examples whose largest operand is below a number, or a share of examples, drawn",
        choices=("operand", "example"),
    )
    stages: tuple[float, ...] = setting(
        about="that number or share for each stage, rising, one example at least; the whole train set comes last",
        above=0,
    )
    order: str = setting(
        "rising",
        "by operand: small ones first, or as many large ones, or as many drawn examples",
        choices=("rising", "falling", "shuffled"),
    )
    accuracy: Swept | None = setting(0.99, "share of right answers that ends a stage", above=0, at_most=1)
    epochs: SweptInt = setting(1, "epochs in a row that must reach it", at_least=1)
    at_most: SweptInt | None = setting(None, "updates after which a stage ends in any case", unit="steps", at_least=1)

    def idle_settings(self) -> tuple[str, ...]:
        return ("order",) * (self.by == "example") + ("epochs",) * (self.accuracy is None)


@part
class Precision(Part):
    """Number formats. TF32 and bfloat16 products are never used unless asked for.

    What enters a matrix product or a convolution, also of a gradient, is rounded to the nearest number of its format,
    ties to even; it is summed in float32, and everything else is float32. Devices without such products multiply the
    rounded numbers in float32.
    """

    params: str = setting("float32", "parameters and optimizer state", choices=("float32", "float64"))
    matmul: str = setting("highest", "inputs of matrix products", choices=("highest", "tf32", "bf16"))

    def revision_used(self) -> int:
        """2: products are in the format that is asked for on every device; before, only where a device had it."""
        return 1 if self.matmul == "highest" else 2


@part
class Pruning(Part):
    """Which weights a network begins with: a lottery ticket, or a control of one (Minegishi et al. 2023, 2310.19470).

    Weights are the numbers of matrices (parameters with two axes or more) that come from the source run; the
    floor(keep * weights) of largest magnitude after `at` updates of that run, of equals the first, are the ticket.

    ticket: those keep their initial value, all others are 0 and stay 0.
    random: the same for as many weights drawn evenly, by the init seed.
    l1_norm, l2_norm: no weight is taken away; all are scaled so that their norm is that of the ticket's.
    """

    keep: Swept = setting(about="share of the weights that are kept", above=0, at_most=1, scheduled=False)
    at: SweptInt = setting(about="updates of the source run after which magnitudes are compared", unit="steps")
    form: str = setting("ticket", "the ticket or a control", choices=("ticket", "random", "l1_norm", "l2_norm"))

    @property
    def removes(self) -> bool:
        """Whether weights are taken away, not only scaled."""
        return self.form in ("ticket", "random")


@part
class StoredInit(Part):
    """Initial parameters from a stored run; the optimizer starts fresh. Its run id alone enters the identity.

    Freezing keeps matching parameters at their initial values; masking keeps their zeros at zero. Parameters to draw
    are not taken from the source: they are those of a run without one. Patterns are shell patterns over parameter paths
    such as `embed/*`.
    """

    source: str = setting(
        about="`DIR#RUN_ID` of the stored run, `DIR` for the one of equal seeds there, `DIR#KEY=VALUE` to say which",
        scheduled=False,
    )
    step: int = setting(about="after how many updates: the run's last, or a snapshot's", unit="steps", at_least=0)
    freeze: tuple[str, ...] = setting((), "parameters that are not trained")
    mask: tuple[str, ...] = setting((), "parameters whose zeros stay zero")
    draw: tuple[str, ...] = setting((), "parameters that are drawn anew; their shapes may be others", added=())
    prune: Pruning | None = setting(None, "weights that are taken away for good, or a control of that", added=None)
