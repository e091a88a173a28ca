"""Published networks as settings of ours: `model: {kind: transformer, preset: demoss2024}`.

A preset is read before everything else that the sweep file says of the model, so any of its settings may be changed. It
is no setting itself: a run with a preset is the run with its settings written out, and has the same id.

Presets are networks only. The vocabulary is the task's; optimizer, loss and data belong to a sweep.
"""

from collections.abc import Mapping
from typing import Any

Presets = Mapping[str, Mapping[str, Any]]

_OF_POWER = {"layers": 2, "heads": 4, "width": 128, "mlp_width": 512, "activation": "relu", "norm": "post"}
_OF_NANDA = {"layers": 1, "heads": 4, "width": 128, "mlp_width": 512, "activation": "relu", "norm": "none"}

TRANSFORMERS: Presets = {
    # Nanda et al. 2023 (2301.05217): biases in the MLP only. 226,816 parameters at `x y =` modulo 113.
    "nanda2023": {**_OF_NANDA, "mlp_bias": True, "positions": "learned", "initializer": "nanda"},
    # Power et al. 2022 (2201.02177) and their code: biases in normalisation only. 455,424 parameters with 239 symbols.
    # Their loss counts the end token that follows the answer: that is the task's `sequence: end x op y = z end`.
    "power2022": {
        **_OF_POWER,
        "attention_bias": False,
        "mlp_bias": False,
        "output_bias": False,
        "norm_epsilon": 1e-5,
        "positions": "sinusoidal",
        "initializer": "torch",
    },
    # DeMoss et al. 2024 (2412.09810): a row of the position table for each symbol, of which four are used. 242,547
    # parameters at `x op y =` modulo 113; their networks for x-y and x/y have layers 2 and 440,819.
    "demoss2024": {
        **_OF_NANDA,
        "norm": "post",
        "activation": "gelu",
        "attention_bias": True,
        "output_bias": True,
        "causal": False,
        "positions_length": 115,
        "initializer": "flax",
    },
    # The code danielmamay/grokking: Power's network in PyTorch's own layers, hence with all biases, and normalised once
    # more at the end. 422,883 parameters at `x op y =` modulo 97.
    "danielmamay": {
        **_OF_POWER,
        "activation": "gelu_exact",
        "norm_epsilon": 1e-5,
        "attention_bias": True,
        "output_bias": True,
        "final_norm": True,
        "positions_length": 5,
        "initializer": "torch_multihead",
    },
    # Chughtai, Chan, Nanda 2023 (2302.03025): biases frozen at 0, so there are none; no output for the `=`.
    "chughtai2023": {**_OF_NANDA, "mlp_bias": False, "outputs": "classes", "initializer": "lens"},
}

FACTORED: Presets = {
    # Pearce et al. 2023 (PAIR) at modulus 67 with unordered pairs: 57,500 parameters, 3,216 if both are collapsed.
    "pair2023": {"embedding": 500, "width": 24, "activation": "relu", "tied": "all", "initializer": "haiku"},
}

MLPS: Presets = {
    # Doshi et al. 2024 (2310.13061).
    "doshi2024": {"depth": 1, "width": 500, "activation": "square", "initializer": "doshi"},
    # Liu et al. 2022 (2205.10343): one number a symbol, summed, and a decoder 1-200-200-outputs. Their embedding is
    # init_scale 1 on embed*; vectors are `embedding: 2`.
    "liu2022": {
        "encoding": "summed",
        "embedding": 1,
        "depth": 2,
        "width": 200,
        "activation": "tanh",
        "bias": True,
        "initializer": "liu",
    },
    # Liu, Michaud, Tegmark 2023 (Omnigrok, 2210.01117) on MNIST: 784-200-200-10; their alpha is init_scale.
    "omnigrok2023": {"depth": 2, "width": 200, "activation": "relu", "bias": True, "initializer": "torch"},
    # Two ways in which a network goes to infinite width: each is this start and a rule for learning rates, which a
    # sweep sets by `grouped`. Yang et al. 2022 (2203.03466): with Adam, rates behind the first matrix go as 1 / width.
    "mup": {"initializer": "mup"},
    # Jacot et al. 2018 (1806.07572), the kernel limit: with plain descent, the rate of each matrix goes as 1 / fan_in.
    "ntk": {"initializer": "normal"},
    # Merrill et al. 2023 (2303.11873) on sparse parity.
    "merrill2023": {"width": 1000, "activation": "relu", "bias": True, "output_bias": False, "initializer": "torch"},
    # Lyu et al. 2023 (2311.18817).
    "lyu2023": {"width": 1024, "activation": "relu", "bias": True, "output_bias": False, "initializer": "he"},
    # Prieto et al. 2025 (2501.04697): 226-200-200-113 at modulus 113.
    "prieto2025": {"depth": 2, "width": 200, "activation": "relu", "bias": False, "initializer": "torch"},
    # Chughtai, Chan, Nanda 2023 (2302.03025) on groups: two embeddings of twice the hidden width.
    "chughtai2023": {
        "encoding": "concatenated",
        "shared_embedding": False,
        "embedding": 256,
        "width": 128,
        "activation": "relu",
        "initializer": "normal",
    },
}
