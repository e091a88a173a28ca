"""Are normalized cut, its bound and Newman's Q what their definitions say, and clusters those that were planted?"""

import itertools

import numpy as np
import pytest

from grokjax.probes.normalized_cut import cut, newman_q, normalized_cut

RNG = np.random.default_rng(0)


def planted(clusters, size, between):
    """Weight 1 inside and `between` elsewhere; rows are twice as many as columns, both out of order."""
    rows, columns = RNG.permutation(np.arange(2 * size * clusters) % clusters), np.arange(size * clusters) % clusters
    return np.where(rows[:, None] == columns[None], 1.0, between), rows, columns


@pytest.mark.parametrize("between", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("clusters", [2, 3, 5])
def test_planted_clusters_are_those_with_the_cut_known_in_closed_form(clusters, between):
    edges, rows, columns = planted(clusters, 6, between)
    told = cut(edges, clusters)
    share = (clusters - 1) * between / (1 + (clusters - 1) * between)
    assert told.ncut == pytest.approx(clusters * share, abs=1e-9)
    assert told.bound == pytest.approx(told.ncut, abs=1e-9)  # equal blocks: the bound is reached
    assert told.q == pytest.approx(1 - share - 1 / clusters)
    pairs = set(zip(told.rows.tolist(), rows.tolist(), strict=True))
    assert len(pairs) == clusters and pairs == set(zip(told.columns.tolist(), columns.tolist(), strict=True))


def test_a_graph_of_equal_edges_has_no_clusters():
    for clusters in (2, 4):
        assert cut(np.ones((40, 20)), clusters).bound == pytest.approx(clusters - 1)


def test_random_weights_have_the_bound_of_random_matrices():
    rows, columns = 240, 150  # singular values of noise end at its deviation times the sum of the roots of both sides
    edges = np.abs(RNG.normal(size=(rows, columns)))
    noise = np.sqrt(np.pi / 2 - 1) * (rows**-0.5 + columns**-0.5)  # deviation over mean of half normal numbers
    told = cut(edges, 3)
    assert told.bound == pytest.approx(2 - 2 * noise, abs=0.03)
    assert told.bound < told.ncut < 2


def test_it_is_what_the_definitions_say_of_the_whole_graph():
    edges, clusters = RNG.random((9, 5)) ** 3, 3
    told = cut(edges, clusters)
    adjacency = np.block([[np.zeros((9, 9)), edges], [edges.T, np.zeros((5, 5))]])
    degrees, labels = adjacency.sum(axis=1), np.concatenate([told.rows, told.columns])
    laplacian = np.eye(14) - adjacency / np.sqrt(np.outer(degrees, degrees))
    assert told.bound == pytest.approx(np.linalg.eigvalsh(laplacian)[:clusters].sum())
    assert told.ncut == pytest.approx(
        sum(
            adjacency[labels == cluster][:, labels != cluster].sum() / degrees[labels == cluster].sum()
            for cluster in range(clusters)
        )
    )
    total, pairs = degrees.sum(), itertools.product(range(14), repeat=2)
    by_pair = sum(adjacency[i, j] - degrees[i] * degrees[j] / total for i, j in pairs if labels[i] == labels[j])
    assert told.q == pytest.approx(by_pair / total)


def test_no_partition_is_below_the_bound():
    for seed in range(5):
        edges = np.random.default_rng(seed).random((6, 4)) ** 4
        told = cut(edges, 2)
        every = [
            normalized_cut(edges, np.array(labels[:6]), np.array(labels[6:]), 2)
            for labels in itertools.product((0, 1), repeat=10)
        ]
        assert told.bound <= min(every) + 1e-12
        assert min(every) <= told.ncut + 1e-12


def test_the_order_of_nodes_plays_no_part():
    edges = RNG.random((30, 20)) ** 3
    rows, columns = RNG.permutation(30), RNG.permutation(20)
    before, after = cut(edges, 4), cut(edges[rows][:, columns], 4)
    np.testing.assert_allclose(before[:3], after[:3], rtol=1e-9)


def test_nodes_without_edges_are_left_out():
    edges = RNG.random((8, 6))
    more = np.pad(edges, ((0, 3), (2, 0)))
    told = cut(more, 2)
    np.testing.assert_allclose(told[:3], cut(edges, 2)[:3])
    assert (told.rows[8:] == -1).all() and (told.columns[:2] == -1).all()
    assert np.isnan(cut(np.zeros((4, 4)), 2)[:3]).all()


def test_an_empty_cluster_counts_as_cut_off_whole():
    edges, rows = np.ones((4, 4)), np.array([0, 0, 1, 1])
    assert normalized_cut(edges, rows, rows, 3) == pytest.approx(normalized_cut(edges, rows, rows, 2) + 1)
    assert newman_q(edges, rows, rows, 3) == pytest.approx(newman_q(edges, rows, rows, 2)) == pytest.approx(0)
