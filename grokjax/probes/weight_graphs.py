"""The units of a stored network and the weights between them, as a graph."""

from collections.abc import Sequence

import numpy as np

from grokjax.core.interfaces import Network, WeightGraph
from grokjax.probes.normalized_cut import cut


def weight_graphs(network: Network, probe: str) -> list[WeightGraph]:
    """Graphs of weights of the network; refuses, in one line, one that is not made of layers of units."""
    graphs = network.model.weight_graphs(network.params, network.signature)
    if not graphs:
        raise ValueError(
            f"measure.what: {probe} needs a model made of layers of units (mlp without product and residual, "
            f"block_mlp, factored, or the MLPs of a transformer), got {network.model.kind}"
        )
    return list(graphs)


def check_clusters(graph: WeightGraph, clusters: int, probe: str) -> None:
    """Refuse, in one line, more clusters than the layers of even or of odd number have nodes."""
    most = min(joined(graph.weights).shape)
    if clusters > most:
        raise ValueError(f"measure.what: {probe} needs at most {most} clusters here, got {clusters}")


def clusters_of_units(network: Network, clusters: int, probe: str) -> tuple[np.ndarray, int]:
    """[unit] cluster of each hidden unit by sizes of weights, or -1, and how many there are in all graphs together."""
    labels, graphs = [], weight_graphs(network, probe)
    for number, graph in enumerate(graphs):
        check_clusters(graph, clusters, probe)
        weights = scaled([np.abs(np.nan_to_num(matrix, posinf=0, neginf=0)) for matrix in graph.weights])
        told = cut(joined(weights), clusters)
        own = parted(told.rows, told.columns, weights)[1:-1]
        labels += [np.where(layer < 0, -1, layer + number * clusters) for layer in own]
    return np.concatenate(labels), clusters * len(graphs)


def scaled(weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Sizes of weights [node, next node] of a relu network that computes the same, each unit with incoming mean 1."""
    weights = list(weights)
    for layer in range(len(weights) - 1):
        size = weights[layer].mean(axis=0)
        size = np.where(size > 0, size, 1)
        weights[layer], weights[layer + 1] = weights[layer] / size, weights[layer + 1] * size[:, None]
    return weights


def joined(weights: Sequence[np.ndarray]) -> np.ndarray:
    """Edges between the layers of even number [row] and those of odd number [column]."""
    sizes = [len(weights[0]), *(matrix.shape[1] for matrix in weights)]
    starts = [sum(sizes[layer % 2 : layer : 2]) for layer in range(len(sizes))]
    edges = np.zeros((sum(sizes[::2]), sum(sizes[1::2])))
    for layer, matrix in enumerate(weights):
        even, odd = (layer, layer + 1) if layer % 2 == 0 else (layer + 1, layer)
        rows, columns = slice(starts[even], starts[even] + sizes[even]), slice(starts[odd], starts[odd] + sizes[odd])
        edges[rows, columns] = matrix if layer % 2 == 0 else matrix.T
    return edges


def parted(rows: np.ndarray, columns: np.ndarray, weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What is said of rows and columns of `joined`, layer by layer."""
    sizes = [len(weights[0]), *(matrix.shape[1] for matrix in weights)]
    even, odd = (np.split(values, np.cumsum(sizes[first::2])[:-1]) for first, values in enumerate((rows, columns)))
    return [(even, odd)[layer % 2][layer // 2] for layer in range(len(sizes))]
