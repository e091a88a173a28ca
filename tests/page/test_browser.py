"""Does a browser show it, live, by keyboard, on a phone, and ask nobody else? Skipped without a Chromium."""

import contextlib
import re
import shutil

import pytest

from grokjax.results.results import read_results
from tests.page.tab import TOKEN, page_of
from tests.results.split_folder import SplitFolder
from tests.store.small_sweep import copied, typed

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
QUIET = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
REFUSED = tuple(
    f"Failed to load resource: the server responded with a status of {status}"
    for status in ("400 (Bad Request)", "409 (Conflict)")  # a filter that is none, a sweep that is not started
)
NAME = "from-the-page"
HOSTILE = "<img src=x onerror=alert(1)>"
PATIENCE = 60_000  # milliseconds until something must be there, on a machine that is busy


@pytest.fixture(scope="module")
def chromium():
    sync_api.expect.set_options(timeout=PATIENCE)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield browser
        browser.close()


@contextlib.contextmanager
def shown(chromium, tab, width=1280, height=720):
    """The page in a window; at the end nothing may have gone wrong, and nobody else may have been asked."""
    window = chromium.new_page(viewport={"width": width, "height": height}, accept_downloads=True)
    window.set_default_timeout(PATIENCE)
    wrong, asked = [], []
    window.on("pageerror", lambda error: wrong.append(str(error)))
    window.on("console", lambda message: wrong.append(message.text))
    window.on("dialog", lambda dialog: wrong.append(dialog.message) or dialog.dismiss())
    window.on("request", lambda request: asked.append(request.url))
    window.goto(f"{tab.address}/#{TOKEN}")
    yield window
    check_fits(window)
    check_names(window)
    window.close()
    assert [text for text in wrong if text not in REFUSED] == []
    assert asked
    assert [url for url in asked if not url.startswith((tab.address, "blob:"))] == []


def check_fits(window):
    """Nothing is wider than the window."""
    assert window.evaluate("document.documentElement.scrollWidth") <= window.viewport_size["width"]


def check_names(window):
    """Every field has a name that can be read out."""
    nameless = window.evaluate(
        "[...document.querySelectorAll('input, select, textarea, button')]"
        ".filter((field) => !(field.labels?.length || field.ariaLabel || field.textContent.trim()))"
        ".map((field) => field.outerHTML)"
    )
    assert nameless == []


def cells(window):
    return window.locator("svg.diagram .cell")


def test_a_diagram_fills_in_while_runs_end(chromium, small, tmp_path):
    folder = SplitFolder(small, tmp_path / "split")
    folder.commit(1)
    folder.tell(stage="training", running=2, run_steps_per_second=5.0, seconds_left=120.0)
    with page_of(folder.root) as tab, shown(chromium, tab) as window:
        following = tab.folders.follow()
        sync_api.expect(cells(window)).to_have_count(1)
        sync_api.expect(window.locator(".card")).to_contain_text("1 of 12 runs ended")
        sync_api.expect(window.locator(".card")).to_contain_text("2 min left at most")
        cells(window).first.focus()
        walked = window.locator(".cell:focus").get_attribute("data-name")
        folder.commit(11)
        sync_api.expect(cells(window)).to_have_count(6)
        sync_api.expect(window.locator(".card")).to_contain_text("12 of 12 runs ended")
        assert window.locator(".cell:focus").get_attribute("data-name") == walked  # though all was drawn anew
        assert TOKEN not in window.url
        tab.folders.stop()
        following.join()


def test_a_cell_leads_to_its_seeds_their_curves_and_a_run_by_keyboard_alone(chromium, small):
    with page_of(small) as tab, shown(chromium, tab) as window:
        sync_api.expect(cells(window)).to_have_count(6)
        cells(window).first.focus()
        first = cells(window).first.get_attribute("aria-label")
        window.keyboard.press("ArrowRight")
        window.keyboard.press("ArrowUp")
        focused = window.locator(".cell:focus").get_attribute("aria-label")
        assert focused != first
        window.keyboard.press("Enter")
        sync_api.expect(window.locator("#curves-of")).to_contain_text(focused)
        sync_api.expect(window.locator("#seeds tbody tr")).to_have_count(2)
        sync_api.expect(window.locator("#plots canvas")).to_have_count(2)
        said = "test/accuracy of 2 runs against the step"
        sync_api.expect(window.locator("#plots figure").first).to_have_attribute("aria-label", said)
        run = window.locator("#seeds button").first
        run_id = run.inner_text()
        run.focus()
        window.keyboard.press("Enter")
        sync_api.expect(window.locator("#run code").first).to_have_text(f"grokjax replay {small} {run_id}")
        sync_api.expect(window.locator("#run")).to_contain_text("task.modulus")


def test_the_filter_holds_for_the_diagram_the_table_and_the_curves(chromium, small):
    with page_of(small) as tab, shown(chromium, tab) as window:
        sync_api.expect(cells(window)).to_have_count(6)
        window.locator("[name=where]").fill("weight_decay > 5")
        sync_api.expect(cells(window)).to_have_count(2)
        sync_api.expect(window.locator("#table tbody tr")).to_have_count(4)
        window.locator("[name=colour]").select_option("train/accuracy")
        sync_api.expect(window.locator("#legend")).to_contain_text("train/accuracy")
        assert all("train/accuracy" in cell.get_attribute("aria-label") for cell in cells(window).all())


def test_the_rule_that_is_chosen_names_the_phases(chromium, small):
    with page_of(small) as tab, shown(chromium, tab) as window:
        sync_api.expect(cells(window)).to_have_count(6)
        by_default = cells(window).first.get_attribute("aria-label")
        window.locator("[name=rule]").select_option("liu2022")
        sync_api.expect(cells(window).first).not_to_have_attribute("aria-label", by_default)
        phases = read_results(small).phases("liu2022")["phase"]
        assert "undecided" in cells(window).first.get_attribute("aria-label")
        for phase, count in phases.value_counts().items():
            sync_api.expect(window.locator(".card")).to_contain_text(f"{phase.replace('_', ' ')} {count}")
        sync_api.expect(window.locator("#table tbody tr").first).to_contain_text(phases.iloc[0].replace("_", " "))
        window.locator("[name=rule]").select_option("")
        sync_api.expect(cells(window).first).to_have_attribute("aria-label", by_default)


def test_names_that_look_like_markup_are_text(chromium, small, tmp_path):
    root = tmp_path / HOSTILE
    root.mkdir()
    with page_of(copied(small, root)) as tab, shown(chromium, tab) as window:
        sync_api.expect(cells(window)).to_have_count(6)
        sync_api.expect(window.locator(".card code")).to_contain_text(HOSTILE)
        cells(window).first.click()
        window.locator("#seeds button").first.click()
        sync_api.expect(window.locator("#run code").first).to_contain_text(HOSTILE)
        window.locator("[name=where]").fill(f"{HOSTILE} = 1")
        sync_api.expect(window.locator(".card .problem")).to_contain_text("onerror")
        assert window.locator("img").count() == 0


def test_without_the_token_nothing_is_shown(chromium, small):
    with page_of(small) as tab:
        window = chromium.new_page()
        window.goto(tab.address)
        sync_api.expect(window.locator("#connection")).to_contain_text("token is missing")
        assert cells(window).count() == 0
        window.close()


def test_a_sweep_is_built_without_writing_yaml(chromium, tmp_path):
    with page_of() as tab, shown(chromium, tab) as window:
        sync_api.expect(window.locator("#nothing")).to_be_visible()
        window.locator("#tab-builder").click()
        axis = window.locator(".axis-row").first
        axis.locator("select").nth(0).select_option("optimizer.weight_decay")
        axis.locator("select").nth(1).select_option("log")
        for field, text in zip(axis.locator(".row input").all(), ("0.3", "30", "7"), strict=True):
            field.fill(text)
        sync_api.expect(window.locator(".result")).to_contain_text("21 = 7 cells x 3 seeds")
        sync_api.expect(window.locator(".result .dot")).to_have_count(7)
        window.get_by_label("steps", exact=True).fill("none")
        sync_api.expect(window.locator(".problems")).to_contain_text("train.steps")
        sync_api.expect(window.locator("[data-key='train.steps']")).to_have_attribute("aria-invalid", "true")
        window.get_by_label("steps", exact=True).fill("50")
        lines = ["grokjax run my-sweep.yaml", "grokjax page results/my-sweep"]
        sync_api.expect(window.locator(".result .command code")).to_have_text(lines)
        with window.expect_download() as saved:
            window.get_by_text("download", exact=True).click()
        saved.value.save_as(tmp_path / saved.value.suggested_filename)
    assert (tmp_path / "my-sweep.yaml").exists()
    assert typed("plan", tmp_path / "my-sweep.yaml", "--no-probe") == 0


@pytest.mark.slow  # a sweep is trained
def test_a_sweep_is_started_from_the_form_and_its_diagram_appears(chromium, tmp_path):
    with page_of(tmp_path, may_start=True) as tab, shown(chromium, tab) as window:
        following = tab.folders.follow()
        window.locator("#tab-builder").click()
        axis = window.locator(".axis-row").first
        axis.locator("select").nth(0).select_option("optimizer.weight_decay")
        axis.locator("[aria-label^=values]").fill("0.1, 1")
        window.get_by_label("steps", exact=True).fill("100")
        window.get_by_label("name", exact=True).fill(NAME)
        sync_api.expect(window.locator(".result")).to_contain_text("6 = 2 cells x 3 seeds")
        window.get_by_text("start it on this machine", exact=True).click()
        started = window.locator("#started")
        sync_api.expect(started).to_contain_text(f"grokjax run {tmp_path}/{NAME}.yaml --out {tmp_path}/{NAME}")
        sync_api.expect(started).to_contain_text("done (exit status 0)", timeout=5 * PATIENCE)
        sync_api.expect(started.locator("pre")).to_contain_text("6/6 done")
        assert started.get_by_text("stop").count() == 0
        window.locator("#tab-sweeps").click()
        sync_api.expect(cells(window)).to_have_count(2)
        sync_api.expect(window.locator(".card")).to_contain_text("6 of 6 runs ended")
        window.locator("#tab-builder").click()
        (tmp_path / f"{NAME}.yaml").write_text("name: another\n")
        window.get_by_text("start it on this machine", exact=True).click()
        sync_api.expect(window.locator(".result [role=alert]").last).to_contain_text("choose another name")
        tab.folders.stop()
        following.join()


@pytest.mark.slow  # its program is compiled
def test_the_plan_of_the_form_is_timed_at_the_press_of_a_button(chromium):
    with page_of() as tab, shown(chromium, tab) as window:
        window.locator("#tab-builder").click()
        axis = window.locator(".axis-row").first
        axis.locator("select").nth(0).select_option("optimizer.weight_decay")
        axis.locator("[aria-label^=values]").fill("1")
        window.get_by_text("time it", exact=True).click()
        timed = re.compile("if every run goes to its last step|not timed within 30 s")
        sync_api.expect(window.locator(".result tr", has_text="time")).to_contain_text(timed, timeout=2 * PATIENCE)
        sync_api.expect(window.locator(".result")).to_contain_text("3 = 1 cell x 3 seeds")
        assert window.get_by_text("use the form again").is_hidden()


def test_a_page_that_may_start_nothing_offers_no_start(chromium):
    with page_of() as tab, shown(chromium, tab) as window:
        window.locator("#tab-builder").click()
        axis = window.locator(".axis-row").first
        axis.locator("select").nth(0).select_option("optimizer.weight_decay")
        axis.locator("[aria-label^=values]").fill("1")
        sync_api.expect(window.get_by_text("download", exact=True)).to_be_visible()
        assert window.get_by_text("start it on this machine", exact=True).is_hidden()


def test_of_an_earlier_text_nothing_stays_while_a_change_is_checked(chromium):
    with page_of() as tab, shown(chromium, tab) as window:
        window.locator("#tab-builder").click()
        axis = window.locator(".axis-row").first
        axis.locator("select").nth(0).select_option("optimizer.weight_decay")
        axis.locator("[aria-label^=values]").fill("1")
        sync_api.expect(window.locator(".result")).to_contain_text("3 = 1 cell x 3 seeds")
        busy = []
        window.route("**/api/check", lambda route: busy.append(1) or route.fulfill(status=202, body='{"busy": true}'))
        window.get_by_label("seeds", exact=True).fill("5")
        sync_api.expect(window.locator(".result [role=status]")).to_have_text("Being checked …")
        assert window.locator(".result .command code").count() == 0
        assert window.get_by_text("download", exact=True).is_hidden()
        window.wait_for_timeout(1500)
        assert len(busy) > 1  # it asks again
        window.unroute("**/api/check")
        sync_api.expect(window.locator(".result")).to_contain_text("5 = 1 cell x 5 seeds")


def test_an_axis_whose_setting_is_gone_stays_and_is_told(chromium):
    with page_of() as tab, shown(chromium, tab) as window:
        window.locator("#tab-builder").click()
        axis = window.locator(".axis-row").first
        axis.locator("select").nth(0).select_option("optimizer.b1")
        axis.locator("[aria-label^=values]").fill("0.8, 0.9")
        window.locator("[data-key=optimizer]").select_option("sgd")
        problem = window.locator(".problems")
        sync_api.expect(problem).to_contain_text("axes.optimizer.b1")
        assert axis.locator("select").nth(0).input_value() == "optimizer.b1"
        sync_api.expect(axis.locator("option:checked").first).to_have_text("optimizer.b1 (gone)")


def test_regularizers_have_the_keys_of_their_places_after_one_was_removed(chromium):
    with page_of() as tab, shown(chromium, tab) as window:
        window.locator("#tab-builder").click()
        add = window.get_by_text("add a regularizer", exact=True)
        add.click()
        add.click()
        window.locator("fieldset", has_text="Regularizer").first.get_by_text("remove", exact=True).click()
        add.click()
        fields = window.locator("select[data-key^=regularizers]").all()
        keys = [field.get_attribute("data-key") for field in fields if field.get_attribute("data-key").count(".") == 1]
        assert keys == ["regularizers.0", "regularizers.1"]


def test_a_phone_shows_both_views(chromium, small):
    with page_of(small) as tab, shown(chromium, tab, 390, 800) as window:
        cells(window).first.click()
        window.locator("#seeds button").first.click()
        sync_api.expect(window.locator("#run")).to_contain_text("Settings")
        check_fits(window)
        window.locator("#tab-builder").click()
        sync_api.expect(window.locator(".axis-row").first).to_be_visible()
