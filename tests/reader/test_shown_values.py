"""Are settings that differ never shown alike, so that their runs are not pooled as one cell?"""

import pytest

from grokjax.reader.run import Minibatch
from grokjax.reader.shown_values import shown_value

MINIBATCHES = [
    None,
    Minibatch(at_most=8),
    Minibatch(at_most=16),
    Minibatch(at_most=8, share=0.5),
    Minibatch(at_most=8, used=0.5),
    Minibatch(at_most=8, used=0.25),
]


def test_minibatches_that_differ_are_shown_differently():
    shown = [str(shown_value(minibatch, "train.minibatch")) for minibatch in MINIBATCHES]
    assert len(set(shown)) == len(MINIBATCHES)


@pytest.mark.parametrize("size", [8, 512])
def test_a_minibatch_of_nothing_but_a_size_is_shown_as_that_number(size):
    assert shown_value(Minibatch(at_most=size), "train.minibatch") == size
