"""The finished sweep that the commands look at."""

from tests.store.small_sweep import small

__all__ = ["small"]
