"""A transformer in the conventions of TransformerLens: names and layouts of `HookedTransformer`, and its settings."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from grokjax.core.interfaces import Model, Signature
from grokjax.models.sublayers import sinusoids
from grokjax.models.transformer import Transformer

_ACTIVATIONS = {"relu": "relu", "gelu": "gelu_new", "gelu_exact": "gelu", "silu": "silu"}
_NORMS = {"layer": "LN", "rms": "RMS"}


def check_lens(model: Model) -> None:
    """Refuse, in one line, a model that TransformerLens cannot express.

    Raises:
      ValueError: names the setting.
    """
    if type(model) is not Transformer:
        rule = f"TransformerLens has transformers only, not {model.kind}"
        raise ValueError(f"model.kind: {rule}; --format torch and safetensors have others")
    inexpressible = {
        "norm": model.norm == "post",
        "activation": model.activation not in _ACTIVATIONS,
        "output_scale": model.output_scale is not None,
        "centred": model.centred,
    }
    for name in (name for name, is_so in inexpressible.items() if is_so):
        nearest = "--format safetensors" if name == "centred" else "--format torch"
        value = str(getattr(model, name)).lower()
        raise ValueError(f"model.{name}: TransformerLens cannot express {value}; nearest is {nearest}")


def lens_weights(model: Transformer, params: Mapping[str, np.ndarray], signature: Signature) -> dict[str, np.ndarray]:
    """Names of TransformerLens -> arrays; biases that the network lacks are 0.

    Args:
      params: by path. Columns [h * width / heads, (h + 1) * width / heads) of a matrix of attention are head h.

    Returns:
      `embed.W_E` [symbol, d_model], `pos_embed.W_pos` [position, d_model], `blocks.0.attn.W_Q` (`W_K`, `W_V`)
      [head, d_model, d_head], `W_O` [head, d_head, d_model], `blocks.0.mlp.W_in` [d_model, d_mlp], `W_out`
      [d_mlp, d_model], `blocks.0.ln1.w` (`ln2`, `ln_final`) [d_model], `unembed.W_U` [d_model, d_vocab_out].
    """
    embedding = params["embed/embedding"]
    weights = {"embed.W_E": embedding, "pos_embed.W_pos": _positions(model, params, signature.input_shape[0])}
    for index in range(model.layers):
        weights |= {f"blocks.{index}.{name}": leaf for name, leaf in _block(model, params, f"layer_{index}").items()}
    if model.norm == "pre":
        weights |= _norm(params, "final_norm", "ln_final")
    columns = embedding.shape[0] if model.outputs == "vocabulary" else signature.num_classes
    unembed = embedding[:columns].T if model.tied else params["output/kernel"]
    bias = params.get("output_bias" if model.tied else "output/bias")
    return {**weights, "unembed.W_U": unembed, "unembed.b_U": _or_zeros(bias, columns, unembed)}


def lens_config(model: Transformer, weights: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Settings of `HookedTransformerConfig`, for JSON."""
    columns = weights["unembed.W_U"].shape[1]
    return {
        "n_layers": model.layers,
        "n_heads": model.heads,
        "d_model": model.width,
        "d_head": model.width // model.heads,
        "d_mlp": weights["blocks.0.mlp.W_in"].shape[1],
        "n_ctx": weights["pos_embed.W_pos"].shape[0],
        "d_vocab": weights["embed.W_E"].shape[0],
        "d_vocab_out": columns,
        "act_fn": _ACTIVATIONS[model.activation],
        "normalization_type": _NORMS[model.norm_kind] if model.norm == "pre" else None,
        "eps": float(model.norm_epsilon),
        "attention_dir": "causal" if model.causal else "bidirectional",
        "positional_embedding_type": "standard",
    }


def _positions(model: Transformer, params: Mapping[str, np.ndarray], tokens: int) -> np.ndarray:
    """What is added to the embeddings, as a table whether it was learned or not."""
    embedding = params["embed/embedding"]
    if model.positions == "learned":
        return params["positions/embedding"]
    if model.positions == "none":
        return np.zeros((tokens, model.width), embedding.dtype)
    return sinusoids(tokens, model.width).astype(embedding.dtype)


def _block(model: Transformer, params: Mapping[str, np.ndarray], layer: str) -> dict[str, np.ndarray]:
    """Attention, MLP and their norms of one layer."""
    heads, units = model.heads, model.width // model.heads
    block: dict[str, np.ndarray] = {}
    for letter, name in (("Q", "query"), ("K", "key"), ("V", "value")):
        kernel, bias = params[f"{layer}/attention/{name}/kernel"], params.get(f"{layer}/attention/{name}/bias")
        block[f"attn.W_{letter}"] = kernel.reshape(-1, heads, units).transpose(1, 0, 2)
        block[f"attn.b_{letter}"] = _or_zeros(bias, model.width, kernel).reshape(heads, units)
    kernel, bias = params[f"{layer}/attention/output/kernel"], params.get(f"{layer}/attention/output/bias")
    block["attn.W_O"] = kernel.reshape(heads, units, -1)
    block["attn.b_O"] = _or_zeros(bias, model.width, kernel)
    for end, name in (("in", "hidden"), ("out", "output")):
        kernel, bias = params[f"{layer}/mlp/{name}/kernel"], params.get(f"{layer}/mlp/{name}/bias")
        block[f"mlp.W_{end}"], block[f"mlp.b_{end}"] = kernel, _or_zeros(bias, kernel.shape[1], kernel)
    if model.norm == "pre":
        block |= _norm(params, f"{layer}/attention_norm", "ln1") | _norm(params, f"{layer}/mlp_norm", "ln2")
    return block


def _norm(params: Mapping[str, np.ndarray], path: str, name: str) -> dict[str, np.ndarray]:
    """Gain, and shift where there is one."""
    letters = {"scale": "w", "bias": "b"}
    return {
        f"{name}.{letter}": params[f"{path}/{leaf}"] for leaf, letter in letters.items() if f"{path}/{leaf}" in params
    }


def _or_zeros(bias: np.ndarray | None, length: int, like: np.ndarray) -> np.ndarray:
    return np.zeros(length, like.dtype) if bias is None else bias
