import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokjax.analysis import events

INF = math.inf


@pytest.mark.parametrize(
    ("size", "share", "count"),
    [(100, 0.99, 99), (99, 0.99, 99), (98, 0.99, 98), (101, 0.99, 100), (200, 0.99, 198), (10, 0.9, 9), (10, 0.95, 10)],
)
def test_ninety_nine_percent_of_a_group_is_counted_in_whole_examples(size, share, count):
    assert events.needed(np.array([size]), share)[0] == count


def test_above_ninety_percent_is_one_more_than_at_least():
    assert events.needed(np.array([10, 11]), 0.9, strictly=True).tolist() == [10, 10]
    assert events.needed(np.array([10, 11]), 0.9).tolist() == [9, 10]


@given(st.integers(1, 10**6), st.integers(0, 1050))
def test_smallest_passing_count_agrees_with_exact_fractions(size, thousandths):
    share = Fraction(thousandths, 1000)
    assert events.needed(np.array([size]), thousandths / 1000)[0] == math.ceil(share * size)
    assert events.needed(np.array([size]), thousandths / 1000, strictly=True)[0] == math.floor(share * size) + 1


def test_exactly_99_of_100_passes_and_98_of_99_does_not(make_looks):
    looks = make_looks(
        {"steps": [0, 10], "train_clean": [0, 99]},
        {"steps": [0, 10], "train_clean": [0, 98], "sizes": {"train_clean": 99}},
        {"steps": [0, 10], "train_clean": [0, 98]},
    )
    np.testing.assert_array_equal(events.fit(looks).first_at, [10, INF, INF])


def test_an_empty_group_never_passes(make_looks):
    looks = make_looks({"steps": [0, 10], "train_noisy": [0, 0]})
    assert events.group_crossing(looks, "train_noisy", 0.99).first_at[0] == INF


def test_crossing_lies_between_the_last_failing_and_the_first_passing_look(make_looks):
    looks = make_looks(
        {"steps": [0, 10, 20, 30], "train_clean": [0, 98, 99, 0]},
        {"steps": [0, 10], "train_clean": [100, 100]},
        {"steps": [0, 10], "train_clean": [0, 0]},
        {"steps": []},
    )
    found = events.fit(looks)
    np.testing.assert_array_equal(found.first_at, [20, 0, INF, INF])
    np.testing.assert_array_equal(found.first_after, [10, -INF, INF, INF])


def test_sustained_allows_one_weak_look_in_twenty_but_none_under_ninety_percent(make_looks):
    steps = list(range(0, 210, 10))
    twenty_later = [100] * 20
    weak, two_weak, low, exact = (list(twenty_later) for _ in range(4))
    weak[5] = 90  # one of twenty, and not under 90 %
    two_weak[5] = two_weak[6] = 95
    low[5] = 89
    exact[19] = 90
    looks = make_looks(*({"steps": steps, "train_clean": [99, *later]} for later in (weak, two_weak, low, exact)))
    # two weak looks: at step 70, after both, all later ones pass; before, 2 of at most 20 are more than 5 %
    np.testing.assert_array_equal(events.fit(looks).sustained_at, [0, 70 + 10, 70, 0])


def test_what_only_the_last_look_shows_is_not_sustained(make_looks):
    looks = make_looks(
        {"steps": [0, 10, 20], "train_clean": [0, 0, 100]},
        {"steps": [0, 10, 20], "train_clean": [0, 100, 100]},
        {"steps": [0, 10, 20], "train_clean": [100, 50, 100]},
        {"steps": [0, 10], "train_clean": [100, 100]},
    )
    found = events.fit(looks)
    np.testing.assert_array_equal(found.sustained_at, [INF, 10, INF, 0])
    np.testing.assert_array_equal(found.sustained_after, [INF, 0, INF, -INF])


def test_diverged_runs_keep_their_first_crossing_and_sustain_nothing(make_looks):
    looks = make_looks({"steps": [0, 10, 20], "train_clean": [0, 100, 100], "diverged": True})
    found = events.fit(looks)
    assert found.first_at[0] == 10
    assert found.sustained_at[0] == INF


@given(st.lists(st.integers(80, 100), min_size=1, max_size=40), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_crossings_agree_with_a_search_by_hand(make_looks, counts, share):
    looks = make_looks({"steps": list(range(len(counts))), "train_clean": counts})
    found = events.group_crossing(looks, "train_clean", share)
    percent = round(100 * share)
    passing = [count >= percent for count in counts]
    assert found.first_at[0] == next((step for step, good in enumerate(passing) if good), INF)

    def is_sustained(step: int) -> bool:
        later = range(step + 1, len(counts))
        good = sum(passing[place] for place in later)
        stays = 20 * good >= 19 * len(later) and all(counts[p] >= min(90, percent) for p in later)
        return passing[step] and len(later) > 0 and stays

    assert found.sustained_at[0] == next((step for step in range(len(counts)) if is_sustained(step)), INF)


@given(st.lists(st.integers(95, 100), min_size=1, max_size=12), st.lists(st.integers(0, 100), max_size=12))
def test_later_looks_never_change_a_first_crossing_that_was_seen(make_looks, early, late):
    def crossing(counts: list[int]) -> events.Crossing:
        return events.fit(make_looks({"steps": list(range(len(counts))), "train_clean": counts}))

    before, after = crossing(early), crossing(early + late)
    if np.isfinite(before.first_at[0]):
        assert before.first_at[0] == after.first_at[0]
        assert before.first_after[0] == after.first_after[0]
    else:
        assert after.first_at[0] >= len(early)


def test_novel_examples_decide_from_one_hundred_on_and_all_of_test_below(make_looks):
    few = {"test_mirrored": 101, "test_novel": 99}
    enough = {"test_mirrored": 100, "test_novel": 100}
    looks = make_looks(
        {"steps": [0, 10, 20], "test_mirrored": [0, 99, 101], "test_novel": [0, 99, 99], "sizes": few},
        {"steps": [0, 10, 20], "test_mirrored": [0, 0, 0], "test_novel": [0, 98, 99], "sizes": enough},
    )
    found = events.generalized(looks)
    np.testing.assert_array_equal(found.first_at, [10, 20])  # 198 of 200 is exactly 99 %; 99 of 100 novel


def test_delay_is_infinite_without_the_second_event_and_unknown_without_both():
    found = events.delay(np.array([10.0, 10.0, INF, INF, 0.0]), np.array([1000.0, INF, 10.0, INF, 10.0]))
    np.testing.assert_array_equal(found.difference, [990, INF, -INF, np.nan, 10])
    np.testing.assert_allclose(found.log10_ratio, [2, INF, -INF, np.nan, 1])
    np.testing.assert_allclose(found.ratio, [100, INF, 0, np.nan, 10])


def test_extremes_come_from_real_looks_only(make_looks):
    looks = make_looks(
        {"steps": [0, 10, 20], "train_loss": [4, 1, 0.5], "test_loss": [4, 8, 3], "test_novel": [2, 100, 50]},
        {"steps": [0], "train_loss": [4], "test_loss": [2]},
        {"steps": [0, 10], "train_loss": [1, np.nan], "test_loss": [1, np.nan]},
    )
    found = events.extremes(looks)
    np.testing.assert_array_equal(found.min_train_loss, [0.5, 4, 1])
    np.testing.assert_array_equal(found.min_test_loss, [3, 2, 1])
    np.testing.assert_array_equal(found.max_test_train_ratio, [8, 0.5, 1])
    np.testing.assert_array_equal(found.max_test_accuracy, [0.5, 0, 0])
    np.testing.assert_array_equal(found.post_peak_drop, [0.25, 0, 0])


def test_a_loss_floor_acts_before_the_ratio(make_looks):
    looks = make_looks({"steps": [0, 10], "train_loss": [1, 0.0], "test_loss": [1, 1e-3]})
    assert events.extremes(looks).max_test_train_ratio[0] == INF
    np.testing.assert_allclose(events.extremes(looks, floor=1e-7).max_test_train_ratio[0], 1e4, rtol=1e-6)
