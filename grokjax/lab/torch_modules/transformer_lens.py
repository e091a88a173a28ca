"""A transformer trained by grokjax, for TransformerLens: `from model import load; net = load()`.

It answers at every token; what was trained are its answers at the last one, `net(inputs)[:, -1]`. Of a task with
several answers they are those at the last tokens.
"""

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file


def load(folder: str | Path = Path(__file__).parent, device: str = "cpu") -> torch.nn.Module:
    """The network whose weights lie in a folder, ready to be evaluated; nothing is folded into them.

    It is a `HookedTransformer`, and a `TransformerBridge` from TransformerLens 4 on, which has the former no more.
    """
    config = json.loads(Path(folder, "config.json").read_text())
    weights = load_file(Path(folder, "weights.safetensors"), device)
    try:
        from transformer_lens import HookedTransformer, HookedTransformerConfig
    except ImportError:
        return _bridge(config, weights, device).eval()
    dtype = weights["embed.W_E"].dtype
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TransformerLens 3 announces 4
        network = HookedTransformer(HookedTransformerConfig(**config, device=device, dtype=dtype, init_weights=False))
    masks = {name: mask for name, mask in network.state_dict().items() if name.endswith((".mask", ".IGNORE"))}
    network.load_state_dict(weights | masks)
    return network.eval()


def _bridge(config: dict[str, Any], weights: dict[str, torch.Tensor], device: str) -> torch.nn.Module:
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.utilities.tl_checkpoint_conversion import convert_tl_checkpoint

    settings = TransformerBridgeConfig(**config, architecture="TransformerLensNative", init_weights=False)
    network = TransformerBridge.boot_native(settings, device=device, dtype=weights["embed.W_E"].dtype)
    network.load_state_dict(convert_tl_checkpoint(weights, settings))
    return network
