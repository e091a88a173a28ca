"""How well do the plain weights compress?"""

import zlib

import jax
import numpy as np

from grokjax import Network, Probe, part, setting


@part
class Zipped(Probe):
    """`zipped/bytes` of all parameters, and `zipped/zeros_loss`, the train loss of a network of zeros."""

    level: int = setting(9, "of zlib", at_least=1, at_most=9)

    def probe(self, network: Network) -> dict:
        leaves = jax.tree.leaves(network.params)
        data = b"".join(leaf.tobytes() for leaf in leaves)
        zeros = jax.tree.map(np.zeros_like, network.params)
        return {"zipped/bytes": len(zlib.compress(data, self.level)), "zipped/zeros_loss": network.train_loss(zeros)}
