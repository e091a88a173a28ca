"""Do networks become modular when they grok? What the probes of a folder say, with chance and power.

    python -m benchmarks.modularity_through_grokking DIR

DIR holds a run of sweeps/modularity_through_grokking.yaml, measured as its head says; there stand the rules and claims.
"""

import sys

import numpy as np
import pandas as pd
from scipy import stats

import grokjax
from grokjax.analysis.chance import flip_chance

MARGIN, CHANCE = 1.0, 0.05
MODULAR = {  # measure of how modular a network is, higher for more
    "modularity/bound_z": -1,
    "modularity/ncut_z": -1,
    "modularity/q_z": 1,
    "modularity_unscaled/bound_z": -1,
    "modularity_waves/bound_z": -1,
    "modularity_waves/ncut_z": -1,
}
OTHERS = ("frequency_modules/purity", "frequency_modules/modules", "damage/train_area", "damage/test_area")
GROKKING, NO_DECAY, FEW_PAIRS = "grokking", "no decay", "few pairs"


class Snapshots:
    """Values of all runs at two snapshots: by arm, [seed, t0 and t1]."""

    def __init__(self, folder: str):
        results = grokjax.open_results(folder)
        runs, self._history = results.runs, results.history
        decay, fraction = runs["optimizer.weight_decay"], runs["task.train_fraction"]
        is_few = fraction < fraction.max()
        arms = {GROKKING: (decay > 0) & ~is_few, NO_DECAY: decay == 0, FEW_PAIRS: is_few}
        self._runs = {arm: runs[mask].sort_values("seeds.init")["run_id"].tolist() for arm, mask in arms.items()}
        self.steps = [self._steps_of(run_id) for run_id in self._runs[GROKKING]]

    def _steps_of(self, run_id: str) -> tuple[int, int]:
        run = self._history.sel(run_id=run_id)
        steps, known = run["step"].values, ~np.isnan(run["modularity/bound_z"].values)
        fit = known & (run["train/correct"].values == run["train/n"].values)
        return int(steps[fit].min()), int(steps[known].max())

    def values(self, name: str, arm: str) -> np.ndarray:
        table = []
        for run_id, steps in zip(self._runs[arm], self.steps, strict=True):
            run = self._history.sel(run_id=run_id)
            table.append([float(run[name].values[run["step"].values == step][0]) for step in steps])
        if np.isnan(table).any():
            raise SystemExit(
                f"{name} is not measured at steps {sorted({step for pair in self.steps for step in pair})}."
            )
        return np.array(table)


def verdict(additions: list[np.ndarray]) -> str:
    """By the rule at the head of the sweep, from additions [seed] against each control."""
    if all(added.mean() > MARGIN and two_sided(added) < CHANCE for added in additions):
        return "rises"
    return "does not" if any(interval(added)[1] < MARGIN for added in additions) else "undecided"


def two_sided(differences: np.ndarray) -> float:
    return min(1.0, 2 * min(flip_chance(differences), flip_chance(-differences)))


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % of the mean."""
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return values.mean() - half, values.mean() + half


def power(seeds: int, effect: float, experiments: int = 2000) -> float:
    """Share of simulated experiments with normal differences, of such a mean and deviation 1, that find one at 5 %.

    The two-sided t test stands for sign flips, with which it agrees closely at such numbers of seeds.
    """
    drawn = np.random.default_rng(0).normal(effect, 1, (experiments, seeds))
    return float(np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < CHANCE))


def main(folder: str) -> None:
    snapshots = Snapshots(folder)
    rows = []
    for name, sign in MODULAR.items():
        arms = {arm: sign * snapshots.values(name, arm) for arm in (GROKKING, NO_DECAY, FEW_PAIRS)}
        rises = {arm: values[:, 1] - values[:, 0] for arm, values in arms.items()}
        additions = [rises[GROKKING] - rises[control] for control in (NO_DECAY, FEW_PAIRS)]
        row = {"measure": name}
        for arm, values in arms.items():
            row[f"{arm} t0"], row[f"{arm} t1"] = np.round(values.mean(axis=0), 2)
        for control, added in zip((NO_DECAY, FEW_PAIRS), additions, strict=True):
            low, high = interval(added)
            row[f"added to {control}"] = f"{added.mean():.2f} ({low:.2f} to {high:.2f}), p {two_sided(added):.2g}"
            row[f"deviation, {control}"] = round(float(added.std(ddof=1)), 2)
        row["rises in"] = f"{np.sum(rises[GROKKING] > 0)}/{len(rises[GROKKING])}"
        rows.append(row | {"verdict": verdict(additions)})
    print(pd.DataFrame(rows).T.to_string(header=False))
    print(f"power at {len(snapshots.steps)} seeds:", {d: power(len(snapshots.steps), d) for d in (0.4, 0.6, 0.8, 1.0)})
    print(
        "t0:", sorted({steps[0] for steps in snapshots.steps}), "t1:", sorted({steps[1] for steps in snapshots.steps})
    )
    for name in OTHERS:
        for arm in (GROKKING, NO_DECAY, FEW_PAIRS):
            values = snapshots.values(name, arm)
            count = f"larger at t1 in {np.sum(values[:, 1] > values[:, 0])}/{len(values)}"
            print(f"{name}, {arm}: median t0 {np.median(values[:, 0]):.3f}, t1 {np.median(values[:, 1]):.3f}, {count}")
    purity = {arm: snapshots.values("frequency_modules/purity", arm)[:, 1] for arm in (GROKKING, NO_DECAY, FEW_PAIRS)}
    print("purity at t1 over 0.7:", {arm: int(np.sum(values > 0.7)) for arm, values in purity.items()})
    print("purity at t1 under 0.5:", {arm: int(np.sum(values < 0.5)) for arm, values in purity.items()})
    own, others = (
        snapshots.values(f"frequency_modules/test_accuracy_without_{of}", GROKKING)[:, 1]
        for of in ("module", "random_module")
    )
    print(f"without a module {np.median(own):.3f}, as many random units {np.median(others):.3f}, lower", end=" ")
    print(f"in {np.sum(own < others)}/{len(own)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
