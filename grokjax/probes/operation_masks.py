"""Does a network that knows two operations keep them in weights of their own? A mask is learned for each.

Source: Csordas, van Steenkiste, Schmidhuber 2021 (arXiv 2010.02066). Overlap by chance and between two masks of the
same operation stand beside the overlap between operations: the floor and the ceiling that it is read against.
"""

from itertools import combinations
from typing import Any

import jax
import numpy as np

from grokjax.core.interfaces import Network, Probe, Signature
from grokjax.core.part import Swept, part, setting
from grokjax.core.streams import substream, substreams
from grokjax.core.token_places import OPERATOR, operators
from grokjax.core.words import GROUPS
from grokjax.probes.mask_overlap import overlap
from grokjax.probes.weight_masks import Asked, learned, reached, right

Masks = list[np.ndarray]
"""Bool of each layer, with axes [operation, draw, penalty] or [operation, draw] before those of the layer."""


@part
class OperationMasks(Probe):
    """For each operation of `modular_mixture`, few weights with which the frozen network still answers it.

    Masks over all matrices (biases stay) are learned on the operation's train examples with each penalty; taken is the
    smallest that keeps the train accuracy. Where none does, the most accurate stands for it in accuracies alone, since
    it says nothing of the weights that are needed. To learn a mask is to train: one with more test accuracy than the
    network has found what the network does not do. Layers are matrices, in the order of their paths; weights that no
    example reaches count nowhere. Means over draws, of a scalar over operations too; NaN where no mask is accurate:

    - `operation_masks/weights` [layer], how many are reached; `kept`, share that a mask keeps; `kept_by_operation`
      [operation], `kept_by_layer` [operation, layer]; `accurate`, the share of masks that keep the
      accuracy (of a network that knows nothing of an operation, the empty mask does)
    - `train_accuracy`, `test_accuracy` on the mask's own operation, `..._of_others` on the others, `..._unmasked`
      without a mask; `train_accuracy_by_operation` [mask, operation] and the same of `test`
    - `union_overlap`, intersection over union of masks of two operations; `union_overlap_chance`, that of independent
      masks with as many weights in each layer; `union_overlap_repeated`, that of two draws of the same operation, NaN
      with one draw; each also `..._by_layer` [layer]. `minimum_overlap` and so on: over the smaller mask
    - `shared`, how far `union_overlap` is from chance, 0, to that of two draws of the same operation, 1
    """

    paper = "Csordas, van Steenkiste, Schmidhuber 2021, arXiv 2010.02066"

    penalties: tuple[Swept, ...] = setting(
        (1e-5, 1e-4, 1e-3), "times the sum of logits, beside the loss", scheduled=False
    )
    accuracy: Swept = setting(
        0.99, "share of the unmasked train accuracy that is kept", above=0, at_most=1, scheduled=False
    )
    updates: int = setting(2000, "of Adam for each mask", at_least=1)
    learning_rate: Swept = setting(0.1, "of Adam", above=0, scheduled=False)
    minibatch: int = setting(256, "train examples of an update", at_least=1)
    draws: int = setting(2, "masks of each operation, with other noise and minibatches", at_least=1)

    def probe(self, network: Network) -> dict[str, Any]:
        symbols = operators(network.signature)
        operation = network.inputs[:, OPERATOR] if symbols else np.zeros(0)
        self._check_operations(symbols if np.isin(operation, symbols).all() else ())  # a user's table may mean others
        is_train = network.split.group < GROUPS.index("test_mirrored")
        rows = {
            group: np.array([in_group & (operation == symbol) for symbol in symbols])
            for group, in_group in (("train", is_train), ("test", ~is_train))
        }
        masks, weights = self._learned(network, rows["train"])
        accuracy, unmasked = _accuracies(network, masks, rows)
        penalty, is_accurate = self._chosen(masks, accuracy["train"], unmasked["train"])
        masks = [_taken(mask, penalty) for mask in masks]
        values = {"accurate": is_accurate.mean()}
        values |= _sizes(masks, weights, is_accurate) | _overlaps(masks, weights, is_accurate)
        for group in rows:
            values |= _told(group, _taken(accuracy[group], penalty).mean(axis=1), unmasked[group])
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(network.params)):
            values = {name: np.full(np.shape(value), np.nan) for name, value in values.items()}
        return {f"{self.kind}/{name}": value for name, value in ({"weights": weights} | values).items()}

    def check_task(self, signature: Signature) -> None:
        self._check_operations(operators(signature))

    def _check_operations(self, symbols: tuple[int, ...]) -> None:
        if not self.penalties or min(self.penalties) < 0:
            raise ValueError(f"measure.what: {self.kind} needs one penalty or more, none of them below 0")
        if len(symbols) < 2:
            raise ValueError(
                f"measure.what: {self.kind} needs examples `x op y =` of two operations, as modular_mixture has them"
            )

    def _learned(self, network: Network, is_own: np.ndarray) -> tuple[Masks, np.ndarray]:
        """Masks [operation, draw, penalty, ...], and [layer] how many weights are reached.

        Args:
          is_own: [operation, example] bool, its train examples.
        """
        shape = (len(is_own), self.draws, len(self.penalties))
        operation, draw, penalty = (index.ravel() for index in np.indices(shape))
        rows = np.argsort(~is_own, axis=1, kind="stable").astype(np.int32)  # its own first; of one shape for all runs
        keys = jax.vmap(substream)(substreams(network.key, 1 + operation), draw)
        asked = Asked(rows[operation], is_own.sum(axis=1)[operation], np.array(self.penalties)[penalty], keys)
        labels = network.split.labels
        masks = learned(
            network.apply,
            network.loss,
            network.params,
            network.inputs,
            labels,
            asked,
            self.learning_rate,
            self.updates,
            self.minibatch,
        )
        is_reached = reached(network.apply, network.params, network.inputs, substream(network.key, 0))
        kept = [np.asarray(mask & layer[None]) for mask, layer in zip(masks, is_reached, strict=True)]
        weights = np.array([layer.sum() for layer in is_reached], np.int32)
        return [mask.reshape(*shape, *mask.shape[1:]) for mask in kept], weights

    def _chosen(self, masks: Masks, accuracy: np.ndarray, unmasked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[operation, draw] which penalty's mask is taken, and whether it keeps the accuracy."""
        own = np.einsum("odpo->odp", accuracy)
        sizes = sum(mask.reshape(*own.shape, -1).sum(axis=-1) for mask in masks)
        is_accurate = own >= self.accuracy * unmasked[:, None, None]
        smallest = np.where(is_accurate, sizes, np.inf).argmin(axis=-1)
        return np.where(is_accurate.any(axis=-1), smallest, own.argmax(axis=-1)), is_accurate.any(axis=-1)


def _taken(values: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """[operation, draw, ...] of [operation, draw, penalty, ...]."""
    operation, draw = np.indices(penalty.shape)
    return values[operation, draw, penalty]


def _accuracies(
    network: Network, masks: Masks, rows: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """By group, accuracy on each operation: [operation, draw, penalty, operation] of masks, and [operation] without.

    NaN of a group that has no example of the operation.
    """
    shape = masks[0].shape[:3]
    flat = [mask.reshape(-1, *mask.shape[3:]) for mask in masks]
    flat = [np.concatenate([mask, np.ones((1, *mask.shape[1:]), bool)]) for mask in flat]
    is_right = np.asarray(right(network.apply, network.params, flat, network.inputs, network.split.labels))
    shares = {}
    for group, members in rows.items():
        counts = members.sum(axis=1)
        shares[group] = is_right @ members.T.astype(np.float64) / np.where(counts, counts, np.nan)
    return (
        {group: share[:-1].reshape(*shape, -1) for group, share in shares.items()},
        {group: share[-1] for group, share in shares.items()},
    )


def _told(group: str, accuracy: np.ndarray, unmasked: np.ndarray) -> dict[str, Any]:
    """Named values of accuracies [mask, operation] and [operation]."""
    is_own = np.eye(len(accuracy), dtype=bool)
    return {
        f"{group}_accuracy": accuracy[is_own].mean(),
        f"{group}_accuracy_of_others": accuracy[~is_own].mean(),
        f"{group}_accuracy_unmasked": unmasked.mean(),
        f"{group}_accuracy_by_operation": accuracy,
    }


def _sizes(masks: Masks, weights: np.ndarray, is_accurate: np.ndarray) -> dict[str, Any]:
    """Shares kept, of masks [operation, draw, ...]."""
    kept = np.array([mask.reshape(*mask.shape[:2], -1).sum(axis=2) for mask in masks])  # [layer, operation, draw]
    kept = (kept * is_accurate).sum(axis=2).T / np.where(is_accurate.any(axis=1), is_accurate.sum(axis=1), np.nan)[
        :, None
    ]
    by_operation = kept.sum(axis=1) / max(weights.sum(), 1)
    return {
        "kept": by_operation.mean(),
        "kept_by_operation": by_operation,
        "kept_by_layer": kept / np.where(weights, weights, np.nan),
    }


def _overlaps(masks: Masks, weights: np.ndarray, is_accurate: np.ndarray) -> dict[str, Any]:
    """Means over pairs of accurate masks: of two operations, with their chance, and of two draws of one."""
    pairs = list(combinations(np.ndindex(is_accurate.shape), 2))
    overlaps = [
        overlap([mask[one] for mask in masks], [mask[other] for mask in masks], weights) for one, other in pairs
    ]
    are_accurate = np.array([is_accurate[one] and is_accurate[other] for one, other in pairs])
    is_between = np.array([one[0] != other[0] for one, other in pairs])
    kinds = {"": ("", is_between), "_chance": ("_chance", is_between), "_repeated": ("", ~is_between)}
    values: dict[str, Any] = {}
    for place, ending in ((0, ""), (1, "_by_layer")):
        for name in ("union", "minimum"):
            for kind, (field, is_kind) in kinds.items():
                shares = np.array([getattr(told[place], f"{name}{field}") for told in overlaps])[is_kind & are_accurate]
                values[f"{name}_overlap{kind}{ending}"] = shares.sum(axis=0) / (len(shares) or np.nan)
    chance, most = values["union_overlap_chance"], values["union_overlap_repeated"]
    values["shared"] = (values["union_overlap"] - chance) / (most - chance if most > chance else np.nan)
    return values
