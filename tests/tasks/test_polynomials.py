"""Is a polynomial read, written and evaluated as Python's whole numbers have it?"""

import random

import numpy as np
import pytest

from grokjax.tasks.polynomials import evaluate, read, write

X, Y = (side.ravel() for side in np.meshgrid(np.arange(13), np.arange(13), indexing="ij"))


@pytest.mark.parametrize("seed", range(40))
def test_a_random_polynomial_keeps_its_spelling_and_its_values(seed):
    draw = random.Random(seed)
    terms = {
        (draw.randrange(5), draw.randrange(5)): draw.choice([-1000, -3, -1, 1, 2, 999])
        for _ in range(draw.randrange(1, 6))
    }
    power = draw.choice([1, 1, 2, 3, 7])
    text = write(terms, power)
    assert read(text) == (terms, power)
    expected = [
        pow(sum(factor * x**a * y**b for (a, b), factor in terms.items()), power, 13)
        for x, y in zip(X.tolist(), Y.tolist(), strict=True)
    ]
    assert evaluate(text, X, Y, 13).tolist() == expected


def test_terms_of_one_kind_are_added_and_then_the_spelling_is_another():
    assert read("x+x+3y-y^1") == ({(1, 0): 2, (0, 1): 2}, 1)
    with pytest.raises(ValueError, match=r"did you mean '2x\+2y'"):
        evaluate("x+x+3y-y^1", X, Y, 13)
