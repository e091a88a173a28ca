"""Run ids do not change silently: results stored with them would no longer be found."""

import json
import os
from pathlib import Path

from grokjax.orders.order import grid_orders
from grokjax.reader.sweep_file import load

GOLDEN = Path(__file__).parent / "run_ids.json"
SWEEPS = Path(__file__).parents[2] / "sweeps"
SETTINGS = {
    "transformer": ["model={kind: transformer, layers: 2, dropout: 0.1}", "loss={kind: cross_entropy}"],
    "decays": [
        "optimizer={kind: adam_l2, learning_rate: 0.001, warmup: 10}",
        "train.minibatch={at_most: 64, share: 0.5}",
    ],
    "noise": ["task={kind: modular_arithmetic, operation: x^3+xy, modulus: 11, label_noise: 0.2}"],
    "bf16": ["precision.matmul=bf16"],
    "parity": [
        "task={kind: sparse_parity, bits: 12, relevant: 3, train_size: 500}",
        "axes={optimizer.weight_decay: [0.1, 1]}",
        "claims=[]",
    ],
}


def present_ids() -> dict[str, list[str]]:
    found = {}
    for name, overrides in {"quickstart": [], **SETTINGS}.items():
        sweep = load(SWEEPS / "quickstart.yaml", overrides)
        chosen = [0, sweep.num_runs // 2, sweep.num_runs - 1]
        found[name] = [grid_orders(sweep)[number].run_id for number in chosen]
    return found


def test_run_ids_are_those_of_the_golden_file() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(present_ids(), indent=1) + "\n")
    assert present_ids() == json.loads(GOLDEN.read_text()), (
        "Run ids changed, so stored runs are no longer recognised. If a formula changed, raise the part's `revision`; "
        "if a field is new, declare its old behaviour with setting(added=...). Only then: make golden"
    )
