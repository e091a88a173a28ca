"""How long does the description length of a stored network take, against the published search on the same network?

    python -m benchmarks.description_length --rounds 3 --record

The network of DeMoss et al. 2024 (242,547 parameters, x + y modulo 113) is trained for a while; then snapshots of it
are coded within seven tolerances, by the probe and by a straightforward form of the published search: for each
tolerance 62 points, for each of them an SVD of every matrix, the loss of the whole train set and bzip2. Points that
Bayesian optimisation would choose are drawn at random, so that what it costs to choose them is left out, to its favour.
Of its tolerances `--tolerances` are run, evenly taken out of the seven. First, no code of ours may be longer.
"""

import bz2
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.rig.records import arguments, finish
from benchmarks.rig.rounds import DisagreementError, ratios, spread
from grokjax import load_sweep, train_sweep
from grokjax.core.interfaces import Network
from grokjax.lab.probing import Probing
from grokjax.lab.stored_networks import ALL, StoredNetworks, Wanted, wanted_of
from grokjax.probes.description_length import DescriptionLength
from grokjax.results.stored_params import stored_places
from grokjax.results.stored_sweep import stored_sweep

SWEEP = """
name: description_length
task: {{kind: modular_arithmetic, operation: x+y, modulus: 113, sequence: x op y =, train_fraction: 0.2}}
model: {{kind: transformer, preset: demoss2024}}
optimizer: {{kind: adamw, learning_rate: 0.001, b1: 0.9, b2: 0.98}}
regularizers: [{{kind: weight_noise, std: 0.01}}]
train: {{steps: {steps}, minibatch: {{at_most: 512, share: 0.5}}}}
axes: {{optimizer.weight_decay: [0, 1]}}
seeds: 1
measure: {{every: {{log: 4}}, what: [fit]}}
weights: {{log: 8}}
"""
POINTS = 62


def networks_of(folder: Path, steps: int) -> tuple[Probing, list[Wanted]]:
    """Snapshots of a trained sweep; the first ones are left out, since they code to nothing."""
    (folder / "sweep.yaml").write_text(SWEEP.format(steps=steps))
    root = folder / "runs"
    train_sweep(load_sweep(folder / "sweep.yaml"), root)
    places, sweep, part = stored_places(root), stored_sweep(root), DescriptionLength()
    ((cohort, wanted),) = wanted_of(root, sweep, list(places), ALL, dict.fromkeys(places, steps))
    late = [one for one in wanted if one.step >= steps // 10]
    return Probing(StoredNetworks(root, sweep, cohort, part), part), late


def published(network: Network, tolerance: float, rng: np.random.Generator) -> int:
    """Bytes of the shortest of 62 codes, each made from the network itself."""
    points = [(1e-3, 1.0), (1e-3 * 10**0.3, 0.98)]
    points += [(10 ** rng.uniform(-3, 0), rng.uniform()) for _ in range(POINTS - len(points))]
    before, shortest = network.train_loss(network.params), -1
    for delta, threshold in points:
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


def one_network(network: Network, tolerances: list[float], rng: np.random.Generator) -> dict[str, Any]:
    """Seconds and bytes of both, side by side."""
    began = time.perf_counter()
    values = DescriptionLength().probe(network)
    ours = time.perf_counter() - began
    known = dict(zip(values["description_length/tolerance"], values["description_length/bytes"].tolist(), strict=True))
    began = time.perf_counter()
    theirs = [published(network, tolerance, rng) for tolerance in tolerances]
    seconds = (time.perf_counter() - began) / len(tolerances)
    for tolerance, num_bytes in zip(tolerances, theirs, strict=True):
        if not 0 <= known[tolerance] <= num_bytes:
            raise DisagreementError(f"within {tolerance} nats ours needs {known[tolerance]} bytes, theirs {num_bytes}.")
    return {
        "step": network.step,
        "seconds": ours,
        "seconds_a_tolerance": ours / len(known),
        "published_seconds_a_tolerance": seconds,
        "bytes": [known[tolerance] for tolerance in tolerances],
        "published_bytes": theirs,
    }


def main() -> None:
    parser = arguments(__doc__, rounds=1, steps=3000, tolerances=3)
    options = parser.parse_args()
    seven = DescriptionLength().tolerances
    chosen = [seven[place] for place in np.linspace(0, len(seven) - 1, options.tolerances).round().astype(int)]
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        probing, wanted = networks_of(Path(name), options.steps)
        networks = [probing.network(one) for one in wanted]
        one_network(networks[0], chosen[:1], rng)  # compiled
        rounds = [one_network(network, chosen, rng) for _ in range(options.rounds) for network in networks]
    ours = [one["seconds_a_tolerance"] for one in rounds]
    theirs = [one["published_seconds_a_tolerance"] for one in rounds]
    saved = [num / most for one in rounds for num, most in zip(one["bytes"], one["published_bytes"], strict=True)]
    print(f"a snapshot, {len(seven)} tolerances  {spread([one['seconds'] for one in rounds], '{:.2f}')} s")
    print(f"a tolerance: ours {spread(ours, '{:.3f}')} s, published {spread(theirs, '{:.1f}')} s")
    print(f"{spread(ratios(theirs, ours), '{:.0f}')} times faster; bytes {spread(saved, '{:.2f}')} of theirs")
    finish(options, "description_length", {"rounds": rounds})


if __name__ == "__main__":
    main()
