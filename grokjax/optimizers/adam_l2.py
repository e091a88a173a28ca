"""Adam with coupled weight decay: the gradient of weight_decay / 2 * |w|^2 joins the loss gradient before Adam.

Paper: Kingma, Ba 2015 (arXiv 1412.6980) with the L2 term of PyTorch's `Adam(weight_decay=...)`, which Lee et al. 2024
(Grokfast, arXiv 2405.20233) train with. Adam normalises the sum, so a weight without loss gradient moves by about lr_t
whatever weight_decay is.
"""

import optax

from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.adam_settings import AdamSettings
from grokjax.optimizers.decay_mask import decays
from grokjax.optimizers.warmup import descend


@part
class AdamL2(AdamSettings):
    """Adam on gradient + weight_decay * w; learning rate and warm-up scale the update as a whole, decay included."""

    kind = "adam_l2"
    paper = "Kingma, Ba 2015, arXiv 1412.6980, with coupled L2"

    weight_decay: Swept = setting(
        0.0, "L2 coefficient: weight_decay * w is added to the gradient before Adam normalises it", at_least=0
    )

    def transform(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.add_decayed_weights(self.weight_decay, mask=decays(self.decay_mask)),
            optax.scale_by_adam(b1=self.b1, b2=self.b2, eps=self.eps),
            descend(self.learning_rate, self.warmup),
        )
