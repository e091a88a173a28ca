"""Are these the digits of scikit-learn, all of them, each once?"""

import sys

import numpy as np
import pytest

from grokjax.tasks import digits
from grokjax.tasks.digits import Digits


def examples(folder):
    del folder
    return [Digits()]


def test_all_1797_images_have_pixels_from_0_to_1_in_sixteenths():
    table = Digits().table()
    assert table.inputs.shape == (1797, 64) and table.inputs.min() == 0 and table.inputs.max() == 1
    assert np.array_equal(table.inputs * 16, np.round(table.inputs * 16))
    assert np.bincount(table.targets).min() > 170 and table.num_classes == 10


def test_without_scikit_learn_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    digits._table.cache_clear()
    with pytest.raises(ValueError, match=r"pip install 'grokjax\[images\]'"):
        Digits().table()
    digits._table.cache_clear()
