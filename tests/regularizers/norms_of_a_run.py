"""The weight norm at each step of a small run that the engine trains."""

import dataclasses

import numpy as np

from grokjax.core.interfaces import Regularizer
from grokjax.lab.single import train_one
from grokjax.measures.weight_norm import WeightNorm
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic

RUN = Run(
    task=ModularArithmetic(modulus=7),
    model=MLP(width=8, bias=True),
    optimizer=AdamW(learning_rate=0.03),
)


def norms_of_a_run(regularizer: Regularizer | None, weight_decay: float) -> np.ndarray:
    """[step] before the first update and after each of twenty."""
    run = dataclasses.replace(
        RUN,
        optimizer=dataclasses.replace(RUN.optimizer, weight_decay=weight_decay),
        regularizers=() if regularizer is None else (regularizer,),
    )
    trained = train_one(run, steps=20, measure={"every": 1, "what": [WeightNorm()]})
    return trained.history["weight_norm/total"].values
