"""The settings that Adam and its relatives have in common."""

from grokjax.core.interfaces import Optimizer, Params
from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.decay_mask import ABOUT_DECAY_MASK, DECAY_MASKS, decays
from grokjax.optimizers.warmup import ABOUT_WARMUP


@part
class AdamSettings(Optimizer):
    """What a relative of Adam is told; it says by its own `weight_decay` what that means."""

    learning_rate: Swept = setting(1e-3, "size of an update", above=0)
    weight_decay: Swept = setting(0.0, "strength of the decay", at_least=0)
    b1: Swept = setting(0.9, "memory of the mean gradient", at_least=0, below=1)
    b2: Swept = setting(0.98, "memory of the mean squared gradient", at_least=0, below=1)
    eps: Swept = setting(
        1e-8, "added to the root of the mean squared gradient, which is 0 where no gradient comes", above=0, strict=True
    )
    warmup: Swept = setting(0.0, ABOUT_WARMUP, unit="updates", at_least=0)
    decay_mask: str = setting("all", ABOUT_DECAY_MASK, choices=DECAY_MASKS)

    def decayed(self, params: Params) -> Params:
        return decays(self.decay_mask)(params)
