import dataclasses
import re

import pytest

from grokjax.analysis.rules import FLAGS, GENERALIZED, PHASES, RULES, find_rule


def test_a_rule_is_found_by_name_and_a_changed_one_is_taken_as_it_is():
    changed = dataclasses.replace(RULES["liu2022"], horizon=10_000)
    assert find_rule("liu2022") is RULES["liu2022"]
    assert find_rule(changed) is changed


def test_a_misspelt_rule_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="no phase rule 'liu202'; nearest is 'liu2022'"):
        find_rule("liu202")


def test_published_rules_state_where_they_come_from_and_hold():
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.needs
        assert bool(rule.paper) == (name != "default")
        assert set(rule.words) <= set(PHASES)
    assert RULES["liu2022"].horizon == 100_000
    assert RULES["pair2023"].loss_floor == 1.19e-7


def test_names_are_unique_and_generalized_phases_exist():
    assert len(set(PHASES)) == len(PHASES)
    assert len(set(FLAGS)) == len(FLAGS)
    assert set(GENERALIZED) < set(PHASES)


def test_a_changed_rule_says_so_in_its_title_and_its_sentence():
    changed = find_rule({"kind": "default", "generalized": 0.9})
    assert changed.title == "default, generalized=0.9" and changed.name == "default"
    assert "fit: 99 %" in changed.about and "generalized: 90 %" in changed.about
    assert find_rule({"generalized": 0.99}).title == "default"
    assert find_rule({"kind": "liu2022", "horizon": 2000}).title == "liu2022, horizon=2000"
    assert "within 2,000 steps" in find_rule({"kind": "liu2022", "horizon": 2000}).about
    assert "{" not in "".join(rule.about for rule in RULES.values())


def test_thresholds_that_a_rule_has_not_or_no_run_could_meet_are_refused():
    for settings, message in [
        ({"generalised": 0.9}, "no threshold 'generalised'; nearest is 'generalized'"),
        ({"generalized": 90}, "above 0 and at most 1, not 90; 90 % is 0.9"),
        ({"fit": 0}, "above 0 and at most 1, not 0"),
        ({"fit": "high"}, "fit must be a number, not 'high'"),
        ({"fit": True}, "fit must be a number"),
        ({"horizon": 10}, "no threshold 'horizon'"),
        ({"delay_ratio": 0.5}, "at least 1"),
        ({"few_novel": -1}, "0 or more"),
        ({"generalized": 0.9, "collapsed": 0.95}, "collapsed=0.95 is above 0.9"),
        ({"kind": "liu2022", "horizon": 0.5}, "whole number of steps"),
        ({"kind": "liu202"}, "nearest is 'liu2022'"),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            find_rule(settings)
