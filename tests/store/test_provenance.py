"""Is a start on something else than before said aloud, whatever bits depend on?"""

import copy

import pytest

from grokjax.store.files import read_json_lines
from grokjax.store.layout import Layout
from grokjax.store.provenance import changes, provenance
from tests.store.small_sweep import copied, typed

DEVICES = [{"platform": "cpu", "kind": "cpu", "devices": 1, "jax": "0.1"}]
CHANGED = {
    "jaxlib": lambda record: record["packages"].update(jaxlib="0.0.1"),
    "grokjax": lambda record: record["packages"].update(grokjax="0.0.1"),
    "optax": lambda record: record["packages"].update(optax="0.0.1"),
    "device": lambda record: record["devices"][0].update(kind="abacus"),
    "enable_x64": lambda record: record["options"].update(jax_enable_x64=True),
    "default_matmul_precision": lambda record: record["options"].update(jax_default_matmul_precision="bfloat16"),
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
    assert changes(before, now) == changes({}, now) == []


def test_a_resume_under_another_jaxlib_says_so_and_goes_on(small, tmp_path, monkeypatch, capsys):
    root = copied(small, tmp_path)
    monkeypatch.setattr("grokjax.store.provenance._version", lambda package: "9.9.9")
    assert typed("extend", root, "--seeds", 3) == 0
    said = capsys.readouterr().err
    assert "jaxlib" in said and "now 9.9.9: the bits of runs that end from here on may differ" in said
    events = read_json_lines(Layout(root).events)
    assert [one["event"] for one in events].count("environment_changed") == 1
