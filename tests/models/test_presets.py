"""Is every preset the published network? By its number of parameters and by its loss before the first update."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.catalogue import catalogue
from grokjax.core.interfaces import Signature
from grokjax.core.streams import stream
from grokjax.losses.cross_entropy import log1p_cross_entropy
from grokjax.models.factored import Factored
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.reader.build import build_part
from grokjax.tasks.modular_arithmetic import ModularArithmetic

NANDA = ModularArithmetic(modulus=113).signature()
DEMOSS = ModularArithmetic(modulus=113, sequence="x op y =").signature()
MAMAY = ModularArithmetic(modulus=97, sequence="x op y =").signature()
POWER = MAMAY._replace(vocabulary=239, num_classes=239, input_shape=(6,), fixed=(0, 1, 2, 3))
S5 = ModularArithmetic(modulus=120).signature()  # a table as large as that of the 120 permutations
PAIR = ModularArithmetic(modulus=67, pairs="unordered").signature()
DIGITS = Signature("test", 9, (28, 28), "float32", (), "int32", 10, None, ())
ADDITION = Signature("test", 55, (2,), "int32", (), "int32", 19, 10, (0, 1))  # of the numbers 0 to 9

# 4 d^2 of attention, 8 d^2 of the MLP; 13 d where all layers have biases (4 d + 4 d + d, and 2 x 2 d of norms)
D = 128
COUNTS = [
    (Transformer.preset("nanda2023"), NANDA, 226_816),
    (Transformer.preset("demoss2024"), DEMOSS, 242_547),
    (Transformer.preset("demoss2024", layers=2), DEMOSS, 440_819),
    (Transformer.preset("power2022"), POWER, 2 * 239 * D + 2 * (12 * D**2 + 4 * D)),
    (Transformer.preset("danielmamay"), MAMAY, 99 * D + 5 * D + 2 * (12 * D**2 + 13 * D) + 2 * D + 99 * D + 99),
    (Transformer.preset("chughtai2023"), S5, 121 * D + 3 * D + 12 * D**2 + 120 * D),
    (Factored.preset("pair2023"), PAIR, 67 * 500 + 2 * 24 * 500),
    (MLP.preset("doshi2024"), MAMAY, 3 * 97 * 500),
    (MLP.preset("liu2022"), ADDITION, 10 + 2 * 200 + 201 * 200 + 201 * 19),
    (MLP.preset("omnigrok2023"), DIGITS, 785 * 200 + 201 * 200 + 201 * 10),
    (MLP.preset("mup"), MAMAY, 3 * 97 * 200),
    (MLP.preset("ntk"), MAMAY, 3 * 97 * 200),
    (MLP.preset("merrill2023"), DIGITS, 785 * 1000 + 1000 * 10),
    (MLP.preset("lyu2023"), MAMAY, 2 * 97 * 1024 + 1024 + 1024 * 97),
    (MLP.preset("prieto2025"), NANDA, 226 * 200 + 200 * 200 + 200 * 113),
    (MLP.preset("chughtai2023"), S5, 2 * 120 * 256 + 512 * 128 + 128 * 120),
]
NAMES = [f"{model.kind}-{count}" for model, _, count in COUNTS]


@pytest.mark.parametrize(("model", "signature", "count"), COUNTS, ids=NAMES)
def test_number_of_parameters(model, signature, count):
    params = jax.eval_shape(lambda: model.init(stream(0, "init"), signature))
    assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params)) == count


def test_every_preset_is_counted_here():
    published = [(cls, name) for cls in catalogue("models").values() for name in cls.presets]
    counted = [model for model, _, _ in COUNTS]
    assert [name for cls, name in published if cls.preset(name) not in counted] == []


@pytest.mark.parametrize(
    ("model", "signature", "columns"),
    [(*COUNTS[place][:2], columns) for place, columns in ((0, 114), (1, 115), (3, 239), (4, 99), (5, 120))],
    ids=["nanda2023", "demoss2024", "power2022", "danielmamay", "chughtai2023"],
)
def test_loss_before_the_first_update_is_the_log_of_the_number_of_outputs(model, signature, columns):
    """Outputs of variance v around a mean that knows nothing add v / 2 to it, to second order."""
    random = np.random.RandomState(0)
    inputs = random.randint(0, signature.vocabulary, (300, *signature.input_shape)).astype(np.int32)
    others = [place for place in range(len(inputs[0])) if place not in signature.operands]
    for place, symbol in zip(others, signature.fixed, strict=True):
        inputs[:, place] = symbol
    targets = jnp.asarray(random.randint(0, columns, 300), jnp.int32)

    @jax.jit
    def outputs_of(key):
        params = model.init(key, signature)
        return model.logits(model.prepare(params, signature), inputs, signature, None)

    losses, halves = [], []
    for seed in range(4):
        outputs = outputs_of(stream(seed, "init"))
        assert outputs.shape == (300, columns)
        losses.append(float(log1p_cross_entropy(outputs, targets).mean()))
        halves.append(float(np.var(np.asarray(outputs), axis=1).mean()) / 2)
    assert np.mean(losses) == pytest.approx(math.log(columns) + np.mean(halves), abs=0.1)
    assert np.mean(halves) < 1


def test_a_preset_is_its_settings_written_out_with_changes_on_top():
    words = {"kind": "transformer", "preset": "demoss2024", "layers": 2}
    found = build_part("models", words, "model")
    assert found == Transformer.preset("demoss2024", layers=2)
    assert found.layers == 2 and found.norm == "post" and not found.causal
    assert build_part("models", {"kind": "transformer", "preset": "nanda2023"}, "model") == Transformer(mlp_width=512)


def test_an_unknown_preset_is_refused_with_the_nearest_one():
    with pytest.raises(ValueError, match=r"model.preset: .*nanda2024.*nanda2023"):
        build_part("models", {"kind": "transformer", "preset": "nanda2024"}, "model")
    with pytest.raises(ValueError, match="Transformer has no preset 'nanda'; there are: nanda2023, power2022"):
        Transformer.preset("nanda")


def test_a_part_without_presets_knows_no_such_setting():
    with pytest.raises(ValueError, match=r"optimizer.preset: unknown key"):
        build_part("optimizers", {"kind": "sgd", "preset": "any"}, "optimizer")
