"""Are accuracies by class those of a loop over classes?"""

import numpy as np
import pytest

from grokjax.measures.per_class_accuracy import PerClassAccuracy
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.check import check_programs
from grokjax.reader.errors import SpecError
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.measures.small_runs import outputs_of_mlp, shown


def test_accuracies_are_those_of_a_loop_over_classes():
    task = ModularArithmetic(modulus=7, operation="x*y", train_fraction=0.1, label_noise=0.5)  # 4 train examples
    view = shown(Run(task=task, model=MLP(width=12), optimizer=AdamW()), PerClassAccuracy())
    is_right = outputs_of_mlp(view.params, view.inputs, 7)[1].argmax(axis=1) == view.targets
    worst = []
    for name, members in (("train", view.is_train), ("test", ~view.is_train)):
        for label in range(7):
            chosen = is_right[members & (view.targets == label)]
            found = view.measured[f"{name}_class/accuracy"][label]
            assert found == np.float32(chosen.mean()) if len(chosen) else np.isnan(found)
            worst += [chosen.mean()] if len(chosen) and name == "test" else []
    assert np.isnan(view.measured["train_class/accuracy"]).any()
    assert view.measured["test_class/worst"] == np.float32(min(worst)) and max(worst) > 0


def test_several_answers_an_example_are_refused():
    task = ModularArithmetic(modulus=7, sequence="end x op y = z end")
    run = Run(task=task, model=Transformer(width=8, heads=2), optimizer=AdamW())
    with pytest.raises(SpecError, match="per_class_accuracy needs one class an example; here it has several"):
        check_programs([run], [PerClassAccuracy()])
