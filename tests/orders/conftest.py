"""The small sweep of the tests of the reader."""

from tests.reader.conftest import small

__all__ = ["small"]
