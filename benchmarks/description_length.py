"""Is the description length of a stored network found sooner than by the published search, and is it ever longer?

    python -m benchmarks.description_length --record
    python -m benchmarks.description_length --timed 0 --networks mlp,transformer --snapshots 20 --record

Time: the network of DeMoss et al. 2024 (242,547 parameters, x + y modulo 113) is trained for a while. Some of its
snapshots (`--timed`) are coded within seven tolerances by the probe, and within `--tolerances` of them by a
straightforward form of the published search: 62 points, for each of them an SVD of every matrix, the loss of the whole
train set and bzip2. Points that Bayesian optimisation would choose are drawn at random, so that what it costs to choose
them is left out, to its favour.

Bytes: so many `--snapshots` of each of `--networks`, at random and half of them of runs that only memorize, are coded
by the probe and by the published search with its guidance (the package bayesian-optimization in .venv-peers), which has
the same forms of networks, ranks, loss and count of bytes. Every comparison is counted, lost ones are listed.
"""

import bz2
import math
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.rig.processes import PEERS, ROOT
from benchmarks.rig.records import arguments, finish
from benchmarks.rig.rounds import ratios, spread
from grokjax import load_sweep, train_sweep
from grokjax.core.interfaces import Network
from grokjax.lab.probing import Probing
from grokjax.lab.stored_networks import ALL, StoredNetworks, wanted_of
from grokjax.probes.coarse_graining import CoarseGraining
from grokjax.probes.code_length import bzip2_bytes
from grokjax.probes.description_length import DescriptionLength
from grokjax.results.stored_params import stored_places
from grokjax.results.stored_sweep import stored_sweep

SWEEPS = {
    "published": """
name: published
task: {kind: modular_arithmetic, operation: x+y, modulus: 113, sequence: x op y =, train_fraction: 0.2}
model: {kind: transformer, preset: demoss2024}
optimizer: {kind: adamw, learning_rate: 0.001, b1: 0.9, b2: 0.98}
regularizers: [{kind: weight_noise, std: 0.01}]
train: {steps: 3000, minibatch: {at_most: 512, share: 0.5}}
axes: {optimizer.weight_decay: [0, 1]}
seeds: 1
measure: {every: {log: 4}, what: [fit]}
weights: {log: 8}
""",
    "transformer": """
name: transformer
task: {kind: modular_arithmetic, operation: x+y, modulus: 31, sequence: x op y =, train_fraction: 0.5}
model: {kind: transformer, preset: demoss2024, width: 32, mlp_width: 128, positions_length: 33}
optimizer: {kind: adamw, learning_rate: 0.001, b1: 0.9, b2: 0.98}
train: {steps: 5000, minibatch: {at_most: 512, share: 0.5}}
axes: {optimizer.weight_decay: [0, 1]}
seeds: 2
measure: {every: {log: 4}, what: [fit]}
weights: {log: 20}
""",
    "mlp": """
name: mlp
task: {kind: modular_arithmetic, operation: x+y, modulus: 23, train_fraction: 0.7}
model: {kind: mlp, activation: square, width: 64}
optimizer: {kind: adamw, learning_rate: 0.01}
train: {steps: 3000, minibatch: full}
axes: {optimizer.weight_decay: [0, 1]}
seeds: 2
measure: {every: {log: 4}, what: [fit]}
weights: {log: 20}
""",
}
"""Networks of 242,547, 15,905 and 4,416 parameters; without decay they memorize, with it they grok."""
POINTS = 62
INFEASIBLE = -300_000.0
"""The published score of a point that is not within the tolerance."""


def snapshots_of(name: str, folder: Path) -> list[tuple[float, Network]]:
    """(weight decay, network) of every snapshot of a trained sweep; the first ones, which code to nothing, left out."""
    root, path = folder / name, folder / f"{name}.yaml"
    path.write_text(SWEEPS[name])
    sweep = load_sweep(path)
    train_sweep(sweep, root)
    places, part = stored_places(root), DescriptionLength()
    ((cohort, wanted),) = wanted_of(root, stored_sweep(root), list(places), ALL, dict.fromkeys(places, sweep.steps))
    probing = Probing(StoredNetworks(root, stored_sweep(root), cohort, part), part)
    late = [one for one in wanted if one.step >= sweep.steps // 100]
    return [(float(one.order.run.optimizer.weight_decay), probing.network(one)) for one in late]


def published(network: Network, tolerance: float, rng: np.random.Generator, points: int = POINTS) -> int:
    """Bytes of the shortest of so many codes, each made from the network itself."""
    pairs = [(1e-3, 1.0), (1e-3 * 10**0.3, 0.98)]
    pairs += [(10 ** rng.uniform(-3, 0), rng.uniform()) for _ in range(points - len(pairs))]
    before, shortest = network.train_loss(network.params), -1
    for delta, threshold in pairs:
        arrays, coarse = coarse_network(network.params, delta, threshold)
        loss = network.train_loss(coarse)
        num_bytes = len(bz2.compress(np.concatenate(arrays).tobytes()))
        if loss <= before + tolerance and (shortest < 0 or num_bytes < shortest):
            shortest = num_bytes
    return shortest


def coarse_network(params: Any, delta: float, threshold: float) -> tuple[list[np.ndarray], Any]:
    """Flat arrays that are stored, and parameters, as the published code makes them."""
    leaves, structure = jax.tree.flatten(params)
    arrays, coarse = [], []
    for leaf in leaves:
        pieces = [leaf]
        if leaf.ndim > 1:
            left, values, right = np.linalg.svd(leaf, full_matrices=False)
            sums = np.cumsum(values)
            rank = int(np.searchsorted(sums, threshold * sums[-1]))
            if rank * sum(leaf.shape) < leaf.size:
                pieces = [left[:, :rank] * values[:rank], right[:rank]]
        pieces = [(np.round(piece / delta) * delta).astype(np.float32) + np.float32(0) for piece in pieces]
        arrays += [piece.ravel() for piece in pieces]
        coarse.append(pieces[0] if len(pieces) == 1 else pieces[0] @ pieces[1])
    return arrays, jax.tree.unflatten(structure, coarse)


class GuidedSearch:
    """The published search in a process of the peers."""

    def __init__(self) -> None:
        command = [str(ROOT / PEERS), "-m", "benchmarks.peers.guided_search"]
        alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # matrices of 62 rows: faster so
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet, text=True, cwd=ROOT, env=alone)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def shortest(self, network: Network, graining: CoarseGraining, tolerance: float, seed: int) -> float:
        """Bytes of the shortest of its 62 codes; infinity where none is within the tolerance."""
        before, shortest = network.train_loss(network.params), math.inf
        self._write(seed)
        while point := self._read():
            delta, ranks = 10 ** point[0], graining.ranks(point[1])
            score = INFEASIBLE
            if network.train_loss(graining.params(delta, ranks)) <= before + tolerance:
                num_bytes = bzip2_bytes(graining.levels(delta, ranks), delta)
                score, shortest = -float(num_bytes), min(shortest, num_bytes)
            self._write(score)
        return shortest

    def _write(self, value: float) -> None:
        assert self._process.stdin
        print(value, file=self._process.stdin, flush=True)

    def _read(self) -> list[float]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{PEERS} ended; is bayesian-optimization installed there (make peers)?")
        return [float(number) for number in line.split()]


def compared(name: str, known: list[tuple[float, Network]], count: int, seed: int) -> list[dict[str, Any]]:
    """Bytes of both searches within each tolerance, of snapshots at random, half of them of each decay."""
    rng, rows, guided = np.random.default_rng(seed), [], GuidedSearch()
    for decay in (0.0, 1.0):
        networks = [network for found, network in known if found == decay]
        for place in sorted(rng.choice(len(networks), min(count // 2, len(networks)), replace=False)):
            network, began = networks[place], time.perf_counter()
            values = DescriptionLength().probe(network)
            seconds = (time.perf_counter() - began) / len(DescriptionLength().tolerances)
            tolerances, began = values["description_length/tolerance"].tolist(), time.perf_counter()
            graining = CoarseGraining(network.params)
            theirs = [guided.shortest(network, graining, tolerance, seed) for tolerance in tolerances]
            seen = network.fit(network.params)
            rows.append(
                {
                    "network": name,
                    "weight_decay": decay,
                    "step": network.step,
                    "test_accuracy": float(seen["test/correct"] / seen["test/n"]),
                    "tolerances": tolerances,
                    "bytes": values["description_length/bytes"].tolist(),
                    "guided_bytes": [None if math.isinf(num_bytes) else num_bytes for num_bytes in theirs],
                    "seconds_a_tolerance": seconds,
                    "guided_seconds_a_tolerance": (time.perf_counter() - began) / len(tolerances),
                }
            )
            print(f"  {name}, decay {decay:g}, step {network.step}: {rows[-1]['bytes']}, guided {theirs}", flush=True)
    guided.close()
    return rows


def told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of shorter, equal and longer codes than those of the guided search, and the lost ones."""
    pairs = [
        (row, tolerance, ours, math.inf if theirs is None else theirs)
        for row in rows
        for tolerance, ours, theirs in zip(row["tolerances"], row["bytes"], row["guided_bytes"], strict=True)
    ]
    pairs = [(row, tolerance, ours if ours >= 0 else math.inf, theirs) for row, tolerance, ours, theirs in pairs]
    lost = [
        {"network": row["network"], "step": row["step"], "tolerance": tolerance, "bytes": ours, "guided_bytes": theirs}
        for row, tolerance, ours, theirs in pairs
        if ours > theirs
    ]
    won, tied = (sum(ours < theirs for *_, ours, theirs in pairs), sum(ours == theirs for *_, ours, theirs in pairs))
    return {"won": won, "tied": tied, "lost": len(lost), "lost_ones": lost}


def timed(network: Network, tolerances: list[float], rng: np.random.Generator) -> dict[str, Any]:
    """Seconds and bytes of both, side by side."""
    began, used = time.perf_counter(), time.process_time()
    values = DescriptionLength().probe(network)
    ours, ours_used = time.perf_counter() - began, time.process_time() - used
    known = dict(zip(values["description_length/tolerance"], values["description_length/bytes"].tolist(), strict=True))
    began, used = time.perf_counter(), time.process_time()
    theirs = [published(network, tolerance, rng) for tolerance in tolerances]
    return {
        "step": network.step,
        "load": os.getloadavg()[0],
        "seconds": ours,
        "seconds_a_tolerance": ours / len(known),
        "cpu_seconds_a_tolerance": ours_used / len(known),
        "published_seconds_a_tolerance": (time.perf_counter() - began) / len(tolerances),
        "published_cpu_seconds_a_tolerance": (time.process_time() - used) / len(tolerances),
        "bytes": [known[tolerance] for tolerance in tolerances],
        "published_bytes": theirs,
    }


def measured_time(folder: Path, count: int, num_tolerances: int, rounds: int) -> list[dict[str, Any]]:
    """Rounds over the last snapshots, in turn of the memorizing and of the generalizing run."""
    seven, rng = DescriptionLength().tolerances, np.random.default_rng(0)
    chosen = [seven[place] for place in np.linspace(0, len(seven) - 1, num_tolerances + 2)[1:-1].round().astype(int)]
    known = sorted(snapshots_of("published", folder), key=lambda pair: -pair[1].step)
    networks = [network for _, network in known[:count]]
    published(networks[0], chosen[0], rng, points=2)  # compiled
    networks[0].fit(networks[0].params)
    return [timed(network, chosen, rng) for _ in range(rounds) for network in networks]


def tell_time(rounds: list[dict[str, Any]]) -> None:
    ours, theirs = ([one[f"{of}seconds_a_tolerance"] for one in rounds] for of in ("", "published_"))
    used = [[one[f"{of}cpu_seconds_a_tolerance"] for one in rounds] for of in ("", "published_")]
    print(f"a snapshot, all tolerances  {spread([one['seconds'] for one in rounds], '{:.2f}')} s")
    print(f"a tolerance: ours {spread(ours, '{:.3f}')} s, published {spread(theirs, '{:.1f}')} s")
    print(f"{spread(ratios(theirs, ours), '{:.0f}')} times faster; in CPU time {spread(ratios(*used[::-1]), '{:.0f}')}")


def main() -> None:
    parser = arguments(__doc__, timed=1, rounds=1, tolerances=1, networks="mlp", snapshots=4, seed=0)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        if options.timed:
            results["rounds"] = measured_time(Path(name), options.timed, options.tolerances, options.rounds)
            tell_time(results["rounds"])
        rows = []
        for network in filter(None, options.networks.split(",")):
            rows += compared(network, snapshots_of(network, Path(name)), options.snapshots, options.seed)
        results |= {"comparisons": rows, "against_guided": told(rows)}
    counts = results["against_guided"]
    print(f"against the guided search: {counts['won']} shorter, {counts['tied']} equal, {counts['lost']} longer")
    for lost in counts["lost_ones"]:
        print(f"  longer: {lost}")
    finish(options, "description_length", results)


if __name__ == "__main__":
    main()
