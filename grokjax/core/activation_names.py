"""Which of a network's named activations does a word mean?"""

from collections.abc import Mapping
from typing import Any


def with_word(named: Mapping[str, Any], word: str) -> dict[str, Any]:
    """Those whose name has the word between slashes, numbered or not: `units` takes `units_0`, `layer_1/mlp/units`.

    Raises:
      ValueError: none has.
    """
    chosen = {name: value for name, value in named.items() if word in map(_unnumbered, name.split("/"))}
    if not chosen:
        names = f"names {', '.join(named)}" if named else "names no activations (a linen module does by `sow`)"
        raise ValueError(f"measure.what: asks for activations named {word!r}, but the model {names}")
    return chosen


def _unnumbered(word: str) -> str:
    stem, _, number = word.rpartition("_")
    return stem if number.isdigit() else word
