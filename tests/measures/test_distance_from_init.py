"""Are distances from the initial parameters those of NumPy?"""

import numpy as np

from grokjax.measures.distance_from_init import DistanceFromInit
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.measures.small_runs import SAME, shown

RUN = Run(task=ModularArithmetic(modulus=7), model=MLP(width=10), optimizer=AdamW())


def test_distances_are_those_of_numpy():
    view = shown(RUN, DistanceFromInit())
    now, start = (
        np.concatenate([tree[name]["kernel"].ravel() for name in ("hidden_0", "output")])
        for tree in (view.params, view.initial)
    )
    expected = {
        "total": np.linalg.norm(now - start),
        "relative": np.linalg.norm(now - start) / np.linalg.norm(start),
        "largest": np.abs(now - start).max(),
        "cosine": now @ start / np.linalg.norm(now) / np.linalg.norm(start),
        "output/kernel": np.linalg.norm(view.params["output"]["kernel"] - view.initial["output"]["kernel"]),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(view.measured[f"distance_from_init/{name}"], value, rtol=1e-4)


def test_initial_parameters_have_gone_nowhere():
    found = shown(RUN, DistanceFromInit(), SAME).measured
    assert found["distance_from_init/relative"] < 1e-6  # drawn again, up to rounding
    np.testing.assert_allclose(found["distance_from_init/cosine"], 1, rtol=1e-6)
