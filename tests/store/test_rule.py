"""Does a phase rule of the sweep file label everything, is it said everywhere, and does it change no run?"""

import json

import pandas as pd
import pytest

from grokjax import open_results
from grokjax.drive.claim_check import check_claims
from grokjax.orders.identity import spec_hash
from grokjax.orders.order import grid_orders
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from tests.store.small_sweep import LANES, SMALL, copied, endings, typed

FIT = "rule={kind: default, fit: 0.05, generalized: 0.9}"  # 0.05 of 24 train examples: two right answers


@pytest.fixture(scope="module")
def ruled(small, tmp_path_factory):
    """The small sweep, trained, and then started again under another rule."""
    root = copied(small, tmp_path_factory.mktemp("ruled"))
    before = endings(root)
    sweep = small.parent / "sweep.yaml"
    assert typed("run", sweep, "--set", FIT, "--out", root, *LANES) == 0
    assert endings(root) == before  # nothing was trained again
    return root


def ids_of(sweep):
    return [order.run_id for order in grid_orders(sweep)]


def test_a_folder_takes_another_rule_and_writes_its_table_again(ruled, small):
    old, new = (pd.read_csv(root / "table.csv", keep_default_na=False) for root in (small, ruled))
    assert set(old["phase_rule"]) == {"default"} and set(new["phase_rule"]) == {"default, fit=0.05, generalized=0.9"}
    assert old["run_id"].tolist() == new["run_id"].tolist()
    tame = new["phase"] != "diverged"
    assert "confusion" in set(old["phase"][tame]) and "confusion" not in set(new["phase"][tame])
    assert typed("verify", ruled) == 0


def test_every_reader_uses_the_rule_and_says_so(ruled, small, capsys, tmp_path):
    assert typed("status", ruled, "--json") == 0
    status = json.loads(capsys.readouterr().out)
    assert status["rule"] == "default, fit=0.05, generalized=0.9" and "confusion" not in status["phases"]
    assert typed("status", ruled) == 0 and "(rule default, fit=0.05, generalized=0.9)" in capsys.readouterr().out
    assert typed("phases", ruled, "--out", tmp_path / "a.csv") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Rule default, fit=0.05, generalized=0.9: fit: 5 % of the clean train examples; generalized: 90 %" in said
    assert set(pd.read_csv(tmp_path / "a.csv")["rule"]) == {"default, fit=0.05, generalized=0.9"}
    assert typed("phases", ruled, "--rule", "default", "--out", tmp_path / "b.csv") == 0
    assert "Rule default: fit: 99 %" in capsys.readouterr().out
    results = open_results(ruled)
    assert results.phases("default")["phase"].tolist() == open_results(small).runs["phase"].tolist()
    assert results.phases()["phase"].tolist() == results.runs["phase"].tolist()
    pd.testing.assert_frame_equal(open_results(small).phases({"fit": 0.05, "generalized": 0.9}), results.runs)
    with pytest.warns(UserWarning, match=r"name different phase rules \(default and default, fit=0.05"):
        assert open_results([small, ruled]).rule.title == "default"


def test_thresholds_typed_are_on_top_of_the_sweeps_own(ruled, small, capsys):
    assert typed("phases", ruled, "--set", "delay_ratio=2") == 0
    assert "Rule default, fit=0.05, generalized=0.9, delay_ratio=2" in " ".join(capsys.readouterr().out.split())
    assert typed("table", small, "--set", "fit=0.05", "--set", "generalized=0.9") == 0
    assert "\ngrokjax" not in (said := capsys.readouterr().out) and "fit=0.05, generalized=0.9" in said
    for words, message in [
        (("--set", "generalised=0.9"), "nearest is 'generalized'"),
        (("--set", "generalized=90"), "90 % is 0.9"),
        (("--set", "generalized"), "expected NAME=VALUE"),
        (("--rule", "pair2023", "--set", "fit=0.9"), "rule pair2023: no threshold 'fit'"),
    ]:
        assert typed("phases", small, *words) == 2
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1


def test_a_rule_changes_no_run_and_is_read_back(tmp_path):
    (tmp_path / "a.yaml").write_text(SMALL + "rule: liu2022\n")
    plain, named = load(tmp_path / "a.yaml", ["rule=default"]), load(tmp_path / "a.yaml", ["rule.horizon=100"])
    assert ids_of(plain) == ids_of(named) and spec_hash(plain) != spec_hash(named)
    assert "rule" not in plain.to_mapping() and named.to_mapping()["rule"] == {"kind": "liu2022", "horizon": 100.0}
    assert load(named.to_mapping()) == named
    (tmp_path / "b.yaml").write_text("from: a.yaml\nrule: {accuracy: 0.8}\n")
    assert load(tmp_path / "b.yaml").to_mapping()["rule"] == {"kind": "liu2022", "accuracy": 0.8}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{kind: default, generalised: 0.9}", r"s\.yaml.*rule.*no threshold 'generalised'; nearest is 'generalized'"),
        ("defualt", r"s\.yaml.*rule.*no phase rule 'defualt'; nearest is 'default'"),
        ("{generalized: yes please}", r"s\.yaml.*rule\.generalized"),
        ("[default]", r"s\.yaml.*rule"),
    ],
)
def test_a_rule_that_there_is_not_is_refused_with_its_line(tmp_path, rule, message):
    (tmp_path / "s.yaml").write_text(SMALL + f"rule: {rule}\n")
    with pytest.raises(SpecError, match=message):
        load(tmp_path / "s.yaml", check=check_claims)


def test_a_claim_may_name_a_rule_with_thresholds(tmp_path):
    over = ["optimizer.learning_rate", "optimizer.weight_decay"]
    claim = {"name": "a", "that": "probability(generalized) > 0.1", "over": over}
    (tmp_path / "s.yaml").write_text(SMALL)
    sweep = load(tmp_path / "s.yaml", [f"claims={json.dumps([claim | {'rule': {'kind': 'default', 'fit': 0.9}}])}"])
    assert sweep.to_mapping()["claims"][0]["rule"] == {"kind": "default", "fit": 0.9}
    with pytest.raises(SpecError, match="nearest is 'fit'"):
        load(tmp_path / "s.yaml", [f"claims={json.dumps([claim | {'rule': {'fitt': 0.9}}])}"], check=check_claims)
