"""A task of your own: which of three numbers is the middle one?"""

import itertools

import numpy as np


def median_of_three(size: int = 7) -> dict[str, np.ndarray]:
    """All triples [example, token] below `size`, and the middle number of each, [example]."""
    triples = np.array(list(itertools.product(range(size), repeat=3)), np.int32)
    return {"inputs": triples, "targets": np.median(triples, axis=1).astype(np.int32)}
