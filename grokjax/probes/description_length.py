"""How many bytes does a network need? Those of the shortest coarse network that is nearly as good.

Paper: DeMoss, Sapora, Foerster, Hawes, Posner 2024 (arXiv 2412.09810). Their search tries 62 points for each tolerance
and snapshot; here a grid is walked once for all tolerances, then what is near its best points (`coarse_search.py`).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from grokjax.core.interfaces import Network, Probe
from grokjax.core.part import Swept, part, setting
from grokjax.probes.coarse_graining import CoarseGraining, all_finite
from grokjax.probes.coarse_search import Best, CoarseSearch, spread

Row = dict[str, float]


@part
class DescriptionLength(Probe):
    """Bytes of the shortest code found of a network whose loss rises by at most a tolerance, and what follows.

    A coarse network has all parameters rounded to multiples of one step, and each matrix cut to the singular directions
    that make one share of the sum of its singular values; it is written as two factors where that is less. The loss is
    the cross-entropy of the whole train set in nats, labels as given, whatever was trained. For each tolerance E:

    `bytes_E` (bzip2 of float32 values), `entropy_bytes_E` (entropy of the whole numbers, array by array; each of the
    two has its own coarse network) and `test_accuracy_E` of that of `bytes_E`. Over all tolerances: `total_bits`, the
    least sum of code and train loss in bits, at `best_tolerance`; `bounds_below_1`, how many of the bounds on the test
    error say anything, and `bounds_violated`, how many do not hold. Step, ranks and shapes are not coded, so that the
    bytes are a little less than a decoder needs. Of a centred network only its weights are coded, not its start. Arrays
    [tolerance] of the networks of `bytes_E`, largest tolerance first: `tolerance`, `bytes`, `delta`, `threshold`,
    `rank` (mean over matrices), `train_loss`, `test_error`, `bound`. Two-sided values have names of their own,
    `description_length_two_sided/...`. NaN and -1 where no point is within a tolerance.
    """

    paper = "DeMoss, Sapora, Foerster, Hawes, Posner 2024, arXiv 2412.09810"
    revision = 2  # 2: powers of two and boxes around the best points are searched as well

    tolerances: tuple[Swept, ...] = setting(
        (4.0, 2.0, 1.0, 0.5, 0.25, 0.125, 0.0625),
        "by how much the train loss may move; above 0",
        unit="nats",
        scheduled=False,
    )
    sides: str = setting("one", "one: the loss may rise so far; two: nor may it fall farther", choices=("one", "two"))
    finest: Swept = setting(1e-3, "smallest step of the grid", above=0, scheduled=False)
    coarsest: Swept = setting(1.0, "largest step of the grid", above=0, scheduled=False)
    steps: int = setting(16, "steps of the grid, evenly in their logarithm", at_least=2)
    thresholds: int = setting(11, "shares of the singular values, evenly from 0 to 1", at_least=2)
    refinements: int = setting(5, "how often the distance between points is halved around the best ones", at_least=0)
    boxes: int = setting(10, "boxes around the best point, each half as wide as the one before", at_least=0)
    draws: int = setting(8, "points that are spread over each box", at_least=1)
    confidence: Swept = setting(0.95, "with which the bound is to hold", above=0, below=1, scheduled=False)

    def probe(self, network: Network) -> dict[str, Any]:
        tolerances = sorted(set(self.tolerances), reverse=True)
        if not tolerances or tolerances[-1] <= 0 or self.coarsest <= self.finest:
            raise ValueError("measure.what: description_length needs tolerances above 0, and coarsest above finest")
        names = [_name(tolerance) for tolerance in tolerances]
        if doubled := [name for name in names if names.count(name) > 1]:
            rule = "tolerances that differ in their first six digits: two would both be called"
            raise ValueError(f"measure.what: description_length needs {rule} {doubled[0]}")
        loss = network.train_loss(network.params) if all_finite(network.params) else np.nan
        if not np.isfinite(loss):
            return self._values([_no_row(tolerance) for tolerance in tolerances])
        graining = CoarseGraining(network.params)
        with ThreadPoolExecutor(network.cores) as pool:
            search = CoarseSearch(graining, network.train_loss, loss, tolerances, self.sides == "two", pool.map)
            self.search(search)
        return self._values([self._row(network, graining, best) for best in search.best])

    def search(self, search: CoarseSearch) -> None:
        """Walk the grid, then what is near its best points; the first boxes reach to neighbours in the grid."""
        deltas = np.geomspace(self.finest, self.coarsest, self.steps)
        thresholds = np.linspace(0, 1, self.thresholds)
        search.walk(deltas.tolist(), thresholds.tolist())
        ratio, step = float(deltas[1] / deltas[0]), float(thresholds[1])
        for halving in range(1, self.refinements + 1):
            search.refine(ratio**0.5**halving, step * 0.5**halving)
        if self.boxes:
            search.leap()
        for halving in range(self.boxes):
            places = spread(self.draws, start=halving * self.draws)
            search.draw(ratio**0.5**halving, step * 0.5**halving, places)

    def _row(self, network: Network, graining: CoarseGraining, best: Best) -> Row:
        """What is said of one tolerance."""
        point = best.by_bzip2
        if point is None or best.by_entropy is None:
            return _no_row(best.tolerance)
        seen = network.fit(graining.params(point.delta, point.ranks))
        error = {group: 1 - float(seen[f"{group}/correct"] / seen[f"{group}/n"]) for group in ("train", "test")}
        bits = 8.0 * best.num_bytes
        return {
            "tolerance": best.tolerance,
            "bytes": best.num_bytes,
            "entropy_bytes": best.by_entropy.bits / 8,
            "delta": point.delta,
            "threshold": point.threshold,
            "rank": graining.mean_rank(point.ranks),
            "train_loss": float(seen["train/loss"]),
            "test_error": error["test"],
            "bound": generalization_bound(error["train"], bits, network.n_train, self.confidence),
            "total_bits": bits + network.n_train * float(seen["train/loss"]) / np.log(2),
        }

    def _values(self, rows: Sequence[Row]) -> dict[str, Any]:
        group = "description_length" + ("_two_sided" if self.sides == "two" else "")
        columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        values: dict[str, Any] = {}
        for row in rows:
            suffix = _name(row["tolerance"])
            values[f"bytes_{suffix}"] = np.int32(row["bytes"])
            values[f"entropy_bytes_{suffix}"] = row["entropy_bytes"]
            values[f"test_accuracy_{suffix}"] = 1 - row["test_error"]
        total, is_known = columns.pop("total_bits"), columns["bytes"] >= 0
        least = int(np.argmin(np.where(is_known, total, np.inf)))
        values["total_bits"] = total[least]
        values["best_tolerance"] = columns["tolerance"][least] if is_known[least] else np.nan
        is_bounded = is_known & ~np.isnan(columns["test_error"])
        violated, telling = columns["test_error"] > columns["bound"], columns["bound"] < 1
        values["bounds_violated"] = np.int32(np.sum(violated) if is_bounded.any() else -1)
        values["bounds_below_1"] = np.int32(np.sum(telling) if is_bounded.any() else -1)
        columns.pop("entropy_bytes")
        columns["bytes"] = columns["bytes"].astype(np.int32)
        return {f"{group}/{name}": value for name, value in (values | columns).items()}


def generalization_bound(train_error: float, bits: float, n_train: int, confidence: float) -> float:
    """Rhat + sqrt((K + 2 log K + log 1/(1 - confidence)) / 2n) with K bits: the error of new examples is below it.

    It speaks of examples drawn independently, which a table split in two is nearly; K is at least 1. Above 1 it says
    nothing.
    """
    bits = max(bits, 1.0)
    return float(train_error + np.sqrt((bits + 2 * np.log(bits) - np.log(1 - confidence)) / (2 * n_train)))


def _name(tolerance: float) -> str:
    return f"{tolerance:.6g}"


def _no_row(tolerance: float) -> Row:
    names = ("entropy_bytes", "delta", "threshold", "rank", "train_loss", "test_error", "bound", "total_bits")
    return {"tolerance": tolerance, "bytes": -1, **dict.fromkeys(names, np.nan)}
