"""Lion: every weight moves by the same amount, in the direction of the sign of a mean gradient.

Paper: Chen et al. 2023 (arXiv 2302.06675), algorithm 2 with its decoupled decay: w -= lr_t * (sign + weight_decay * w).
Their advice is a learning rate 3 to 10 times smaller than that of `adamw`, and a decay as much larger.
"""

import optax

from grokjax.core.interfaces import Optimizer, Params
from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.decay_mask import ABOUT_DECAY_MASK, DECAY_MASKS, decays
from grokjax.optimizers.warmup import ABOUT_WARMUP, descend


@part
class Lion(Optimizer):
    """A weight without gradient shrinks by lr_t * weight_decay of itself at an update, warm-up included in lr_t."""

    paper = "Chen et al. 2023, arXiv 2302.06675"

    learning_rate: Swept = setting(1e-4, "size of an update, the same for every weight", above=0)
    weight_decay: Swept = setting(
        0.0, "shrinkage by lr_t * weight_decay an update: learning rate and warm-up scale it", at_least=0
    )
    b1: Swept = setting(0.9, "share of the mean in what the sign is taken of", at_least=0, below=1)
    b2: Swept = setting(0.99, "memory of the mean gradient", at_least=0, below=1)
    warmup: Swept = setting(0.0, ABOUT_WARMUP, unit="updates", at_least=0)
    decay_mask: str = setting("all", ABOUT_DECAY_MASK, choices=DECAY_MASKS)

    def transform(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.scale_by_lion(b1=self.b1, b2=self.b2),
            optax.add_decayed_weights(self.weight_decay, mask=decays(self.decay_mask)),
            descend(self.learning_rate, self.warmup),
        )

    def decayed(self, params: Params) -> Params:
        return decays(self.decay_mask)(params)
