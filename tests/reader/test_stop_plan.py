"""Is the stop rule of a sweep file read, written back and refused as it should be?"""

import pytest

from grokjax.reader.errors import SpecError
from grokjax.reader.stop_plan import StopPlan, StopRule, read_stop, stop_rules, stop_to_plain

WRITTEN = {
    "after_grok": {"steps": 100, "ratio": 0.25, "at": 0.9},
    "when": [
        {"measure": "test/loss", "below": 0.01, "steps": 300},
        {"measure": "train/accuracy", "at_least": 0.999},
        {"measure": "weight_norm/total", "no_new": "lowest", "steps": 5000, "ratio": 0.5},
    ],
    "audit": 0.1,
}


def test_what_is_written_is_read_back_equal():
    assert stop_to_plain(read_stop(WRITTEN)) == WRITTEN
    assert read_stop(read_stop(WRITTEN)) == read_stop(WRITTEN)
    assert stop_to_plain(read_stop({"when": WRITTEN["when"]})) == {"when": WRITTEN["when"], "audit": 0.05}


def test_a_rule_without_anything_new_is_written_as_it_always_was():
    plain = {"after_grok": {"steps": 300, "ratio": 0.5}, "audit": 0.05}
    assert stop_to_plain(read_stop({"after_grok": {}})) == stop_to_plain(StopPlan()) == plain


def test_the_condition_of_generalization_is_the_first_also_where_it_ends_nothing():
    assert stop_rules(None) == (StopRule("unseen/accuracy", "at_least", 0.99, None, 0.0),)
    own = read_stop({"when": WRITTEN["when"][:1]})
    assert [rule.steps for rule in stop_rules(own)] == [None, 300]
    assert [rule.value for rule in stop_rules(read_stop(WRITTEN))] == [0.9, 0.01, 0.999, -1.0]


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        ({}, "stop: names no condition"),
        ({"test_loss": 1}, "stop.test_loss: unknown key"),
        ({"after_grok": {"at": 1.5}}, r"stop.after_grok.at: must be <= 1"),
        ({"after_grok": {"at": 0.99999}}, r"stop.after_grok.at: takes at most 3 decimals"),
        ({"when": {"measure": "test/loss"}}, "stop.when: expected a list of conditions"),
        ({"when": [{"below": 1}]}, "stop.when.0.measure: missing"),
        ({"when": [{"measure": "test/loss"}]}, "stop.when.0: needs one of at_least"),
        ({"when": [{"measure": "test/loss", "below": 1, "at_least": 0}]}, "stop.when.0: needs one of at_least"),
        ({"when": [{"measure": "test/loss", "blow": 1}]}, "stop.when.0.blow: unknown key.*below"),
        ({"when": [{"measure": "test/loss", "no_new": "lowset", "steps": 9}]}, "expected lowest or highest.*lowest"),
        ({"when": [{"measure": "test/loss", "no_new": "lowest"}]}, "stop.when.0: needs steps"),
        ({"when": [{"measure": "test/accuracy", "at_least": 95}]}, r"stop.when.0.at_least: must be <= 1"),
        ({"when": [{"measure": "test/loss", "below": 1, "steps": -1}]}, "stop.when.0.steps: must be >= 0"),
    ],
)
def test_a_stop_rule_that_makes_no_sense_is_refused_by_its_key(stop, message):
    with pytest.raises(SpecError, match=message):
        read_stop(stop)
