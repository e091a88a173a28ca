"""Is a report one file that needs nothing, runs nothing, and says what the commands say?"""

import html.parser
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from grokjax.lab.opened import open_results
from grokjax.results.results import read_results
from tests.store.small_sweep import LANES, small, typed

__all__ = ["small"]
HOSTILE = "<script>alert('x')</script><img src=http://example.org/a.png onerror=alert(1)>"
SWEEP = f"""
name: stranger
task: {{kind: modular_arithmetic, modulus: 7}}
model: {{kind: mlp, width: 8}}
optimizer: adamw
loss: mse
train: {{steps: 20, minibatch: full}}
axes: {{optimizer.weight_decay: [0.1, 1]}}
seeds: 2
notes: "{HOSTILE}"
tags: ["<b>bold</b>"]
claims:
  - name: "a <i>claim</i>"
    that: probability(generalized, optimizer.weight_decay=1) > probability(generalized, optimizer.weight_decay=0.1)
    published: "</td><script>"
"""


class Page(html.parser.HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "stranger.yaml").write_text(SWEEP)
    assert typed("run", folder / "stranger.yaml", "--out", folder / "stranger", *LANES) == 0
    assert typed("report", folder / "stranger", "--out", folder / "report.html") == 0
    return folder


def test_what_a_sweep_says_of_itself_is_text_and_nothing_else(stranger):
    page = Page((stranger / "report.html").read_text())
    assert HOSTILE in page.text
    assert "<b>bold</b>" in page.text
    assert "a <i>claim</i>" in page.text
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe", "object", "link", "form", "b", "i"})


def test_a_report_names_nothing_outside_and_forbids_to_load_it(stranger):
    page = Page((stranger / "report.html").read_text())
    sources = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert sources
    assert all(value.startswith("data:image/png;base64,") for value in sources)
    policies = [attributes["content"] for _, attributes in page.tags if "http-equiv" in attributes]
    assert policies[0].startswith("default-src 'none'")
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_a_report_names_no_folder_of_the_machine_that_wrote_it(stranger):
    assert str(stranger) not in (stranger / "report.html").read_text()
    assert str(Path.home()) + "/" not in (stranger / "report.html").read_text()


def test_numbers_verdicts_and_settings_are_those_of_the_results(stranger):
    results, page = read_results(stranger / "stranger"), Page((stranger / "report.html").read_text())
    for phase, count in results.phases().phase.value_counts().items():
        assert f"{phase} {count}" in page.text
    assert "4 of 4 runs finished" in page.text
    assert "undecided" in page.text
    assert results.spec["spec_hash"] in page.text
    assert results.spec["yaml"] in page.text


def test_the_commands_of_a_report_make_its_figures_again(stranger, monkeypatch):
    monkeypatch.chdir(stranger)
    commands = re.findall(r"<code>grokjax ([^<]*)</code>", (stranger / "report.html").read_text())
    assert [command.split()[0] for command in commands] == ["phases", "curves"]
    for command in commands:
        assert typed(*command.split()) == 0
        assert (stranger / command.split()[-1]).exists()


def test_a_sweep_that_is_not_finished_says_so(stranger, tmp_path):
    root = shutil.copytree(stranger / "stranger", tmp_path / "half")
    (root / "more.yaml").write_text(SWEEP.replace("seeds: 2", "seeds: 3").replace("steps: 20", "steps: 2000"))
    assert typed("run", root / "more.yaml", "--out", tmp_path / "other", "--max-seconds", "0.01", *LANES) == 75
    assert typed("report", tmp_path / "other", "--out", tmp_path / "report.html") == 0
    assert "PARTIAL" in Page((tmp_path / "report.html").read_text()).text


def test_a_report_under_another_rule_names_it_in_its_commands(stranger):
    words = ["--rule", "liu2022", "--set", "horizon=20", "--out", stranger / "ruled.html"]
    assert typed("report", stranger / "stranger", *words) == 0
    commands = re.findall(r"<code>(grokjax phases [^<]*)</code>", (stranger / "ruled.html").read_text())
    assert commands == ["grokjax phases stranger --rule liu2022 --set=horizon=20 --out phases.png"]


def test_a_folder_of_an_older_grokjax_has_a_report_too(tmp_path):
    with zipfile.ZipFile(Path(__file__).parents[1] / "store" / "schema_1.zip") as archive:
        archive.extractall(tmp_path)
    (folder,) = {path.parent for path in tmp_path.rglob("spec.json")}
    assert typed("report", folder, "--out", tmp_path / "old.html") == 0
    assert "runs finished" in Page((tmp_path / "old.html").read_text()).text


def test_the_folder_that_one_stands_in_has_a_report(stranger, monkeypatch):
    monkeypatch.chdir(stranger / "stranger")
    assert typed("report", ".", "--out", stranger / "here.html") == 0
    assert "grokjax verify stranger" in Page((stranger / "here.html").read_text()).text


def test_what_is_warned_of_when_folders_are_opened_stands_on_the_page(stranger, tmp_path):
    longer = SWEEP.replace("steps: 20", "steps: 30").replace("name: stranger", "name: longer")
    (tmp_path / "longer.yaml").write_text(longer)
    assert typed("run", tmp_path / "longer.yaml", "--out", tmp_path / "longer", *LANES) == 0
    assert typed("report", stranger / "stranger", tmp_path / "longer", "--out", tmp_path / "two.html") == 0
    page = Page((tmp_path / "two.html").read_text())
    assert "go to 20 and 30 steps" in page.text
    assert "grokjax verify longer" in page.text


def test_runs_that_tuned_an_arm_are_pooled_in_no_diagram(tmp_path):
    tune = "{tune: {optimizer.weight_decay: [0.1, 1]}}"
    arms = f"compare: {{tuning_seeds: 1, arms: {{a: {tune}, b: {tune.replace('0.1', '2')}}}}}"
    lines = [line for line in SWEEP[: SWEEP.index("claims:")].splitlines() if not line.startswith("axes:")]
    (tmp_path / "arms.yaml").write_text("\n".join([*lines, arms, ""]))
    assert typed("run", tmp_path / "arms.yaml", "--out", tmp_path / "arms", *LANES) == 0
    assert typed("report", tmp_path / "arms", "--out", tmp_path / "arms.html") == 0
    page = Page((tmp_path / "arms.html").read_text())
    assert "Phase diagram" not in page.text
    assert "2 arms against a" in page.text
    assert "<img" not in open_results(tmp_path / "arms")._repr_html_()


def test_a_notebook_shows_the_diagram_of_opened_results(stranger):
    shown = open_results(stranger / "stranger")._repr_html_()
    (image,) = [attributes for tag, attributes in Page(shown).tags if tag == "img"]
    assert image["src"].startswith("data:image/png;base64,")
    assert "4 of 4 runs finished. confusion" in Page(shown).text


def test_a_report_is_written_as_html_only(stranger, capsys):
    assert typed("report", stranger / "stranger", "--out", stranger / "report.pdf") == 2
    assert "must end in .html" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")
def test_a_browser_shows_it_without_asking_for_anything(stranger, tmp_path):
    quiet = "--disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"
    flags = ["--headless", "--no-sandbox", *quiet.split(), "--enable-logging=stderr", f"--user-data-dir={tmp_path}"]
    command = ["chromium", *flags, "--dump-dom", (stranger / "report.html").as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "Phase diagram" in shown.stdout
    assert "Refused" not in shown.stderr  # what the page's own policy refuses is told here
    assert "CONSOLE" not in shown.stderr
