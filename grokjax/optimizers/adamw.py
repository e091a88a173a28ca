"""Adam with decoupled weight decay that the learning rate and the warm-up scale: w -= lr_t * (adam + weight_decay * w).

Paper: Loshchilov, Hutter 2019 (arXiv 1711.05101) in the form of PyTorch and optax: their own decay is not scaled by the
learning rate, which is `adam_independent_decay`. Betas .9 and .98 are those of Power et al. 2022 and most after.
"""

import optax

from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.adam_settings import AdamSettings
from grokjax.optimizers.decay_mask import decays
from grokjax.optimizers.warmup import descend


@part
class AdamW(AdamSettings):
    """A weight without gradient shrinks by lr_t * weight_decay of itself at an update, warm-up included in lr_t."""

    paper = "Loshchilov, Hutter 2019, arXiv 1711.05101 (PyTorch form)"

    weight_decay: Swept = setting(
        0.0, "shrinkage by lr_t * weight_decay an update: learning rate and warm-up scale it", at_least=0
    )

    def transform(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.scale_by_adam(b1=self.b1, b2=self.b2, eps=self.eps),
            optax.add_decayed_weights(self.weight_decay, mask=decays(self.decay_mask)),
            descend(self.learning_rate, self.warmup),
        )
