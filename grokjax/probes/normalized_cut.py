"""How well does a graph fall apart into clusters? Normalized cut, its spectral bound, spectral clustering, Newman's Q.

Graphs are bipartite, as those of feed-forward networks are (layers of even and of odd number): an array [row, column]
of edge weights, none negative. The largest eigenvalues of D^-1/2 A D^-1/2 are then singular values of the array with
its rows and columns divided by the roots of their sums, and eigenvectors are pairs of singular vectors.

Sources: Shi, Malik 2000 (normalized cut); Fan 1949 (the bound); Damle, Minden, Ying 2019 (arXiv 1609.08251: clusters
from eigenvectors by a pivoted QR, which draws nothing); Newman 2006 (Q).
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg

_LLOYD_STEPS = 25


class Cut(NamedTuple):
    """A graph in clusters.

    Attributes:
      bound: no partition into as many clusters has a lower normalized cut.
      ncut: normalized cut of the clusters.
      q: Newman's modularity of the clusters.
      rows: [row] int, the cluster of each row, -1 where it has no edge.
      columns: [column] int.
    """

    bound: float
    ncut: float
    q: float
    rows: np.ndarray
    columns: np.ndarray


def cut(edges: np.ndarray, clusters: int) -> Cut:
    """Spectral clustering of `edges` [row, column] into at most as many clusters; nodes without edges are left out.

    NaN and no clusters where fewer rows or columns than clusters have edges.
    """
    is_row, is_column = edges.sum(axis=1) > 0, edges.sum(axis=0) > 0
    rows, columns = np.full(len(is_row), -1), np.full(len(is_column), -1)
    if min(is_row.sum(), is_column.sum()) < clusters:
        return Cut(np.nan, np.nan, np.nan, rows, columns)
    joined = edges[is_row][:, is_column]
    scale = np.sqrt(np.outer(joined.sum(axis=1), joined.sum(axis=0)))
    left, singular, right = np.linalg.svd(joined / scale, full_matrices=False)
    vectors = np.concatenate([left[:, :clusters], right[:clusters].T])
    tried = _clustered(vectors)
    labels = [(one[: is_row.sum()], one[is_row.sum() :]) for one in tried]
    ncuts = [normalized_cut(joined, *pair, clusters) for pair in labels]
    best = int(np.argmin(ncuts))
    rows[is_row], columns[is_column] = labels[best]
    q = newman_q(joined, *labels[best], clusters)
    return Cut(float(clusters - singular[:clusters].sum()), ncuts[best], q, rows, columns)


def _clustered(vectors: np.ndarray) -> list[np.ndarray]:
    """[node] clusters from eigenvectors [node, cluster]: by pivoted QR, and what Lloyd's steps make of these.

    Nothing is drawn, and turned or reordered vectors give the same clusters.
    """
    clusters = vectors.shape[1]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.where(lengths > 0, lengths, 1)
    *_, pivots = linalg.qr(vectors.T, pivoting=True, mode="economic")
    left, _, right = np.linalg.svd(vectors[pivots[:clusters]].T)
    first = np.argmax(np.abs(vectors @ (left @ right)), axis=1)
    labels = first
    for _ in range(_LLOYD_STEPS):
        members = np.eye(clusters)[labels]
        centres = members.T @ units / np.maximum(members.sum(axis=0), 1)[:, None]
        nearest = np.argmax(units @ centres.T - 0.5 * np.sum(centres**2, axis=1), axis=1)
        if np.array_equal(nearest, labels):
            break
        labels = nearest
    return [first, labels]


def normalized_cut(edges: np.ndarray, rows: np.ndarray, columns: np.ndarray, clusters: int) -> float:
    """Sum over clusters of the weight of edges that leave one over the sum of its degrees; 1 for an empty one.

    Args:
      edges: [row, column].
      rows: [row] int, cluster of each.
      columns: [column] int.
    """
    inside, degrees = _inside(edges, rows, columns, clusters)
    return float(clusters - np.sum(2 * inside / np.where(degrees > 0, degrees, 1)))


def newman_q(edges: np.ndarray, rows: np.ndarray, columns: np.ndarray, clusters: int) -> float:
    """Share of the weight inside clusters minus what it would be, were edges drawn by the degrees of nodes alone."""
    inside, degrees = _inside(edges, rows, columns, clusters)
    total = degrees.sum()
    return float(np.sum(2 * inside) / total - np.sum((degrees / total) ** 2))


def _inside(edges: np.ndarray, rows: np.ndarray, columns: np.ndarray, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """[cluster] weight of the edges inside, and sum of degrees."""
    of_rows, of_columns = np.eye(clusters)[rows], np.eye(clusters)[columns]
    inside = np.sum(of_rows * (edges @ of_columns), axis=0)
    return inside, of_rows.T @ edges.sum(axis=1) + of_columns.T @ edges.sum(axis=0)
