"""Does the page say of arms what the command says, in its answer and in a browser?"""

import pytest

from grokjax.results.results import read_results
from tests.cli.test_comparing import bench
from tests.page.tab import page_of
from tests.page.test_browser import chromium, shown, sync_api
from tests.page.test_browser import pytestmark as needs_chromium
from tests.store.small_sweep import typed

__all__ = ["bench", "chromium"]
pytestmark = [pytest.mark.slow, needs_chromium]  # a comparison is trained


def test_the_comparison_of_the_page_is_that_of_the_command(bench, chromium, capsys):
    assert typed("compare", bench) == 0
    wanted = capsys.readouterr().out.rstrip("\n")
    with page_of(bench) as tab, shown(chromium, tab) as window:
        answer = tab.told("diagram", sweep=tab.told("state")["sweeps"][0]["key"])
        assert answer["text"] == wanted
        card = window.locator(".card")
        sync_api.expect(card.get_by_label("Comparison of arms")).to_have_text(wanted)
        sync_api.expect(card.locator(".command code")).to_have_text(f"grokjax compare {bench}")
        assert card.locator("svg").count() == 0
        sync_api.expect(window.locator("#table tbody tr")).to_have_count(len(read_results(bench).runs))
