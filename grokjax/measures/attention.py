"""Where do attention heads look, and do they differ? Entropy of their weights, and similarity between heads.

Papers: Zhai, Likhomanenko, Littwin et al. 2023 (arXiv 2303.06296) on the entropy; Michel, Levy, Neubig 2019 (arXiv
1905.10650) on heads that can be left out.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, View
from grokjax.core.part import part, setting


@part
class Attention(Measure):
    """`attention_entropy/LAYER` [head] (nats) and `attention_similarity/LAYER`, over a sample of examples.

    Entropy is the mean over examples and queries: 0 when a head looks at one token, log n when it looks at n alike. In
    the last layer only the positions that are answered have queries. Similarity is the mean cosine between the weights
    of two different heads, all examples, queries and keys in one vector; 1 with one head.
    Cost: one pass over the sample, every token for itself.
    """

    paper = "Zhai, Likhomanenko, Littwin et al. 2023, arXiv 2303.06296"

    examples: int = setting(512, "rows of the table that are looked at, spread evenly, at most all", at_least=1)

    def measure(self, view: View) -> dict[str, jax.Array]:
        named = view.activations("weights", view.inputs[view.spread_rows(self.examples)])
        measured = {}
        for name, weights in named.items():
            layer = name.removesuffix("/weights").removesuffix("/attention")
            measured[f"attention_entropy/{layer}"] = head_entropy(weights).astype(jnp.float32)
            measured[f"attention_similarity/{layer}"] = head_similarity(weights).astype(jnp.float32)
        return measured


def head_entropy(weights: jax.Array) -> jax.Array:
    """[head] mean entropy of weights [example, head, query, key]."""
    logs = jnp.log(jnp.where(weights > 0, weights, 1.0))
    return jnp.mean(-jnp.sum(weights * logs, axis=-1), axis=(0, 2))


def head_similarity(weights: jax.Array) -> jax.Array:
    """Mean cosine between different heads of weights [example, head, query, key]."""
    heads = weights.shape[1]
    if heads == 1:
        return jnp.ones(())
    by_head = jnp.moveaxis(weights, 1, 0).reshape(heads, -1)
    directions = by_head / jnp.sqrt(jnp.sum(jnp.square(by_head), axis=1, keepdims=True))
    total = jnp.sum(jnp.square(jnp.sum(directions, axis=0)))  # of all pairs, each head with itself among them
    return (total - heads) / (heads * (heads - 1))
