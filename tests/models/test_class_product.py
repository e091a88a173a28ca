"""Is a product with the classes first in memory the plain product, its gradient included?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.models.class_product import ClassLayer, class_product
from grokjax.models.initializers import scheme


@pytest.mark.parametrize("leading", [(5,), (4, 3)], ids=["one answer", "several answers"])
@pytest.mark.parametrize("classes", [3, 7, 11], ids=["fewer classes than units", "as many", "more"])
@pytest.mark.parametrize("added", ["nothing", "a bias", "a row", "rows"])
def test_outputs_and_gradients_are_those_of_the_plain_product(leading, classes, added):
    drawn = np.random.default_rng(0)
    with jax.enable_x64(True):
        rows, matrix = jnp.array(drawn.normal(size=(*leading, 7))), jnp.array(drawn.normal(size=(7, classes)))
        shapes = {"a bias": (classes,), "a row": (*(1,) * len(leading), classes), "rows": (*leading, classes)}
        extra = jnp.array(drawn.normal(size=shapes[added])) if added != "nothing" else None
        weights = jnp.array(drawn.normal(size=(*leading, classes)))

        def plain(rows, matrix, extra):
            start = 0.0 if extra is None else jnp.broadcast_to(extra, weights.shape)
            return jnp.einsum("...u,uc->...c", rows, matrix) + start

        def total(function):
            return lambda *arguments: jnp.sum(weights * jnp.tanh(function(*arguments)))

        arguments = (rows, matrix, extra)
        np.testing.assert_allclose(class_product(*arguments), plain(*arguments), rtol=1e-12)
        found = jax.grad(total(class_product), argnums=(0, 1))(*arguments)
        expected = jax.grad(total(plain), argnums=(0, 1))(*arguments)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-14)


def test_a_class_layer_has_the_parameters_of_a_dense_layer():
    layer = ClassLayer(scheme("torch", 8, 8), classes=3, bias=True)
    rows = jnp.ones((5, 8))
    params = layer.init(jax.random.key(0), rows)["params"]
    assert {name: leaf.shape for name, leaf in params.items()} == {"kernel": (8, 3), "bias": (3,)}
    expected = rows @ params["kernel"] + params["bias"][None]
    np.testing.assert_allclose(layer.apply({"params": params}, rows), expected, rtol=1e-6)
