"""Are claims read before a sweep is trained from Python too, and without starting JAX?"""

import os
import subprocess
import sys
import warnings

import pytest

from grokjax import load_sweep
from grokjax.core.data_warning import DataWarning
from grokjax.drive.claim_check import check_claims
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from tests.store.small_sweep import SMALL, copied


def test_a_sweep_made_in_python_is_refused_before_it_is_trained(tmp_path):
    (tmp_path / "sweep.yaml").write_text(SMALL + "claims: [{name: a, that: probability(groking) > 0}]\n")
    with pytest.raises(SpecError, match=r"claims\.0\.that: .*nearest is 'grokking'"):
        load(tmp_path / "sweep.yaml").run(root=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_rule_that_there_is_not_is_refused_with_the_nearest(tmp_path):
    (tmp_path / "sweep.yaml").write_text(
        SMALL + "claims: [{name: a, that: 'median(test/accuracy) > 0', rule: liu202}]\n"
    )
    with pytest.raises(SpecError, match=r"claims\.0\.rule: no phase rule 'liu202'.*'liu2022'"):
        check_claims(load(tmp_path / "sweep.yaml"))


def test_a_stop_below_the_share_that_the_phase_rule_asks_for_is_warned_of(tmp_path):
    stop = "stop: {after_grok: {steps: 10, at: 0.7}}\n"
    (tmp_path / "sweep.yaml").write_text(SMALL + stop)
    with pytest.warns(DataWarning, match=r"stop\.after_grok\.at: 0\.7 is below the 0\.99 that count as generalized"):
        load_sweep(tmp_path / "sweep.yaml")
    (tmp_path / "sweep.yaml").write_text(SMALL + stop + "rule: {kind: default, generalized: 0.7}\n")
    with warnings.catch_warnings(action="error"):
        load_sweep(tmp_path / "sweep.yaml")


def test_claims_that_the_file_of_a_folder_no_longer_decides_are_told(small, tmp_path):
    text = (small / "spec.yaml").read_text() + "claims: [{name: a, that: probability(grokking) > 0}]\n"
    (tmp_path / "spec.yaml").write_text(text)
    with pytest.raises(SpecError, match="varies: fix it"):
        load_sweep(tmp_path / "spec.yaml")
    root = copied(small, tmp_path)
    (root / "spec.yaml").write_text(text)
    with pytest.warns(DataWarning, match="no run can decide what the file claims"):
        load_sweep(root / "spec.yaml")


def test_tracing_the_measures_starts_no_device(tmp_path):
    claim = "{name: a, that: 'median(weight_norm/totl, weight_decay=1, learning_rate=0.01) > 0'}"
    (tmp_path / "sweep.yaml").write_text(f"{SMALL}claims: [{claim}]\n")
    code = (
        "from grokjax.reader.sweep_file import load\nfrom grokjax.drive.claim_check import check_claims\n"
        f"try:\n    load({str(tmp_path / 'sweep.yaml')!r}, check=check_claims)\n"
        "except ValueError as error:\n    assert 'weight_norm/total' in str(error)\nelse:\n    raise SystemExit(1)\n"
        "from jax._src.xla_bridge import backends_are_initialized\n"
        "raise SystemExit(2 * backends_are_initialized())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
