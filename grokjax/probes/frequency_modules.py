"""Which hidden units work on which frequency of modular addition, and what does the network lose without them?

Sources: Doshi, Das, He, Gromov 2024 (arXiv 2310.13061), frequencies of units from their weights; Pearce et al. 2023
(PAIR); Nanda et al. 2023 (arXiv 2301.05217), what is lost without a frequency.
"""

from typing import Any

import numpy as np

from grokjax.core.interfaces import Network, Probe
from grokjax.core.part import Swept, part, setting
from grokjax.core.waves import checked_modulus, components, frequencies
from grokjax.probes.silencing import Silencing
from grokjax.probes.weight_graphs import weight_graphs

_ROUNDING = 1e-24  # share of the power below which a component is rounding of the others


@part
class FrequencyModules(Probe):
    """Units of one hidden layer by the frequency of their input weights; a module is the pure units of one frequency.

    Of the power of a unit's input weights over the symbols of all operands, the constant left out, each frequency has a
    share; the largest is the unit's purity, 2 / (p - 1) where all are alike. A unit without input weights has none.

    - `frequency_modules/unit_frequency`, `unit_purity` [unit]; `purity`, the mean of the purities; `pure_units`, the
      share of units in modules; `modules`, how many have a unit
    - `module_units` [frequency], units of the modules of frequencies 1, 2, ...
    - `test_accuracy_without`, `train_accuracy_without` [frequency] of the network whose units of one module are silent,
      `..._without_random` of one with as many silent units of any kind, the mean over draws; NaN for no module
    - `test_accuracy_without_module`, `test_accuracy_without_random_module` and the same of `train`: means over modules
    """

    paper = "Doshi, Das, He, Gromov 2024, arXiv 2310.13061; Nanda et al. 2023, 2301.05217"

    pure: Swept = setting(0.5, "purity from which a unit belongs to a module", above=0, at_most=1, scheduled=False)
    draws: int = setting(10, "networks without random units", at_least=1)
    seed: int = setting(0, "of these draws", at_least=0)

    def probe(self, network: Network) -> dict[str, Any]:
        modulus, graphs = checked_modulus(network.signature, self.kind), weight_graphs(network, self.kind)
        if not graphs[0].of_symbols or len(graphs[0].units) != 1:
            raise ValueError(
                f"measure.what: {self.kind} needs one hidden layer between symbols and classes (mlp of depth 1, "
                f"factored), got {network.model.kind} with {sum(len(graph.units) for graph in graphs)} elsewhere"
            )
        frequency, purity = unit_frequencies(graphs[0].weights[0], modulus)
        module = np.where(purity >= self.pure, frequency, 0)
        units = np.array([np.sum(module == number) for number in range(1, modulus // 2 + 1)], np.int32)
        values = {
            "unit_frequency": frequency,
            "unit_purity": purity,
            "purity": np.mean(purity),
            "pure_units": np.mean(module > 0),
            "modules": np.int32(np.sum(units > 0)),
            "module_units": units,
        } | self._without(network, module, units)
        return {f"{self.kind}/{name}": value for name, value in values.items()}

    def _without(self, network: Network, module: np.ndarray, units: np.ndarray) -> dict[str, Any]:
        """Accuracies [frequency] of networks without a module, and their means."""
        silencing, random = Silencing(network, self.kind), np.random.default_rng(self.seed)
        columns = {
            f"{group}_accuracy_without{of}": np.full(len(units), np.nan)
            for group in ("train", "test")
            for of in ("", "_random")
        }
        for place in np.flatnonzero(units):
            own = silencing.accuracy(module == place + 1)
            others = silencing.accuracy_without_random(int(units[place]), self.draws, random)
            for group in own:
                columns[f"{group}_accuracy_without"][place] = own[group]
                columns[f"{group}_accuracy_without_random"][place] = others[group]
        has_module = units > 0
        means = {
            f"{name}_module": np.mean(column[has_module]) if has_module.any() else np.nan
            for name, column in columns.items()
        }
        return columns | means


def unit_frequencies(weights: np.ndarray, modulus: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequency [unit] int32 with the largest share of the power of input weights [operand * symbol, unit], and share.

    -1 and 0 for a unit without weights that vary, or that are not finite.
    """
    operands = weights.astype(np.float64).reshape(-1, modulus, weights.shape[1])
    operands = np.where(np.isfinite(operands).all(axis=(0, 1)), operands, 0)
    power = np.sum(np.square(components(modulus) @ operands), axis=0)  # [component, unit]
    power = np.where(power > _ROUNDING * power.sum(axis=0), power, 0)[1:]
    by_frequency = np.array(
        [power[frequencies(modulus)[1:] == number].sum(axis=0) for number in range(1, modulus // 2 + 1)]
    )
    total = by_frequency.sum(axis=0)
    share = by_frequency / np.where(total > 0, total, 1)
    return np.where(total > 0, 1 + share.argmax(axis=0), -1).astype(np.int32), share.max(axis=0)
