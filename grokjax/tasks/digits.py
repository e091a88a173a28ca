"""The 1,797 small handwritten digits that scikit-learn carries with it: nothing is downloaded.

Source: Alpaydin and Kaynak 1998, optical recognition of handwritten digits, as in `sklearn.datasets.load_digits`.
"""

from functools import lru_cache

import numpy as np

from grokjax.core.drawn_task import PoolTask
from grokjax.core.interfaces import Table
from grokjax.core.part import SweptInt, part, setting


@part
class Digits(PoolTask):
    """Images of 8 x 8 as [example, 64] pixels from 0 to 1, digits as classes. Needs scikit-learn: `grokjax[images]`."""

    paper = "Alpaydin, Kaynak 1998, UCI; scikit-learn"

    train_size: SweptInt = setting(
        200, "train examples; the other images are the test set", unit="examples", at_least=1, scheduled=False
    )

    def table(self) -> Table:
        return _table()


@lru_cache(maxsize=1)
def _table() -> Table:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ValueError(
            "task.kind: digits are in scikit-learn, which is not installed: pip install 'grokjax[images]'"
        ) from None
    images, classes = map(np.asarray, load_digits(return_X_y=True))
    inputs, targets = images.astype(np.float32) / np.float32(16), classes.astype(np.int32)
    inputs.flags.writeable = targets.flags.writeable = False
    return Table(inputs=inputs, targets=targets, num_classes=10)
