"""How much damage does a network bear? Accuracy against the share of its units that are silent."""

from typing import Any

import numpy as np

from grokjax.core.interfaces import Network, Probe
from grokjax.core.part import Swept, part, setting
from grokjax.probes.silencing import Silencing
from grokjax.probes.weight_graphs import clusters_of_units


@part
class Damage(Probe):
    """Accuracy without random hidden units, and without whole modules. Silent units give 0, whatever comes in.

    - `damage/test_accuracy`, `train_accuracy` [share] at the shares of `damage/share`: means over draws, in which the
      silent units of a larger share include those of a smaller one; `test_deviation`, `train_deviation` over draws
    - `test_area`, `train_area`: area under the curve, over shares from the least to the largest, divided by their range
    - `test_accuracy_without`, `train_accuracy_without` [module]: of the network without one cluster of units of
      `modularity`, largest first; `..._without_random`, without as many random units; `module_units` [module]
    """

    paper = "Filan et al. 2021, arXiv 2103.03386, for the clusters"

    shares: tuple[Swept, ...] = setting(
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), "of silent units, from 0 to 1", scheduled=False
    )
    draws: int = setting(10, "orders in which units fall silent", at_least=1)
    clusters: int = setting(4, "modules", at_least=2)
    seed: int = setting(0, "of the draws", at_least=0)

    def probe(self, network: Network) -> dict[str, Any]:
        shares = np.array(sorted(set(self.shares)))
        if len(shares) < 2 or shares[0] < 0 or shares[-1] > 1:
            raise ValueError("measure.what: damage needs two shares or more, from 0 to 1")
        silencing, random = Silencing(network, self.kind), np.random.default_rng(self.seed)
        rank = np.array([random.permutation(silencing.num_units) for _ in range(self.draws)])
        counts = np.round(shares * silencing.num_units).astype(int)
        curves = [[silencing.accuracy(row < count) for count in counts] for row in rank]
        values: dict[str, Any] = {"share": shares}
        for group in ("train", "test"):
            accuracy = np.array([[seen[group] for seen in curve] for curve in curves])  # [draw, share]
            values[f"{group}_accuracy"] = accuracy.mean(axis=0)
            values[f"{group}_deviation"] = accuracy.std(axis=0)
            values[f"{group}_area"] = np.trapezoid(accuracy.mean(axis=0), shares) / (shares[-1] - shares[0])
        values |= self._of_modules(network, silencing, random)
        return {f"{self.kind}/{name}": value for name, value in values.items()}

    def _of_modules(self, network: Network, silencing: Silencing, random: np.random.Generator) -> dict[str, Any]:
        """Accuracies [module] of networks without a module, and without as many random units."""
        labels, modules = clusters_of_units(network, self.clusters, self.kind)
        units = np.bincount(labels[labels >= 0], minlength=modules)
        order = np.argsort(-units, kind="stable")
        values: dict[str, Any] = {"module_units": units[order].astype(np.int32)}
        for module in order:
            own = silencing.accuracy(labels == module)
            others = silencing.accuracy_without_random(int(units[module]), self.draws, random)
            for group in own:
                values.setdefault(f"{group}_accuracy_without", []).append(own[group])
                values.setdefault(f"{group}_accuracy_without_random", []).append(others[group])
        return values
