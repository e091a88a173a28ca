"""Are claims read before a sweep is trained from Python too, and without starting JAX?"""

import os
import subprocess
import sys

import pytest

from grokjax.drive.claim_check import check_claims
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from tests.store.small_sweep import SMALL


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
