import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokjax.analysis.stop_conditions import UNSEEN, StopCondition, ends_at, held_since
from grokjax.analysis.stopping import Audit, audit

GOOD = 198  # 99 % of the 200 novel examples


def after_grok(steps=300, ratio=0.5, at=0.99):
    return [StopCondition(UNSEEN, "at_least", at, steps, ratio)]


def stop_steps(looks, **options):
    return ends_at(looks, after_grok(**options))


def stop(make_looks, looked_at, counts, **options):
    return stop_steps(make_looks({"steps": looked_at, "test_novel": counts}), **options)[0]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([0, 100, 399, 400, 500], 400),  # 300 steps after 100
        ([0, 1000, 1300, 1499, 1500, 1600], 1500),  # half the grok step after 1000
        ([0, 100, 200, 399], -1),
        ([0, 600, 899, 900], 900),  # both margins are 300
    ],
)
def test_a_run_stops_at_the_first_look_after_the_larger_margin(make_looks, steps, expected):
    counts = [0] + [GOOD] * (len(steps) - 1)
    assert stop(make_looks, steps, counts) == expected


def test_one_failing_look_starts_the_margin_anew(make_looks):
    steps = [0, 100, 200, 300, 400, 500, 600, 700]
    assert stop(make_looks, steps, [0, GOOD, GOOD, GOOD - 1, GOOD, GOOD, GOOD, GOOD]) == 700
    assert stop(make_looks, steps, [0, GOOD, GOOD, GOOD, GOOD, 0, 0, 0]) == 400


def test_an_audit_counts_the_runs_that_the_rule_would_have_ended_and_what_became_of_them(make_looks):
    steps = [0, 10, 400, 1000]
    stays, falls, late, never = [0, GOOD, GOOD, GOOD], [0, GOOD, GOOD, 179], [0, 0, 0, GOOD], [0, 0, 0, 0]
    runs = [{"steps": steps, "test_novel": counts} for counts in (stays, falls, late, never, falls, falls, falls)]
    runs[4]["diverged"] = True
    runs[5]["stop_reason"] = "running"
    is_audited = np.array([True] * 6 + [False])
    assert audit(make_looks(*runs), is_audited, after_grok()) == Audit(5, stopped=3, collapsed=1, diverged=1, late=0)
    assert audit(make_looks(*runs), ~is_audited, after_grok()) == Audit(1, 1, 1, 0, 0)
    assert audit(make_looks(*runs), is_audited, after_grok(steps=5000)) == Audit(5, 0, 0, 0, 0)


def test_nothing_stops_a_run_that_never_generalizes_or_was_never_seen(make_looks):
    assert stop(make_looks, [0, 1000, 9000], [0, GOOD - 1, GOOD - 1]) == -1
    assert stop(make_looks, [], []) == -1


def test_all_of_test_decides_when_few_examples_are_novel(make_looks):
    sizes = {"test_mirrored": 101, "test_novel": 99}
    run = {"steps": [0, 10, 310], "test_mirrored": [0, 101, 101], "test_novel": [0, 97, 97], "sizes": sizes}
    assert stop_steps(make_looks(run))[0] == 310


def test_a_run_that_is_stopped_as_hopeless_and_generalizes_later_is_counted_as_late(make_looks):
    hopeless = [StopCondition("train/accuracy", "below", 0.5, 100)]
    steps = [0, 50, 100, 200]
    late = {"steps": steps, "train_clean": [0, 0, 0, 100], "test_novel": [0, 0, 0, GOOD]}
    never = {"steps": steps, "train_clean": [0, 0, 0, 0], "test_novel": [0, 0, 0, 0]}
    assert audit(make_looks(late, never), np.array([True, True]), hopeless) == Audit(2, 2, 0, 0, late=1)


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, np.nan]), min_size=1, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.sampled_from([("at_least", 1.0), ("below", 1.0), ("no_new", 1.0), ("no_new", -1.0)]),
)
def test_since_when_a_condition_holds_agrees_with_playing_the_run_look_by_look(values, known, test):
    name, compared = test
    since, best, expected = -1, np.nan, []
    for look, (value, is_known) in enumerate(zip(values, known, strict=False)):
        if is_known and name == "no_new" and (since < 0 or np.isnan(best) or compared * value > compared * best):
            since, best = look, value
        elif is_known and name != "no_new":
            holds = value >= compared if name == "at_least" else value < compared
            since = (look if since < 0 else since) if holds else -1
        expected.append(since)
    found = held_since(StopCondition("m", name, compared), np.array([values]), None, np.array([known[: len(values)]]))
    np.testing.assert_array_equal(found[0], expected)


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=15),
    st.lists(st.booleans(), min_size=15, max_size=15),
    st.sampled_from([0, 50, 300]),
    st.sampled_from([0.0, 0.3, 0.5, 2.0]),
)
def test_the_stop_step_agrees_with_playing_the_run_look_by_look(make_looks, gaps, passing, margin, ratio):
    steps = np.cumsum(gaps).tolist()
    counts = [GOOD if good else GOOD - 1 for good in passing[: len(steps)]]
    since, expected = None, -1
    for step, count in zip(steps, counts, strict=True):
        since = (step if since is None else since) if count == GOOD else None
        if since is not None and step >= since + max(margin, ratio * since):
            expected = step
            break
    assert stop(make_looks, steps, counts, steps=margin, ratio=ratio) == expected


def test_the_threshold_of_the_stop_rule_is_an_argument(make_looks):
    run = {"steps": [0, 100, 400, 700], "test_novel": [0, 180, 180, 158]}
    assert stop_steps(make_looks(run))[0] == -1
    assert stop_steps(make_looks(run), at=0.9)[0] == 400
    assert audit(make_looks(run), np.array([True]), after_grok(at=0.9)) == Audit(1, 1, 1, 0)
    assert audit(make_looks(run), np.array([True]), after_grok(at=0.79)) == Audit(1, 1, 0, 0)
