"""Gradient descent with momentum and coupled weight decay, in the convention of PyTorch.

Paper: Sutskever, Martens, Dahl, Hinton 2013 for the two kinds of momentum; there the learning rate enters the velocity,
here (as in PyTorch) it multiplies the velocity. Plain full-batch descent is that of Gromov 2023 (arXiv 2301.02679).
"""

import optax

from grokjax.core.interfaces import Optimizer, Params
from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.decay_mask import ABOUT_DECAY_MASK, DECAY_MASKS, decays
from grokjax.optimizers.warmup import ABOUT_WARMUP, descend


@part
class SGD(Optimizer):
    """g += weight_decay * w; v = momentum * v + g; w -= lr_t * v (nesterov: w -= lr_t * (g + momentum * v)).

    Learning rate and warm-up scale the update as a whole, decay included.
    """

    paper = "Sutskever, Martens, Dahl, Hinton 2013, ICML (PyTorch form)"

    learning_rate: Swept = setting(1e-3, "size of an update", above=0)
    weight_decay: Swept = setting(0.0, "L2 coefficient: weight_decay * w is added to the gradient", at_least=0)
    momentum: Swept = setting(0.0, "share of the velocity kept", at_least=0, below=1)
    nesterov: bool = setting(False, "look ahead along the velocity")
    warmup: Swept = setting(0.0, ABOUT_WARMUP, unit="updates", at_least=0)
    decay_mask: str = setting("all", ABOUT_DECAY_MASK, choices=DECAY_MASKS)

    def idle_settings(self) -> tuple[str, ...]:
        return ("nesterov",) if self.momentum == 0 else ()

    def transform(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.add_decayed_weights(self.weight_decay, mask=decays(self.decay_mask)),
            optax.trace(decay=self.momentum, nesterov=self.nesterov),
            descend(self.learning_rate, self.warmup),
        )

    def decayed(self, params: Params) -> Params:
        return decays(self.decay_mask)(params)
