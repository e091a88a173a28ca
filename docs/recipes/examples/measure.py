"""Two measures of your own: how far the weights moved, and how sure the network is of its answers."""

import jax
import jax.numpy as jnp

from grokjax import View


def moved(view: View) -> dict[str, jax.Array]:
    """L2 distance from the initial parameters."""
    start = view.initial_params()
    parts = jax.tree.map(lambda now, then: jnp.sum(jnp.square(now - then)), view.params, start)
    return {"moved/distance": jnp.sqrt(sum(jax.tree.leaves(parts)))}


def confidence(view: View, temperature: float = 1.0) -> dict[str, jax.Array]:
    """Largest class probability, averaged over the train and the test examples."""
    sure = jax.nn.softmax(view.logits() / temperature).max(axis=1)
    is_train = view.split.group < 2  # train_clean and train_noisy, by their place in GROUPS
    return {
        "confidence/train": jnp.mean(sure, where=is_train),
        "confidence/test": jnp.mean(sure, where=~is_train),
    }
