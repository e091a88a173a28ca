"""Two optimizers of your own: a function that returns an optax transformation, and a part."""

import jax
import jax.numpy as jnp
import optax

from grokjax import Optimizer, Swept, part, setting


def sign_momentum(learning_rate: float, decay: float = 0.9, weight_decay: float = 0.0) -> optax.GradientTransformation:
    """Each parameter of type float is a swept number."""
    return optax.chain(
        optax.trace(decay),
        optax.stateless(lambda updates, _: jax.tree.map(jnp.sign, updates)),
        optax.add_decayed_weights(weight_decay),
        optax.scale(-1.0 * learning_rate),
    )


@part
class SlowStart(Optimizer):
    """Adam whose first moves are shortened: a part can name bounds, units and choices of its settings."""

    learning_rate: Swept = setting(1e-3, "size of an update", above=0)
    weight_decay: Swept = setting(0.0, "shrinkage by learning_rate * weight_decay an update", at_least=0)
    patience: Swept = setting(10.0, "after this many updates half the full size is reached", unit="updates", above=0)

    def transform(self) -> optax.GradientTransformation:
        return optax.chain(
            optax.scale_by_adam(b1=0.9, b2=0.98),
            optax.add_decayed_weights(self.weight_decay),
            optax.scale_by_schedule(lambda count: -self.learning_rate * count / (count + self.patience)),
        )
