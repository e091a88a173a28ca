import dataclasses

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
