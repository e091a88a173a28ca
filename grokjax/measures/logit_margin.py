"""By how much are examples right? The output of the right class less the largest of the others.

Paper: Lyu, Jin, Li, Du, Lee, Hu 2023 (arXiv 2311.18817): late training goes to solutions of large margin.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, View
from grokjax.core.part import part
from grokjax.measures.class_outputs import check_classes, margins, mean_of, train_and_test

_QUANTILES = {"margin_5": 0.05, "margin_50": 0.5, "margin_95": 0.95}


@part
class LogitMargin(Measure):
    """`train/margin_min`, `train/margin_mean`, `train/margin_5`, `_50` and `_95` (per cent quantiles), and of `test`.

    Above 0 exactly where an example is right about the label as given; of several answers the least counts. Margins
    grow with the weights: divide by a norm to compare networks. Quantiles lie between neighbours in proportion.
    """

    paper = "Lyu, Jin, Li, Du, Lee, Hu 2023, arXiv 2311.18817"

    def measure(self, view: View) -> dict[str, jax.Array]:
        check_classes(self.kind, view)
        margin = margins(view.logits(), view.split.labels)
        measured = {}
        for name, members in train_and_test(view).items():
            measured[f"{name}/margin_mean"] = mean_of(margin, members)
            ascending, count = jnp.sort(jnp.where(members, margin, jnp.inf)), jnp.sum(members, dtype=jnp.int32)
            measured[f"{name}/margin_min"] = quantile(ascending, count, 0.0)
            for quantile_name, share in _QUANTILES.items():
                measured[f"{name}/{quantile_name}"] = quantile(ascending, count, share)
        return {name: value.astype(jnp.float32) for name, value in measured.items()}


def quantile(ascending: jax.Array, count: jax.Array, share: float) -> jax.Array:
    """Of the first `count` values [value], the one that a share of them lies below; NaN where there are none."""
    position = share * (count - 1).astype(ascending.dtype)
    below = jnp.clip(jnp.floor(position).astype(jnp.int32), 0, len(ascending) - 1)
    next_one = jnp.clip(below + 1, 0, jnp.maximum(count - 1, 0))
    part_above = position - below
    between = jnp.where(part_above > 0, part_above * (ascending[next_one] - ascending[below]), 0.0)
    return jnp.where(count > 0, ascending[below] + between, jnp.nan)
