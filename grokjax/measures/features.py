"""Activations of a fixed sample of examples as a matrix: what measures of a representation compare."""

import jax

from grokjax.core.interfaces import View


def features(view: View, word: str, count: int) -> dict[str, jax.Array]:
    """Name -> [row, feature] of the activations that a word names, on at most `count` rows spread over the table.

    Of a sequence of tokens the last position, where it is answered; other axes are made one.
    """
    named = view.activations(word, view.inputs[view.spread_rows(count)])
    is_sequence = view.signature.vocabulary is not None
    return {
        name: (values[:, -1] if is_sequence and values.ndim == 3 else values).reshape(len(values), -1)
        for name, values in named.items()
    }
