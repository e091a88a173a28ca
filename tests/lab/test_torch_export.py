"""Does an exported network answer in PyTorch and in TransformerLens as it did here?

Without PyTorch: forward passes in NumPy, of the conventions of PyTorch and of TransformerLens. With it: `check.py`.
"""

import functools
import json
import math
import subprocess

import numpy as np
import pytest
from safetensors.numpy import load_file

from benchmarks.rig.processes import PEERS, ROOT
from grokjax import open_results
from grokjax.lab.lens_export import check_lens, lens_config, lens_weights
from grokjax.lab.torch_export import MODULES, check_torch, torch_config, torch_weights, write_lens, write_torch
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from tests.lab.exported_networks import MLP_SETTINGS, lens_networks, mlps, others, random_network, transformers
from tests.store.small_sweep import small, typed

__all__ = ["small"]
ROUNDING = 2e-5  # of float32, as a share of the largest output
PYTHON = ROOT / PEERS
EVERYTHING = {**mlps(), **transformers(), **others()}


QUICK = {*MLP_SETTINGS, "values", "nanda2023", "pre", "rms", "two_answers", "power2022", "danielmamay", "tied"}


def marked(names):
    """Names, of which those that compile another network of much the same are slow."""
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in names]


@functools.cache
def has(package: str) -> bool:
    if not PYTHON.exists():
        return False
    found = f"import importlib.util as u, sys; sys.exit(u.find_spec({package!r}) is None)"
    return subprocess.run([PYTHON, "-c", found], check=False).returncode == 0


def activate(name, x):
    return {
        "relu": np.maximum(x, 0),
        "gelu": 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        "gelu_exact": 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
        "silu": x / (1 + np.exp(-x)),
        "tanh": np.tanh(x),
        "square": x**2,
    }[name]


def linear(weights, name, x):
    """A `Linear` of PyTorch: rows of its matrix are outputs."""
    return np.einsum("...i,oi->...o", x, weights[f"{name}.weight"]) + weights.get(f"{name}.bias", 0)


def normed(x, gain, shift, kind, epsilon):
    x = x - x.mean(-1, keepdims=True) if kind == "layer" else x
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + epsilon) * gain + shift


def softmax(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def check_equal(outputs, wanted):
    assert outputs.shape == wanted.shape
    np.testing.assert_allclose(outputs, wanted, rtol=0, atol=ROUNDING * max(1, np.abs(wanted).max()))


def products(left, right):
    side = math.isqrt(left.shape[1])
    return np.einsum("eij,ejk->eik", left.reshape(-1, side, side), right.reshape(-1, side, side)).reshape(left.shape)


def mlp_outputs(model, task, weights, inputs):
    operands = inputs[:, task["operands"]] if task["vocabulary"] else None
    if operands is None:
        read = inputs.reshape(len(inputs), -1)
    elif model["encoding"] == "one_hot":
        symbols = weights["hidden_0.weight"].shape[1] // 2
        read = np.concatenate([np.eye(symbols)[column] for column in operands.T], axis=1)
    else:
        tables = ["embed" if model["shared_embedding"] else f"embed_{place}" for place in range(2)]
        left, right = (weights[f"{name}.weight"][column] for name, column in zip(tables, operands.T, strict=True))
        read = {"concatenated": lambda: np.concatenate([left, right], axis=1), "summed": lambda: left + right,
                "product": lambda: products(left, right)}[model["encoding"]]()  # fmt: skip
    hidden = activate(model["activation"], linear(weights, "hidden_0", read))
    for index in range(1, model["depth"]):
        below = hidden
        if model["norm"] == "layer":
            gain, shift = weights[f"norm_{index}.weight"], weights[f"norm_{index}.bias"]
            below = normed(hidden, gain, shift, "layer", 1e-6)
        added = activate(model["activation"], linear(weights, f"hidden_{index}", below))
        hidden = hidden + added if model["residual"] else added
    return linear(weights, "output", hidden) * (model["output_scale"] or 1)


def transformer_outputs(model, task, weights, inputs):
    def norm(name, x):
        gain, shift = weights[f"{name}.weight"], weights.get(f"{name}.bias", 0)
        return normed(x, gain, shift, model["norm_kind"], model["norm_epsilon"])

    tokens, width = inputs.shape[1], model["width"]
    stream = weights["embed.weight"][inputs]
    if model["positions"] == "learned":
        stream = stream + weights["positions.weight"][:tokens]
    elif model["positions"] == "sinusoidal":
        for place in range(tokens):
            for column in range(width):
                angle = place / 10_000 ** ((column - column % 2) / width)
                stream[:, place, column] += math.cos(angle) if column % 2 else math.sin(angle)
    for index in range(model["layers"]):
        layer = f"layer_{index}"
        read = norm(f"{layer}.attention_norm", stream) if model["norm"] == "pre" else stream
        query, key, value = (linear(weights, f"{layer}.attention.{name}", read) for name in ("query", "key", "value"))
        mixed, units = np.zeros_like(stream), width // model["heads"]
        for head in (slice(number * units, (number + 1) * units) for number in range(model["heads"])):
            scores = query[..., head] @ key[..., head].swapaxes(1, 2) / math.sqrt(units)
            if model["causal"]:
                scores = np.where(np.tri(tokens), scores, -np.inf)
            mixed[..., head] = softmax(scores) @ value[..., head]
        stream = stream + linear(weights, f"{layer}.attention.output", mixed)
        stream = norm(f"{layer}.attention_norm", stream) if model["norm"] == "post" else stream
        read = norm(f"{layer}.mlp_norm", stream) if model["norm"] == "pre" else stream
        hidden = activate(model["activation"], linear(weights, f"{layer}.mlp.hidden", read))
        stream = stream + linear(weights, f"{layer}.mlp.output", hidden)
        stream = norm(f"{layer}.mlp_norm", stream) if model["norm"] == "post" else stream
    stream = norm("final_norm", stream) if "final_norm.weight" in weights else stream
    if model["tied"]:
        outputs = stream @ weights["embed.weight"].T + weights.get("output_bias", 0)
    else:
        outputs = linear(weights, "output", stream)
    answers = outputs[:, -1] if task["answers"] == 1 else outputs[:, -task["answers"] :]
    return answers * (model["output_scale"] or 1)


def lens_outputs(config, weights, inputs):
    """At every token, as `HookedTransformer` has it, by the names and layouts of its documentation."""

    def norm(name, x):
        if config["normalization_type"] is None:
            return x
        kind = {"LN": "layer", "RMS": "rms"}[config["normalization_type"]]
        return normed(x, weights[f"{name}.w"], weights.get(f"{name}.b", 0), kind, config["eps"])

    stream = weights["embed.W_E"][inputs] + weights["pos_embed.W_pos"][: inputs.shape[1]]
    for index in range(config["n_layers"]):
        own = {name.removeprefix(f"blocks.{index}."): leaf for name, leaf in weights.items()}
        read = norm(f"blocks.{index}.ln1", stream)
        query, key, value = (
            np.einsum("epm,hmd->ephd", read, own[f"attn.W_{name}"]) + own[f"attn.b_{name}"] for name in "QKV"
        )
        scores = np.einsum("eqhd,ekhd->ehqk", query, key) / math.sqrt(config["d_head"])
        if config["attention_dir"] == "causal":
            scores = np.where(np.tri(inputs.shape[1]), scores, -np.inf)
        mixed = np.einsum("ehqk,ekhd->eqhd", softmax(scores), value)
        stream = stream + np.einsum("eqhd,hdm->eqm", mixed, own["attn.W_O"]) + own["attn.b_O"]
        hidden = norm(f"blocks.{index}.ln2", stream) @ own["mlp.W_in"] + own["mlp.b_in"]
        names = {"relu": "relu", "gelu_new": "gelu", "gelu": "gelu_exact", "silu": "silu"}
        stream = stream + activate(names[config["act_fn"]], hidden) @ own["mlp.W_out"] + own["mlp.b_out"]
    return norm("ln_final", stream) @ weights["unembed.W_U"] + weights["unembed.b_U"]


@pytest.mark.parametrize("name", marked(mlps()))
def test_an_mlp_written_with_the_matrices_of_pytorch_gives_our_outputs(name):
    network = random_network(*mlps()[name])
    config = json.loads(json.dumps(torch_config(network)))
    weights = torch_weights(network.params)
    outputs = mlp_outputs(config["model"], config["task"], weights, network.examples["inputs"])
    check_equal(outputs, network.examples["logits"])


@pytest.mark.parametrize("name", marked(transformers()))
def test_a_transformer_written_with_the_matrices_of_pytorch_gives_our_outputs(name):
    network = random_network(*transformers()[name])
    config = json.loads(json.dumps(torch_config(network)))
    weights = torch_weights(network.params)
    outputs = transformer_outputs(config["model"], config["task"], weights, network.examples["inputs"])
    check_equal(outputs, network.examples["logits"])


@pytest.mark.parametrize("name", marked(lens_networks()))
def test_a_transformer_written_in_the_layouts_of_transformer_lens_gives_our_outputs(name):
    network = random_network(*lens_networks()[name])
    weights = lens_weights(network.model, network.params, network.signature)
    config = json.loads(json.dumps(lens_config(network.model, weights)))
    outputs, wanted = lens_outputs(config, weights, network.examples["inputs"]), network.examples["logits"]
    check_equal(outputs[:, -1] if wanted.ndim == 2 else outputs[:, -wanted.shape[1] :], wanted)
    assert weights["unembed.W_U"].shape == (config["d_model"], config["d_vocab_out"])
    assert weights["pos_embed.W_pos"].shape == (config["n_ctx"], config["d_model"])
    assert weights["blocks.0.attn.W_Q"].shape == (config["n_heads"], config["d_model"], config["d_head"])


@pytest.mark.parametrize(
    ("check", "model", "told"),
    [
        (check_lens, Transformer.preset("power2022"), "model.norm: TransformerLens cannot express post"),
        (check_lens, Transformer(activation="square"), "model.activation: TransformerLens cannot express square"),
        (check_lens, Transformer(output_scale=2.0), "model.output_scale: TransformerLens cannot express 2.0"),
        (check_lens, Transformer(centred=True), "model.centred: TransformerLens cannot express true"),
        (check_lens, MLP(), "model.kind: TransformerLens has transformers only, not mlp"),
        (check_torch, MLP(centred=True), "model.centred: subtracts the outputs of the initial network"),
    ],
)
def test_what_cannot_be_expressed_is_refused_by_the_name_of_its_setting(check, model, told):
    with pytest.raises(ValueError, match=told):
        check(model)


def test_every_module_begins_with_the_same_lines():
    def between(text, first, last):
        return text.partition(first)[2].partition(last)[0]

    texts = {path.stem: path.read_text() for path in MODULES.glob("*.py")}
    kinds = [text for stem, text in texts.items() if stem not in ("__init__", "check", "transformer_lens")]
    assert len({between(text, "def load(", "\n\n\n") for text in kinds}) == 1
    assert len({between(text, "ACTIVATIONS = {", "}") for text in kinds if "ACTIVATIONS" in text}) == 1


def test_an_export_holds_the_weights_the_examples_and_what_runs_them(small, tmp_path, monkeypatch):
    results = open_results(small)
    run_id = results.runs["run_id"][results.runs["status"] == "done"].iloc[0]
    monkeypatch.chdir(tmp_path)
    assert typed("export", small, run_id, "--format", "torch", "--step", 50) == 0
    folder = tmp_path / f"{run_id}-torch"
    files = ["check.py", "config.json", "examples.safetensors", "model.py", "weights.safetensors"]
    assert sorted(path.name for path in folder.iterdir()) == files
    params, weights = results.params(run_id, 50), load_file(folder / "weights.safetensors")
    assert set(weights) == {"hidden_0.weight", "output.weight"}
    np.testing.assert_array_equal(weights["output.weight"], params["output"]["kernel"].T)
    dataset, examples = results.dataset(run_id), load_file(folder / "examples.safetensors")
    for name in ("inputs", "targets", "labels", "train_index"):
        np.testing.assert_array_equal(examples[name], dataset[name])
    check_equal(examples["logits"], results.logits(run_id, step=50))
    config = json.loads((folder / "config.json").read_text())
    assert config["source"] == {"sweep": "small", "run_id": run_id, "step": 50}
    check_equal(mlp_outputs(config["model"], config["task"], weights, examples["inputs"]), examples["logits"])


def test_an_export_that_is_refused_leaves_nothing(small, tmp_path, monkeypatch, capsys):
    run_id = open_results(small).runs["run_id"][0]
    monkeypatch.chdir(tmp_path)
    assert typed("export", small, run_id, "--format", "transformer_lens") == 2
    assert f"run {run_id}: model.kind: TransformerLens has transformers only" in capsys.readouterr().err
    assert typed("export", small, run_id, "--format", "torch", "--with-optimizer") == 2
    assert typed("export", small, run_id, "--format", "torch", "--step", 49) == 2
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    assert typed("export", small, run_id, "--format", "torch", "--out", "there") == 2
    assert "is there already" in capsys.readouterr().err


CHECK_ALL = """
import runpy, sys
for folder in sys.argv[1:]:
    sys.path.insert(0, folder)
    difference = runpy.run_path(folder + "/check.py")["largest_difference"]()
    print(folder.rpartition("/")[2], difference)
    del sys.modules["model"], sys.path[0]
"""


def differences(folder):
    """Largest difference by the name of a folder inside, as the `check.py` of each finds it."""
    folders = sorted(str(path) for path in folder.iterdir())
    done = subprocess.run([PYTHON, "-c", CHECK_ALL, *folders], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name: float(number) for name, number in map(str.split, done.stdout.splitlines())}


@pytest.mark.slow  # PyTorch is imported
@pytest.mark.skipif(not has("torch"), reason="PyTorch is not installed: make peers")
def test_every_kind_of_network_answers_in_pytorch_as_here(tmp_path):
    for name, (model, task) in EVERYTHING.items():
        write_torch(tmp_path / name, random_network(model, task))
    found = differences(tmp_path)
    assert set(found) == set(EVERYTHING)
    assert max(found.values()) < 1e-5, found


@pytest.mark.slow  # TransformerLens is imported
@pytest.mark.skipif(
    not has("transformer_lens"), reason=f"TransformerLens is not installed: {PEERS} -m pip install transformer-lens"
)
def test_every_network_that_transformer_lens_can_express_answers_there_as_here(tmp_path):
    for name, (model, task) in lens_networks().items():
        write_lens(tmp_path / name, random_network(model, task))
    found = differences(tmp_path)
    assert set(found) == set(lens_networks())
    assert max(found.values()) < 1e-5, found


@pytest.mark.slow  # PyTorch is imported
@pytest.mark.skipif(not has("torch"), reason="PyTorch is not installed: make peers")
def test_the_check_of_an_export_fails_where_a_weight_was_changed(tmp_path):
    from safetensors.numpy import save_file

    folder = tmp_path / "changed"
    write_torch(folder, random_network(*mlps()["deep"]))
    weights = load_file(folder / "weights.safetensors")
    weights["output.bias"] = weights["output.bias"] + np.float32(1e-3)
    save_file(weights, folder / "weights.safetensors")
    done = subprocess.run([PYTHON, "check.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("largest difference of an output: ")
