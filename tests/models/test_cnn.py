"""Is the convolutional network what its docstring says? Against sums written out in NumPy."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.interfaces import Signature
from grokjax.core.streams import stream
from grokjax.models.cnn import CNN
from grokjax.reader.run import Run
from grokjax.tasks.arrays import Arrays

KEY = stream(3, "init")


def images(*shape: int) -> Signature:
    return Signature("test", 20, shape, "float32", (), "int32", 4, None, ())


def convolved(maps: np.ndarray, layer: dict) -> np.ndarray:
    """Stride 2, zeros around: [example, row, column, channel], one place after the other."""
    kernel, size = layer["kernel"], layer["kernel"].shape[0]
    places = [math.ceil(side / 2) for side in maps.shape[1:3]]
    missing = [max(2 * (count - 1) + size - side, 0) for count, side in zip(places, maps.shape[1:3], strict=True)]
    around = [(lack // 2, lack - lack // 2) for lack in missing]
    maps = np.pad(maps, [(0, 0), *around, (0, 0)])
    found = np.zeros((len(maps), *places, kernel.shape[3]))
    for row in range(places[0]):
        for column in range(places[1]):
            seen = maps[:, 2 * row : 2 * row + size, 2 * column : 2 * column + size]
            found[:, row, column] = np.einsum("eijc,ijcd->ed", seen, kernel)
    return found + layer.get("bias", 0)


def by_hand(model: CNN, params: dict, maps: np.ndarray) -> np.ndarray:
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    for index in range(model.layers):
        maps = np.maximum(convolved(maps, params[f"conv_{index}"]), 0)
    return maps.reshape(len(maps), -1) @ params["output"]["kernel"] + params["output"].get("bias", 0)


@pytest.mark.parametrize(
    ("fields", "shape", "as_maps"),
    [
        ({}, (7, 6), (7, 6, 1)),
        ({"layers": 3, "bias": False}, (9, 9, 2), (9, 9, 2)),
        ({"kernel": 2, "layers": 1, "initializer": "he"}, (25,), (5, 5, 1)),
        ({"kernel": 5}, (8, 8), (8, 8, 1)),
    ],
)
def test_logits_equal_sums_in_numpy(fields, shape, as_maps):
    model, signature = CNN(channels=3, **fields), images(*shape)
    params = model.init(KEY, signature)
    inputs = np.random.RandomState(0).randn(6, *shape).astype(np.float32)
    logits = model.logits(model.prepare(params, signature), jnp.asarray(inputs), signature, None)
    assert logits.shape == (6, 4)
    np.testing.assert_allclose(logits, by_hand(model, params, inputs.reshape(6, *as_maps)), rtol=1e-4, atol=1e-5)


def test_number_of_parameters_and_of_places():
    model = CNN()
    params = jax.eval_shape(lambda: model.init(KEY, images(28, 28)))
    count = (9 * 16 + 16) + (9 * 16 * 32 + 32) + (7 * 7 * 32 * 4 + 4)
    assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params)) == count
    assert model.rows_per_example(images(28, 28)) == model.rows_per_example(images(784)) == 14 * 14


def test_initial_values_are_those_of_pytorch_and_may_be_scaled_by_layer():
    params = CNN(channels=64, init_scale=3.0, init_scale_on="conv_1/*").init(KEY, images(8, 8))
    for name, factor, seen in (("conv_0", 1, 9), ("conv_1", 3, 9 * 64)):
        for leaf in params[name].values():
            largest = np.abs(np.asarray(leaf)).max() / (factor * seen**-0.5)
            assert 0.9 < largest <= 1.0001


@pytest.mark.parametrize("signature", [images(7), images(2, 2, 2, 2), images(9)._replace(vocabulary=3)])
def test_what_is_no_image_is_refused(signature):
    with pytest.raises(ValueError, match=r"^model.kind: cnn needs real-valued images .*nearest is mlp$"):
        CNN().init(KEY, signature)


def test_it_learns_bright_corners_through_the_whole_engine(tmp_path):
    random = np.random.RandomState(0)
    targets = random.randint(0, 4, 160)
    inputs = 0.3 * random.rand(160, 8, 8)
    for image, corner in zip(inputs, targets, strict=True):
        image[4 * (corner // 2) : 4 * (corner // 2) + 4, 4 * (corner % 2) : 4 * (corner % 2) + 4] += 0.5
    np.savez(tmp_path / "corners.npz", inputs=inputs, targets=targets)
    run = Run(
        task=Arrays(path=str(tmp_path / "corners.npz"), train_fraction=0.5),
        model={"kind": "cnn", "channels": 4},
        optimizer={"kind": "adamw", "learning_rate": 0.01},
    )
    history = run.train(steps=100).history
    assert float(history["test/accuracy"][-1]) == 1.0
