"""Are axes and seeds that change no run refused, and all others let through?"""

import jax
import pytest

from grokjax.spec.errors import SpecError
from grokjax.spec.idle import traced
from grokjax.spec.sweep_file import load

L1 = {"kind": "l1", "strength": 1}
SWITCH = {"switch": {"after": 1, "at_step": 1}}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"axes": {"model.embedding": [8, 16]}}, "axes.model.embedding: changes nothing"),
        ({"axes": {"model.shared_embedding": [True, False]}}, "axes.model.shared_embedding: changes nothing"),
        ({"axes": {"zip": {"model.embedding": [8, 16], "model.width": [4, 8]}}}, "model.embedding: changes nothing"),
        ({"model": "transformer", "axes": {"model.norm_kind": ["layer", "rms"]}}, "norm_kind: changes nothing"),
        ({"model": "transformer", "axes": {"model.causal": [True, False]}}, "causal: changes nothing"),
        ({"optimizer": "sgd", "axes": {"optimizer.nesterov": [True, False]}}, "nesterov: changes nothing"),
        ({"axes": {"seeds.noise": [0, 1]}}, "axes.seeds.noise: changes nothing: there is no label noise"),
        ({"axes": {"seeds.noise": [0, 1]}, "model.dropout": 0}, "axes.seeds.noise: changes nothing"),
        ({"axes": {"seeds.order": [0, 1]}}, "axes.seeds.order: changes nothing: the full train set"),
        ({"seeds": {"count": 3, "streams": {"split": 0, "init": 0}}}, "seeds: 3 seeds give equal runs"),
    ],
)
def test_what_changes_no_run_is_refused_by_its_name(small, changes, key):
    with pytest.raises(SpecError, match=key):
        load(small(changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"model.encoding": "summed", "axes": {"model.embedding": [8, 16]}},
        {"model.encoding": "concatenated", "axes": {"model.shared_embedding": [True, False]}},
        {"axes": {"model.encoding": ["one_hot", "summed"], "model.embedding": [8, 16]}},
        {"optimizer": {"kind": "sgd", "momentum": 0.9}, "axes": {"optimizer.nesterov": [True, False]}},
        {"optimizer": "sgd", "axes": {"optimizer.momentum": [0, 0.9], "optimizer.nesterov": [True, False]}},
        {"optimizer": "sgd", "axes": {"optimizer.momentum": [0, 0.9], "optimizer.warmup": [0, 10]}},
        {"model.dropout": 0.1, "axes": {"seeds.noise": [0, 1]}},
        {"axes": {"model.dropout": [0, 0.1], "seeds.noise": [0, 1]}},
        {"axes": {"model.dropout": [None, 0.1], "seeds.noise": [0, 1]}},
        {"task.label_noise": 0.2, "axes": {"seeds.noise": [0, 1]}},
        {"axes": {"task.label_noise": [0, 0.2], "seeds.noise": [0, 1]}},
        {"train.minibatch": 5, "axes": {"seeds.order": [0, 1]}},
        {"axes": {"train.minibatch": ["full", 5], "seeds.order": [0, 1]}},
        {"axes": {"seeds.init": [0, 1], "model.init_scale": [1, 2]}},
        {"seeds": {"count": 3, "streams": {"split": 0}}},
        {"regularizers": [L1], "axes": {"regularizers.0.over": ["all", "matrices"]}, "model.bias": True},
        {"regularizers": [{"kind": "clip"}], "axes": {"regularizers.0.max_norm": [0.1, 1]}},
        {"axes": {"loss.form": ["plain", "log1p"], "optimizer.eps": [1e-8, 1e-6]}, "loss": "cross_entropy"},
        {"axes": {"optimizer.weight_decay.at_step": [1, 2]}, "optimizer.weight_decay": SWITCH},
        {"precision": {"params": "float64"}, "axes": {"optimizer.b2": [0.9, 0.99]}},
        {"axes": {"optimizer.b1": [0.9]}},
    ],
)  # fmt: skip
def test_what_changes_some_run_is_let_through(small, changes):
    assert load(small(changes)).num_runs >= 1


def test_a_regularizer_that_draws_makes_noise_seeds_count(small, tmp_path):
    (tmp_path / "noise.py").write_text(
        "import jax\n\nfrom grokjax import Regularizer, part\n\n\n@part\nclass Shake(Regularizer):\n"
        "    def penalty(self, params, key, step):\n"
        "        leaves = jax.tree.leaves(params)\n"
        "        return sum(jax.numpy.sum(jax.random.normal(key, leaf.shape) * leaf) for leaf in leaves)\n"
    )
    drawn = small({"regularizers": [{"kind": "./noise.py:Shake"}], "axes": {"seeds.noise": [0, 1]}})
    assert load(drawn, folder=tmp_path).num_runs == 2


def test_a_setting_that_a_network_of_your_own_never_reads_is_refused(small, tmp_path):
    (tmp_path / "net.py").write_text(
        "import flax.linen as nn, jax\n\nclass Net(nn.Module):\n    num_classes: int\n    forgotten: int = 3\n\n"
        "    @nn.compact\n    def __call__(self, inputs):\n"
        "        return nn.Dense(self.num_classes)(jax.nn.one_hot(inputs, 9).reshape(len(inputs), -1))\n"
    )
    with pytest.raises(SpecError, match=r"axes\.model\.forgotten: changes nothing"):
        load(small({"model": {"kind": "./net.py:Net"}, "axes": {"model.forgotten": [3, 4]}}), folder=tmp_path)


def test_an_array_inside_a_compiled_part_of_a_network_tells_settings_apart(small, tmp_path):
    (tmp_path / "net.py").write_text(
        "import flax.linen as nn, jax, numpy as np\nclass Net(nn.Module):\n    num_classes: int\n    period: int = 3\n"
        "    @nn.compact\n    def __call__(self, inputs):\n"
        "        wave = np.sin(np.arange(9) / self.period).astype(np.float32)\n"
        "        waved = jax.jit(lambda hot: (hot * wave[None, None]).reshape(len(inputs), -1))\n"
        "        return nn.Dense(self.num_classes)(waved(jax.nn.one_hot(inputs, 9)))\n"
    )
    sweep = load(small({"model": {"kind": "./net.py:Net"}, "axes": {"model.period": [3, 4]}}), folder=tmp_path)
    assert sweep.num_cells == 2


@pytest.mark.parametrize("model", ["mlp", "transformer"])
def test_a_trace_sees_each_number_of_a_run_that_its_update_uses(small, model):
    run = load(small({"model": {"kind": model, "dropout": 0.1}, "regularizers": [L1]})).base
    names = [".".join(str(getattr(key, "name", getattr(key, "idx", key))) for key in path) for path, _ in
             jax.tree_util.tree_leaves_with_path(run)]  # fmt: skip
    used = {name for name, is_used in zip(names, traced(run).used, strict=True) if is_used}
    wanted = {"model.dropout", "model.init_scale", "optimizer.weight_decay", "regularizers.0.strength"}
    assert wanted | {"seeds.init", "seeds.noise"} <= used
    assert not used & {"task.train_fraction", "seeds.split", "seeds.order"}
