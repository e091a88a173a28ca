"""Adam with weight decay that nothing scales: w -= lr_t * adam + weight_decay * w.

Paper: Loshchilov, Hutter 2019 (arXiv 1711.05101), algorithm 2 with schedule multiplier 1. Equal to `adamw` with
weight_decay / learning_rate while the learning rate is constant and there is no warm-up.
"""

import optax

from grokjax.core.interfaces import Optimizer
from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.decay_mask import ABOUT_DECAY_MASK, DECAY_MASKS, decays
from grokjax.optimizers.warmup import ABOUT_WARMUP, descend


@part
class AdamIndependentDecay(Optimizer):
    """A weight without gradient shrinks by weight_decay of itself at every update, the first of a warm-up included."""

    kind = "adam_independent_decay"
    paper = "Loshchilov, Hutter 2019, arXiv 1711.05101"

    learning_rate: Swept = setting(1e-3, "size of an update", above=0)
    weight_decay: Swept = setting(
        0.0, "share of a weight that goes at each update; neither learning rate nor warm-up scales it", at_least=0
    )
    b1: Swept = setting(0.9, "memory of the mean gradient", at_least=0, below=1)
    b2: Swept = setting(0.98, "memory of the mean squared gradient", at_least=0, below=1)
    eps: Swept = setting(
        1e-8, "added to the root of the mean squared gradient, which is 0 where no gradient comes", above=0, strict=True
    )
    warmup: Swept = setting(0.0, ABOUT_WARMUP, unit="updates", at_least=0)
    decay_mask: str = setting("all", ABOUT_DECAY_MASK, choices=DECAY_MASKS)

    def transform(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.scale_by_adam(b1=self.b1, b2=self.b2, eps=self.eps),
            descend(self.learning_rate, self.warmup),
            optax.add_decayed_weights(-self.weight_decay, mask=decays(self.decay_mask)),
        )
