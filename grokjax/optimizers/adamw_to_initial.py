"""AdamW whose decay leads back to where the weights began: w -= lr_t * (adam + weight_decay * (w - w_0)).

Paper: Power et al. 2022 (arXiv 2201.02177), one of their interventions; in their code weight decay of the form
"to_init". The initial weights lie in the optimizer's state.
"""

from typing import Any

import jax
import optax

from grokjax.core.interfaces import Params
from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.adam_settings import AdamSettings
from grokjax.optimizers.decay_mask import decays
from grokjax.optimizers.warmup import descend


@part
class AdamWToInitial(AdamSettings):
    """A weight without gradient goes lr_t * weight_decay of the way to its initial value at an update."""

    kind = "adamw_to_initial"
    paper = "Power et al. 2022, arXiv 2201.02177"

    weight_decay: Swept = setting(
        0.0, "share lr_t * weight_decay of the way to the initial value an update", at_least=0
    )

    def transform(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.scale_by_adam(b1=self.b1, b2=self.b2, eps=self.eps),
            optax.masked(_add_way_from_initial(self.weight_decay), decays(self.decay_mask)),
            descend(self.learning_rate, self.warmup),
        )


def _add_way_from_initial(strength: jax.Array | float) -> optax.GradientTransformation:
    def update(updates: Params, state: Any, params: Params | None = None) -> tuple[Params, Params]:
        moved = jax.tree.map(lambda leaf, now, initial: leaf + strength * (now - initial), updates, params, state)
        return moved, state

    return optax.GradientTransformation(lambda params: params, update)
