"""Adam with coupled weight decay: the gradient of weight_decay / 2 * |w|^2 joins the loss gradient before Adam.

Paper: Kingma, Ba 2015 (arXiv 1412.6980) with the L2 term of PyTorch's `Adam(weight_decay=...)`, which Lee et al. 2024
(Grokfast, arXiv 2405.20233) train with. Adam normalises the sum, so a weight without loss gradient moves by about lr_t
whatever weight_decay is.
"""

import optax

from grokjax.core.interfaces import Optimizer
from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.decay_mask import ABOUT_DECAY_MASK, DECAY_MASKS, decays
from grokjax.optimizers.warmup import ABOUT_WARMUP, descend


@part
class AdamL2(Optimizer):
    """Adam on gradient + weight_decay * w; learning rate and warm-up scale the update as a whole, decay included."""

    kind = "adam_l2"
    paper = "Kingma, Ba 2015, arXiv 1412.6980, with coupled L2"

    learning_rate: Swept = setting(1e-3, "size of an update", above=0)
    weight_decay: Swept = setting(
        0.0, "L2 coefficient: weight_decay * w is added to the gradient before Adam normalises it", at_least=0
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
            optax.add_decayed_weights(self.weight_decay, mask=decays(self.decay_mask)),
            optax.scale_by_adam(b1=self.b1, b2=self.b2, eps=self.eps),
            descend(self.learning_rate, self.warmup),
        )
