"""Are entropy and similarity of heads those of a loop over their weights?"""

import numpy as np
import pytest

from grokjax.measures.attention import Attention, head_entropy, head_similarity
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.check import check_programs
from grokjax.reader.errors import SpecError
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.measures.small_runs import shown

TASK = ModularArithmetic(modulus=7)


def examples(folder):
    del folder
    return [Attention(), Attention(examples=5)]


def test_entropy_and_similarity_are_those_of_a_loop_over_heads():
    random = np.random.default_rng(0)
    weights = random.dirichlet(np.ones(4), size=(6, 3, 2)).astype(np.float32)  # [example, head, query, key]
    weights[0, 0, 0] = [1, 0, 0, 0]
    entropies, cosines = [], []
    for head in range(3):
        rows = weights[:, head].reshape(-1, 4)
        entropies.append(np.mean([-sum(x * np.log(x) for x in row if x > 0) for row in rows]))
        for other in range(head):
            one, two = weights[:, head].ravel(), weights[:, other].ravel()
            cosines.append(one @ two / np.linalg.norm(one) / np.linalg.norm(two))
    np.testing.assert_allclose(head_entropy(weights), entropies, rtol=1e-5)
    np.testing.assert_allclose(head_similarity(weights), np.mean(cosines), rtol=1e-5)


def test_heads_without_scores_look_at_all_tokens_alike():
    """Query and key matrices of zeros: three tokens are seen by the last, all heads do the same."""
    run = Run(task=TASK, model=Transformer(width=8, heads=2), optimizer=AdamW())
    params = shown(run, Attention()).params
    for name in ("query", "key"):
        params["layer_0"]["attention"][name]["kernel"] = np.zeros((8, 8), np.float32)
    found = shown(run, Attention(), params).measured
    np.testing.assert_allclose(found["attention_entropy/layer_0"], [np.log(3)] * 2, rtol=1e-5)
    np.testing.assert_allclose(found["attention_similarity/layer_0"], 1, rtol=1e-5)


def test_a_network_without_attention_is_refused():
    with pytest.raises(SpecError, match="asks for activations named 'weights', but the model names units_0"):
        check_programs([Run(task=TASK, model=MLP(width=4), optimizer=AdamW())], [Attention()])
