"""Do cells lie where their values are?"""

import numpy as np
import pytest

from grokjax.report.cell_axis import cell_axis


def test_values_of_a_log_axis_have_borders_at_geometric_means():
    axis = cell_axis(np.array([0.1, 1.0, 10.0, 100.0]))
    assert axis.scale == "log"
    np.testing.assert_array_equal(axis.centres, [0.1, 1, 10, 100])
    np.testing.assert_allclose(axis.edges, 10.0 ** np.arange(-1.5, 3, 1), rtol=1e-12)


def test_values_of_a_linear_axis_have_borders_halfway():
    axis = cell_axis(np.array([0.2, 0.4, 0.6]))
    assert axis.scale == "linear"
    np.testing.assert_allclose(axis.edges, [0.1, 0.3, 0.5, 0.7])
    assert axis.labels == ("0.2", "0.4", "0.6")


@pytest.mark.parametrize("values", [[0.3, 1, 3, 10], [1, 2, 5, 10, 20], [0.30000, 0.603695, 1.21483, 2.44464]])
def test_nearly_logarithmic_values_are_drawn_on_a_log_axis(values):
    assert cell_axis(np.array(values, float)).scale == "log"


@pytest.mark.parametrize("values", [[1, 2, 3], [64, 128], [5], [0, 1, 2, 4], [-1.0, 0.0, 1.0]])
def test_values_that_are_no_powers_are_drawn_on_a_linear_axis(values):
    assert cell_axis(np.array(values)).scale == "linear"


def test_two_values_a_decade_apart_are_drawn_on_a_log_axis():
    assert cell_axis(np.array([0.001, 0.1])).scale == "log"


def test_zero_beside_powers_of_ten_gets_a_place_of_its_own():
    axis = cell_axis(np.array([0.0, 0.01, 0.1, 1.0, 10.0]))
    assert axis.scale == "even"
    assert axis.labels == ("0", "0.01", "0.1", "1", "10")
    np.testing.assert_array_equal(axis.edges, [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5])


def test_texts_stand_one_after_the_other():
    values = np.empty(2, object)
    values[:] = ["x+y", "x*y"]
    axis = cell_axis(values)
    assert (axis.scale, axis.labels, len(axis)) == ("even", ("x+y", "x*y"), 2)


@pytest.mark.parametrize("value", [0.0, 5.0, -2.0])
def test_a_single_value_has_a_cell_around_it(value):
    axis = cell_axis(np.array([value]))
    assert axis.edges[0] < value < axis.edges[1]
