"""Takes the picture of the documentation: `python -m tests.page.screenshot results/quickstart docs/images/page.png`."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.page.tab import TOKEN, page_of

CELL = "optimizer.weight_decay 1.39, task.train_fraction 0.5"
WIDTH, HEIGHT = 1280, 720


def take(root: Path, file: Path) -> None:
    """The page of a folder of `quickstart` with one cell open."""
    with page_of(root) as tab, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        window.goto(f"{tab.address}/#{TOKEN}")
        window.get_by_label(CELL).click()
        expect(window.locator("#curves-of")).to_contain_text(CELL)
        expect(window.locator("#seeds tbody tr")).to_have_count(6)
        window.evaluate("scrollTo({top: 0, behavior: 'instant'})")
        window.mouse.move(1, HEIGHT - 1)
        window.screenshot(path=file, animations="disabled")
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))
