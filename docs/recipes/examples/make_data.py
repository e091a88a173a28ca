"""Writes data.npz: the parity of the first three of nine bits, as real numbers -1 and 1."""

import itertools
from pathlib import Path

import numpy as np

bits = np.array(list(itertools.product((0, 1), repeat=9)))
data = {"inputs": (2 * bits - 1).astype(np.float32), "targets": bits[:, :3].sum(axis=1) % 2}
np.savez(Path(__file__).with_name("data.npz"), allow_pickle=False, **data)
