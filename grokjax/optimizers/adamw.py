"""Adam with decoupled weight decay that the learning rate and the warm-up scale: w -= lr_t * (adam + weight_decay * w).

Paper: Loshchilov, Hutter 2019 (arXiv 1711.05101) in the form of PyTorch and optax: their own decay is not scaled by the
learning rate, which is `adam_independent_decay`. Betas .9 and .98 are those of Power et al. 2022 and most after.
"""

import optax

from grokjax.core.interfaces import Optimizer
from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.decay_mask import ABOUT_DECAY_MASK, DECAY_MASKS, decays
from grokjax.optimizers.warmup import ABOUT_WARMUP, descend


@part
class AdamW(Optimizer):
    """A weight without gradient shrinks by lr_t * weight_decay of itself at an update, warm-up included in lr_t."""

    paper = "Loshchilov, Hutter 2019, arXiv 1711.05101 (PyTorch form)"

    learning_rate: Swept = setting(1e-3, "size of an update", above=0)
    weight_decay: Swept = setting(
        0.0, "shrinkage by lr_t * weight_decay an update: learning rate and warm-up scale it", at_least=0
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
            optax.add_decayed_weights(self.weight_decay, mask=decays(self.decay_mask)),
            descend(self.learning_rate, self.warmup),
        )
