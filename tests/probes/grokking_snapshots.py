"""Snapshots of small networks, half of which grok and half of which memorize, as a probe sees them."""

import numpy as np

from grokjax.core.interfaces import Network
from grokjax.lab.probing import Probing
from grokjax.lab.stored_networks import ALL, StoredNetworks, wanted_of
from grokjax.orders.identity import run_id
from grokjax.probes.description_length import DescriptionLength
from grokjax.results.stored_sweep import stored_sweep
from tests.store.small_sweep import typed

SWEEP = """
name: snapshots
task: {kind: modular_arithmetic, operation: x+y, modulus: 11, train_fraction: 0.75}
model: {kind: mlp, activation: square, width: 48}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
train: {steps: 2000, minibatch: full}
axes: {optimizer.weight_decay: [0, 1]}
seeds: 2
measure: {every: [1000], what: [fit]}
weights: {log: 12}
"""


def trained(place):
    """Folder of the sweep."""
    (place / "sweep.yaml").write_text(SWEEP)
    assert typed("run", place / "sweep.yaml", "--out", place / "runs", "--lanes", 4) == 0
    return place / "runs"


def snapshots(root) -> list[tuple[float, Network]]:
    """(weight decay, network) of every stored snapshot."""
    sweep = stored_sweep(root)
    ids = [run_id(order.run) for order in _orders(root, sweep)]
    ((cohort, wanted),) = wanted_of(root, sweep, ids, ALL, dict.fromkeys(ids, 2000))
    part = DescriptionLength()
    probing = Probing(StoredNetworks(root, sweep, cohort, part), part)
    return [(float(one.order.run.optimizer.weight_decay), probing.network(one)) for one in wanted]


def _orders(root, sweep):
    from grokjax.results.orders_given import orders_given

    return [order for orders in orders_given(root, sweep) for order in orders]


def drawn(root, count, seed=0) -> list[Network]:
    """So many of them at random, as many of decayed as of other networks."""
    known, rng = snapshots(root), np.random.default_rng(seed)
    networks = []
    for decay in (0.0, 1.0):
        of_decay = [network for found, network in known if found == decay]
        networks += [of_decay[place] for place in rng.choice(len(of_decay), count // 2, replace=False)]
    return networks
