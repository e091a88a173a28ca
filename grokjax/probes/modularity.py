"""Do the units of a network fall into groups that have little to do with each other?

Source: Filan, Casper, Hod, Wild, Critch, Russell 2021 (arXiv 2103.03386): normalized cut of the graph of weights after
spectral clustering, against that of networks with shuffled weights.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from grokjax.core.interfaces import Network, Probe, WeightGraph
from grokjax.core.part import part, setting
from grokjax.core.waves import checked_modulus, components
from grokjax.probes.normalized_cut import cut
from grokjax.probes.weight_graphs import check_clusters, joined, scaled, weight_graphs

STATISTICS = ("bound", "ncut", "q")
_IS_MODULAR_LOW = np.array([1, 1, -1])  # a low cut and a high Q are those of modules


@part
class Modularity(Probe):
    """Normalized cut of the graph of weights, lower where units form modules, against weights shuffled in each layer.

    Nodes are the units of all layers, inputs and outputs among them (of a transformer: the MLP of each layer with the
    stream, values are means over layers); edges are sizes of weights, linear factors multiplied, biases left out.

    `modularity/ncut` is the sum over clusters of the share of their weight that leaves them, from 0 to the number of
    clusters, after spectral clustering; `bound` the least that any clustering could have (the sum of the smallest
    eigenvalues of the normalized Laplacian), `q` Newman's modularity of the same clusters. For each of the three:
    `NAME_shuffled` and `NAME_shuffled_sd`, mean and deviation over shuffles, `NAME_z`, deviations from that mean (below
    0 for modules; of `q` above), and `NAME_p`, the share of shuffles at least as modular, the network among them.

    Settings other than the defaults have names of their own: `modularity_waves_squared/ncut`. In the basis `waves` the
    symbols and classes of x + y modulo p are replaced by cosines and sines.
    """

    paper = "Filan, Casper, Hod, Wild, Critch, Russell 2021, arXiv 2103.03386"

    clusters: int = setting(4, "to cut the graph into", at_least=2)
    edges: str = setting("absolute", "weight of an edge: of the weight, or its square", choices=("absolute", "squared"))
    scaling: str = setting(
        "incoming",
        "of units: incoming weights of mean size 1, outgoing ones the other way (a relu network stays the same)",
        choices=("incoming", "unscaled"),
    )
    basis: str = setting("nodes", "of symbols and classes: as they are, or waves", choices=("nodes", "waves"))
    shuffles: int = setting(50, "networks with shuffled weights", at_least=2)
    seed: int = setting(0, "of the shuffles", at_least=0)

    def probe(self, network: Network) -> dict[str, Any]:
        graphs = weight_graphs(network, self.kind)
        if self.basis == "waves":
            graphs = [in_waves(graph, network, self.kind) for graph in graphs]
        for graph in graphs:
            check_clusters(graph, self.clusters, self.kind)
        if not all(np.isfinite(matrix).all() for graph in graphs for matrix in graph.weights):
            return self._values(np.full((1, self.shuffles + 1, 3), np.nan))
        return self._values(np.stack([self._of_graph(graph) for graph in graphs]))

    def _of_graph(self, graph: WeightGraph) -> np.ndarray:
        """[network, statistic], the shuffled networks behind the real one."""
        weights = [np.abs(matrix.astype(np.float64)) for matrix in graph.weights]
        weights = scaled(weights) if self.scaling == "incoming" else weights
        weights = [np.square(matrix) for matrix in weights] if self.edges == "squared" else weights
        random = np.random.default_rng(self.seed)
        networks = [weights, *(shuffled(weights, random) for _ in range(self.shuffles))]
        return np.array([cut(joined(network), self.clusters)[:3] for network in networks])

    def _values(self, statistics: np.ndarray) -> dict[str, Any]:
        """Named values of [graph, network, statistic]."""
        own, others = statistics[:, 0], statistics[:, 1:]
        mean, deviation = others.mean(axis=1), others.std(axis=1, ddof=1)
        z = (own - mean) / np.where(deviation > 0, deviation, np.nan)
        is_as_modular = (others - own[:, None]) * _IS_MODULAR_LOW <= 0
        p = np.where(np.isnan(own), np.nan, (1 + is_as_modular.sum(axis=1)) / (1 + self.shuffles))
        columns = {"": own, "_shuffled": mean, "_shuffled_sd": deviation, "_z": z, "_p": p}
        choices = zip((self.basis, self.scaling, self.edges), ("nodes", "incoming", "absolute"), strict=True)
        group = "_".join(["modularity", *(choice for choice, default in choices if choice != default)])
        return {
            f"{group}/{name}{ending}": float(column[:, index].mean())
            for index, name in enumerate(STATISTICS)
            for ending, column in columns.items()
        }


def in_waves(graph: WeightGraph, network: Network, probe: str) -> WeightGraph:
    """The graph with symbols and classes replaced by a constant, cosines and sines.

    Raises:
      ValueError: the task is no table modulo p, or the graph does not begin and end with symbols.
    """
    if not graph.of_symbols:
        raise ValueError(f"measure.what: {probe} needs a network from symbols to classes (mlp) for its basis waves")
    modulus = checked_modulus(network.signature, probe)
    waves, (first, *rest) = components(modulus), graph.weights
    operands = first.reshape(-1, modulus, first.shape[1])  # [operand, symbol, unit]
    weights = [(waves @ operands).reshape(first.shape), *rest]
    weights[-1] = weights[-1] @ waves.T
    return graph._replace(weights=tuple(weights))


def shuffled(weights: Sequence[np.ndarray], random: np.random.Generator) -> list[np.ndarray]:
    """The same weights in each layer at random places; sorted first, so that the order of units plays no part."""
    return [random.permutation(np.sort(matrix, axis=None)).reshape(matrix.shape) for matrix in weights]
