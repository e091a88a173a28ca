"""Is float64 on a TPU said once, by `plan` and at the start of `run`, and nothing of it on a CPU?"""

import pytest

from grokjax.drive import preparation, run_sweep
from grokjax.reader.sweep_file import load
from grokjax.train.products import warn_of_pairs
from tests.store.small_sweep import LANES, SMALL, typed

RULE = "warning: precision.params: float64 on a TPU is a pair of float32 numbers"


@pytest.mark.parametrize("platform", ["tpu", "cpu"])
@pytest.mark.parametrize("command", ["plan", "run"])
def test_float64_on_a_tpu_is_said_once(command, platform, tmp_path, monkeypatch, capsys):
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text(SMALL)
    doubled = load(sweep, ["precision.params=float64"])  # what is trained stays float32, which compiles sooner
    for module in (preparation, run_sweep):
        monkeypatch.setattr(module, "warn_of_pairs", lambda _sweep, _platform: warn_of_pairs(doubled, platform))
    words = {"plan": ["--no-probe"], "run": ["--out", tmp_path / "out", "--max-seconds", 0.01, *LANES]}[command]
    assert typed(command, sweep, *words) in (0, 75)
    assert capsys.readouterr().err.count(RULE) == (platform == "tpu")
