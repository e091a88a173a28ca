"""Adam with weight decay that nothing scales: w -= lr_t * adam + weight_decay * w.

Paper: Loshchilov, Hutter 2019 (arXiv 1711.05101), algorithm 2 with schedule multiplier 1. Equal to `adamw` with
weight_decay / learning_rate while the learning rate is constant and there is no warm-up.
"""

import optax

from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.adam_settings import AdamSettings
from grokjax.optimizers.decay_mask import decays
from grokjax.optimizers.warmup import descend


@part
class AdamIndependentDecay(AdamSettings):
    """A weight without gradient shrinks by weight_decay of itself at every update, the first of a warm-up included."""

    kind = "adam_independent_decay"
    paper = "Loshchilov, Hutter 2019, arXiv 1711.05101"

    weight_decay: Swept = setting(
        0.0, "share of a weight that goes at each update; neither learning rate nor warm-up scales it", at_least=0
    )

    def transform(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.scale_by_adam(b1=self.b1, b2=self.b2, eps=self.eps),
            descend(self.learning_rate, self.warmup),
            optax.add_decayed_weights(-self.weight_decay, mask=decays(self.decay_mask)),
        )
