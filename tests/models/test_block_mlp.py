"""Is a network of blocks an MLP with zeros between blocks, of as many parameters as the monolithic one?"""

import jax
import numpy as np
import pytest

from grokjax.core.streams import stream
from grokjax.models.block_mlp import BlockMlp
from grokjax.models.mlp import MLP
from grokjax.tasks.modular_arithmetic import ModularArithmetic

TASK = ModularArithmetic(modulus=7)
SIGNATURE, TABLE = TASK.signature(), TASK.table()


def init(model):
    return model.init(stream(0, "init"), SIGNATURE)


def outputs(model, params):
    return model.logits(model.prepare(params, SIGNATURE), TABLE.inputs, SIGNATURE, None)


@pytest.mark.parametrize("bias", [False, True])
def test_it_is_an_mlp_whose_matrices_are_zero_between_blocks(bias):
    model = BlockMlp(blocks=3, depth=3, block_width=4, bias=bias, initializer="torch")
    params = init(model)
    whole = {name: params[name] for name in ("hidden_0", "output")}
    for layer in (1, 2):
        kernel = np.zeros((12, 12), np.float32)
        for block in range(3):
            places = slice(4 * block, 4 * block + 4)
            kernel[places, places] = params[f"hidden_{layer}_block_{block}"]["kernel"]
        whole[f"hidden_{layer}"] = {"kernel": kernel}
        if bias:
            biases = [params[f"hidden_{layer}_block_{block}"]["bias"] for block in range(3)]
            whole[f"hidden_{layer}"]["bias"] = np.concatenate(biases)
    same = outputs(MLP(depth=3, width=12, bias=bias), whole)
    np.testing.assert_allclose(outputs(model, params), same, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", [{"depth": 2}, {"depth": 4, "bias": True}])
@pytest.mark.parametrize("blocks", [1, 2, 5, 16])
def test_it_has_the_parameters_of_the_monolithic_network_to_half_a_unit_of_each_block(settings, blocks):
    wide, modulus = 200, 31
    told = {}
    for model in (MLP(width=wide, **settings), BlockMlp(width=wide, blocks=blocks, **settings)):
        signature = ModularArithmetic(modulus=modulus).signature()
        shapes = jax.eval_shape(
            lambda key, model=model, signature=signature: model.init(key, signature), stream(0, "init")
        )
        told[model.kind] = sum(leaf.size for leaf in jax.tree.leaves(shapes))
    own = BlockMlp(width=wide, blocks=blocks, **settings)
    width, depth, bias = own.width_of_blocks(62, 31), own.depth, own.depth * own.bias
    half_a_unit = blocks * (0.5 * (93 + bias) + (depth - 1) * (width + 0.25))
    assert abs(told["mlp"] - told["block_mlp"]) <= half_a_unit
    assert (blocks > 1 and width < wide) or told["mlp"] == told["block_mlp"]


def test_one_block_is_the_monolithic_network():
    params = init(BlockMlp(blocks=1, width=20))
    whole = {"hidden_0": params["hidden_0"], "hidden_1": params["hidden_1_block_0"], "output": params["output"]}
    assert whole["hidden_1"]["kernel"].shape == (20, 20)
    np.testing.assert_allclose(outputs(MLP(depth=2, width=20), whole), outputs(BlockMlp(blocks=1, width=20), params))


def test_blocks_are_drawn_alike_and_differ():
    params = init(BlockMlp(blocks=2, block_width=100))
    one, two = (np.asarray(params[f"hidden_1_block_{block}"]["kernel"]) for block in (0, 1))
    assert not np.array_equal(one, two)
    np.testing.assert_allclose([one.std(), two.std()], 0.1, rtol=0.03)  # lecun: by the 100 inputs of a block
