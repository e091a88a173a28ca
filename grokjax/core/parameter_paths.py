"""What the parameters of a network are called, such as `layer_0/mlp/kernel`, and which of them a pattern means."""

import fnmatch
from collections.abc import Sequence
from typing import Any

import jax


def path_name(path: tuple[Any, ...]) -> str:
    """`layer/kernel` for the path of a parameter in its tree."""
    return "/".join(str(getattr(key, "key", getattr(key, "idx", key))) for key in path)


def path_names(params: Any) -> list[str]:
    """The name of each parameter, in the order of the tree's leaves."""
    return [path_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]


def matches(path: tuple[Any, ...], pattern: str) -> bool:
    """Whether a parameter's name fits a shell pattern; `embed*` takes `embed/embedding`, since * crosses slashes."""
    return fits(path_name(path), [pattern])


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether the name of a parameter fits any of these shell patterns."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
