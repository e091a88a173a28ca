"""The page of a finished sweep."""

from collections.abc import Iterator

import pytest

from tests.page.tab import Tab, page_of
from tests.store.small_sweep import small

__all__ = ["small"]


@pytest.fixture(scope="module")
def tab(small) -> Iterator[Tab]:
    with page_of(small) as tab:
        yield tab


@pytest.fixture(scope="module")
def key(tab) -> str:
    """Of the one sweep."""
    return tab.told("state")["sweeps"][0]["key"]
