"""The finished sweep that is opened."""

from tests.store.small_sweep import small

__all__ = ["small"]
