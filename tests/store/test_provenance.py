"""Is a start on something else than before said aloud, whatever bits depend on?"""

import copy
import subprocess

import pytest

from grokjax.store.files import read_json_lines
from grokjax.store.layout import Layout
from grokjax.store.provenance import _checkout, changes, provenance, sources_sha256
from tests.store.small_sweep import LANES, SMALL, copied, typed

DEVICES = [{"platform": "cpu", "kind": "cpu", "devices": 1, "jax": "0.1"}]
CHANGED = {
    "jaxlib": lambda record: record["packages"].update(jaxlib="0.0.1"),
    "grokjax": lambda record: record["packages"].update(grokjax="0.0.1"),
    "optax": lambda record: record["packages"].update(optax="0.0.1"),
    "device": lambda record: record["devices"][0].update(kind="abacus"),
    "enable_x64": lambda record: record["options"].update(jax_enable_x64=True),
    "default_matmul_precision": lambda record: record["options"].update(jax_default_matmul_precision="bfloat16"),
    "grokjax's sources": lambda record: record["grokjax"].update(sources_sha256="0123456789abcdef"),
    "processor": lambda record: record["processor"].update(name="an abacus"),
    "its vector instructions": lambda record: record["processor"].update(vectors=["beads"]),
    "its caches": lambda record: record["processor"].update(caches=["L1 Data 4K"]),
    "drivers": lambda record: record["drivers"].update(nvidia="1.2.3"),
    "XLA_FLAGS": lambda record: record["variables"].update(XLA_FLAGS="--xla_cpu_enable_fast_math=true"),
}


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_each_thing_that_bits_depend_on_is_named_when_it_changed(name):
    before = provenance(DEVICES)
    now = copy.deepcopy(before)
    CHANGED[name](now)
    (said,) = changes(before, now)
    assert said.startswith(f"{name} ")


def test_what_bits_do_not_depend_on_is_not_said():
    before = provenance(DEVICES)
    now = copy.deepcopy(before)
    now["devices"][0]["devices"] = 8
    now["packages"]["zarr"] = "0.0.1"
    now["variables"]["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
    now["command"] = ["grokjax", "elsewhere"]
    now["grokjax"]["checkout"] = {"commit": "another", "dirty": True}
    now["working_folder_git"] = {"commit": "another"}
    assert changes(before, now) == changes({}, now) == []


def test_the_processor_does_not_matter_to_runs_of_an_accelerator():
    before = provenance([{**DEVICES[0], "platform": "gpu"}])
    now = copy.deepcopy(before)
    now["processor"].update(name="an abacus")
    assert changes(before, now) == []


def test_a_record_of_before_sources_were_noted_is_of_other_sources():
    now = provenance(DEVICES)
    before = {name: value for name, value in now.items() if name in ("packages", "options", "devices")}
    (said,) = changes(before, now)
    assert said == f"grokjax's sources not noted, now {now['grokjax']['sources_sha256'][:12]}"


def test_sources_are_the_python_files_of_the_package_and_nothing_else(tmp_path):
    def digest():
        sources_sha256.cache_clear()
        return sources_sha256(tmp_path)

    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "step.py").write_text("a = 1\n")
    first = digest()
    (tmp_path / "notes.md").write_text("changed")
    assert digest() == first
    (tmp_path / "inner" / "step.py").write_text("a = 2\n")
    second = digest()
    (tmp_path / "inner" / "step.py").rename(tmp_path / "step.py")
    assert len({first, second, digest()}) == 3
    sources_sha256.cache_clear()


def test_a_package_installed_inside_somebody_elses_checkout_has_no_checkout(tmp_path):
    git(tmp_path, "init", "-q")
    package = tmp_path / ".venv" / "grokjax"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    assert _checkout(package) is None
    git(tmp_path, "add", "-f", ".venv")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "vendored")
    assert _checkout(package) == {"commit": git(tmp_path, "rev-parse", "HEAD"), "dirty": False}


def git(folder, *words):
    return subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, text=True).stdout.strip()


def test_a_folder_half_trained_before_a_change_of_the_package_says_so(tmp_path, monkeypatch, capsys):
    (tmp_path / "sweep.yaml").write_text(SMALL)
    words = ("run", tmp_path / "sweep.yaml", "--out", tmp_path / "out", *LANES)
    assert typed(*words, "--max-seconds", "0.001") == 75
    monkeypatch.setattr("grokjax.store.provenance.sources_sha256", lambda package: "f" * 64)
    capsys.readouterr()
    assert typed(*words) == 0
    assert f"now {'f' * 12}: the bits of runs that end from here on may differ" in capsys.readouterr().err


def test_a_resume_under_another_jaxlib_says_so_and_goes_on(small, tmp_path, monkeypatch, capsys):
    root = copied(small, tmp_path)
    monkeypatch.setattr("grokjax.store.provenance._version", lambda package: "9.9.9")
    assert typed("extend", root, "--seeds", 3) == 0
    said = capsys.readouterr().err
    assert "jaxlib" in said and "now 9.9.9: the bits of runs that end from here on may differ" in said
    events = read_json_lines(Layout(root).events)
    assert [one["event"] for one in events].count("environment_changed") == 1
