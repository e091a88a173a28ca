"""Are axes, seeds and values that make equal runs refused, and all others let through?"""

import copy

import jax
import pytest

from grokjax.core.data_warning import DataWarning
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load as load_file
from grokjax.train.equal_runs import check_equal_runs
from grokjax.train.reads import reading

SMALL = {
    "name": "small",
    "task": {"kind": "modular_arithmetic", "modulus": 7},
    "model": {"kind": "mlp", "width": 8},
    "optimizer": {"kind": "adamw"},
    "train": {"steps": 100},
}
L1 = {"kind": "l1", "strength": 1}
SWITCH = {"switch": {"after": 1, "at_step": 1}}


@pytest.fixture(scope="session")
def small():
    """A mapping of a small sweep with dotted keys replaced."""

    def changed(changes):
        mapping = copy.deepcopy(SMALL)
        for key, value in changes.items():
            node, words = mapping, [key] if key.startswith("axes") else key.split(".")
            for word in words[:-1]:
                node[word] = {"kind": node[word]} if isinstance(node.get(word), str) else node.get(word, {})
                node = node[word]
            node[words[-1]] = copy.deepcopy(value)
        return mapping

    return changed


def load(mapping, **options):
    """A sweep that was checked as the command line does."""
    return load_file(mapping, check=check_equal_runs, **options)


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
        ({"axes": {"seeds.noise": [0, 1]}, "regularizers": [{"kind": "weight_noise", "std": 0}]}, "seeds.noise: chan"),
        ({"axes": {"seeds.noise": [0, 1]}, "regularizers": [{"kind": "sam"}]}, "seeds.noise: changes nothing"),
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
        {"axes": {"regularizers.0.std": [0, 0.1], "seeds.noise": [0, 1]}, "regularizers": ["weight_noise"]},
        {"axes": {"regularizers.0.std": [0, 0.1], "seeds.noise": [0, 1]}, "regularizers": ["weight_jitter"]},
        {"axes": {"regularizers.0.rho": [0, 0.1]}, "regularizers": ["sam"]},
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
    is_read = reading(run, run.task.signature(), corrupts=False).is_read
    read = {name for name, counts in zip(names, is_read, strict=True) if counts}
    wanted = {"model.dropout", "model.init_scale", "optimizer.learning_rate", "regularizers.0.strength"}
    assert wanted | {"seeds.split", "seeds.init", "seeds.noise"} <= read
    assert not read & {"task.train_fraction", "task.label_noise", "seeds.order"}


@pytest.mark.parametrize("stream", ["noise", "order"])
def test_a_stream_that_nothing_reads_is_refused_as_an_axis_beside_seeds_that_differ(small, stream):
    with pytest.raises(SpecError, match=rf"axes\.seeds\.{stream}: changes nothing"):
        load(small({"axes": {f"seeds.{stream}": [0, 1, 2]}, "seeds": 2}))


def test_seeds_that_feed_only_streams_which_nothing_reads_are_refused(small):
    with pytest.raises(SpecError, match="3 seeds give equal runs: the full train set .* and there is no label noise"):
        load(small({"axes": {"seeds.split": [0, 1], "seeds.init": [0, 1]}, "seeds": 3}))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"axes": {"task.train_fraction": [0.5, 0.50001]}}, r"fraction: 0\.5 and 0\.50001 give the same"),
        ({"axes": {"task.label_noise": [0, 0.001]}}, r"noise: 0\.0 and 0\.001 .*24 train .*, 0 labels"),
        ({"task.label_noise": 0.3, "axes": {"task.label_noise": [0.3, 0.301]}}, "0.3 and 0.301 give the same runs"),
        ({"axes": {"train.minibatch": ["full", 512]}}, "full and 512 give the same runs"),
        ({"axes": {"train.minibatch": [600, 512]}}, "600 and 512 give the same runs"),
        ({"train.minibatch": 20, "axes": {"train.minibatch.share": [1, 0.95]}}, "give the same runs"),
        (
            {"axes": {"task.train_fraction": [0.3, 0.9], "task.label_noise": [0, 0.04]}},
            r"0\.0 and 0\.04 give the same runs at task\.train_fraction=0\.3: 14 train examples, 0 labels",
        ),
        ({"axes": {"task.operation": ["x+y", "y+x"]}, "task": {"kind": "./own.py:sums"}}, "give the same runs"),
    ],
)  # fmt: skip
def test_values_that_are_rounded_to_the_same_examples_are_refused(small, changes, rule, tmp_path):
    (tmp_path / "own.py").write_text(
        "import numpy as np\n\ndef sums(operation: str = 'x+y'):\n"
        "    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(7), np.arange(7)))\n"
        "    return {'inputs': np.stack([x, y], axis=1), 'targets': (x + y) % 7}\n"
    )
    with pytest.raises(SpecError, match=rule):
        load(small(changes), folder=tmp_path)


def test_random_draws_that_are_rounded_to_the_same_examples_are_told_and_trained(small):
    drawn = {"count": 9, "seed": 0, "task.train_fraction": {"uniform": [0.5, 0.6]}}
    with pytest.warns(DataWarning, match=r"axes\.task\.train_fraction: .* give the same runs"):
        assert load(small({"axes": {"random": drawn}})).num_cells == 9
    with pytest.raises(SpecError, match="full and 512 give the same runs"):
        load(small({"axes": {"random": drawn, "train.minibatch": ["full", 512]}}))


def test_values_that_differ_by_one_example_are_let_through(small):
    assert load(small({"axes": {"task.train_fraction": [24 / 49, 25 / 49]}})).num_cells == 2
    assert load(small({"axes": {"task.label_noise": [0, 1 / 24]}})).num_cells == 2


def test_cells_that_are_excluded_are_not_compared(small):
    axes = {"task.train_fraction": [0.3, 0.9], "task.label_noise": [0, 0.04]}
    kept = small({"axes": axes, "exclude": ["train_fraction = 0.3 and label_noise > 0"]})
    assert load(kept).num_cells == 3


def test_precisions_of_products_are_different_runs(small):
    assert load(small({"axes": {"precision.matmul": ["highest", "tf32", "bf16"]}})).num_cells == 3
