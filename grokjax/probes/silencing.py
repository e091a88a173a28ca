"""What does a network answer without some of its units?"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from grokjax.core.interfaces import Network, Params
from grokjax.probes.weight_graphs import weight_graphs


class Silencing:
    """A network some of whose units are silent: the parameters through which they are reached are zero."""

    def __init__(self, network: Network, probe: str):
        layers = [layer for graph in weight_graphs(network, probe) for layer in graph.units]
        self._network, self._groups = network, [group for layer in layers for group in layer]
        self._ends = np.cumsum([_leaf(network.params, group[0]).shape[-1] for group in self._groups])

    @property
    def num_units(self) -> int:
        """Hidden units of all layers, numbered from front to back."""
        return int(self._ends[-1])

    def params(self, is_silent: np.ndarray) -> Params:
        """Parameters with the units of `is_silent` [unit] silent."""
        params = self._network.params
        for group, of_group in zip(self._groups, np.split(is_silent, self._ends[:-1]), strict=True):
            for name in group:
                params = _changed(params, name.split("/"), of_group)
        return params

    def accuracy(self, is_silent: np.ndarray) -> dict[str, float]:
        """By group `train` and `test`; NaN for one without examples."""
        seen = self._network.fit(self.params(is_silent))
        shares = {group: (float(seen[f"{group}/correct"]), int(seen[f"{group}/n"])) for group in ("train", "test")}
        return {group: right / count if count else np.nan for group, (right, count) in shares.items()}

    def accuracy_without_random(self, count: int, draws: int, random: np.random.Generator) -> dict[str, float]:
        """Mean accuracy without so many units, drawn anew each time."""
        drawn = []
        for _ in range(draws):
            is_silent = np.zeros(self.num_units, bool)
            is_silent[random.choice(self.num_units, count, replace=False)] = True
            drawn.append(self.accuracy(is_silent))
        return {group: float(np.mean([accuracy[group] for accuracy in drawn])) for group in drawn[0]}


def _leaf(params: Params, path: str) -> np.ndarray:
    for name in path.split("/"):
        params = params[name]
    return np.asarray(params)


def _changed(params: Mapping[str, Any], path: list[str], is_silent: np.ndarray) -> dict[str, Any]:
    """A copy whose array at `path` is zero at these places of its last axis."""
    name, *rest = path
    if rest:
        return {**params, name: _changed(params[name], rest, is_silent)}
    return {**params, name: np.where(is_silent, np.zeros((), params[name].dtype), params[name])}
