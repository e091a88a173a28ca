"""Are two histories of one run told apart, wherever they differ, and only there?"""

import numpy as np
import pytest

from grokjax.lab.history_difference import difference

SCHEDULE = np.array([0, 10, 20, 30, 40])


def history(steps: tuple[int, ...], reason: str = "budget", budget: int = 40) -> dict[str, np.ndarray]:
    """A run whose loss at a step is 1 / (1 + step); every second look is a row."""
    looks, rows = np.array([*steps, -1, -1]), np.array([*steps[::2], -1])
    return {
        "look_step": looks,
        "row_step": rows,
        "looks/loss": (1 / (1.0 + np.abs(looks))).astype(np.float32),
        "rows/norm": np.stack([rows, rows], axis=1).astype(np.float32),
        "final_step": np.int64(steps[-1]),
        "stop_reason": np.str_(reason),
        "diverged_at": np.int64(-1),
        "budget": np.int64(budget),
    }


WHOLE = history((0, 10, 20, 30, 40))


def test_equal_histories_are_equal_and_every_number_is_counted() -> None:
    differs = difference(WHOLE, history((0, 10, 20, 30, 40)), 40, SCHEDULE)
    assert differs.first == "" and differs.largest == 0 and differs.compared == 5 + 3 * 2


@pytest.mark.parametrize("missing", [0, 20, 40])
def test_a_step_that_one_of_them_lacks_is_named(missing: int) -> None:
    part = history(tuple(step for step in (0, 10, 20, 30, 40) if step != missing))
    for new, stored in ((WHOLE, part), (part, WHOLE)):
        assert difference(new, stored, 40, SCHEDULE).first.startswith(f"looks at step {missing},")


def test_a_replay_of_some_steps_answers_for_these_alone() -> None:
    part = history((0, 10, 20))
    assert difference(part, WHOLE, 20, SCHEDULE).first == ""
    assert difference(history((0, 10)), WHOLE, 20, SCHEDULE).first.startswith("looks at step 20")


@pytest.mark.parametrize(
    ("name", "value"), [("final_step", np.int64(39)), ("stop_reason", np.str_("grokked")), ("diverged_at", np.int64(3))]
)
def test_another_end_is_noticed(name: str, value: np.generic) -> None:
    assert difference({**WHOLE, name: value}, WHOLE, 40, SCHEDULE).first.startswith(f"{name}, {value} where")


def test_a_run_that_stops_elsewhere_than_the_stored_one_is_noticed() -> None:
    stopped = history((0, 10, 20), "grokked")
    assert difference(stopped, history((0, 10, 20), "grokked"), 40, SCHEDULE).first == ""
    assert difference(WHOLE, stopped, 40, SCHEDULE).first.startswith("looks at step 30")
    assert difference(stopped, WHOLE, 40, SCHEDULE).first.startswith("looks at step 30")


def test_a_shorter_budget_may_have_ended_off_the_longer_schedule() -> None:
    assert difference(history((0, 10, 20)), history((0, 10, 20, 25), budget=25), 20, SCHEDULE).first == ""
    ended = {**history((0, 10, 20)), "final_step": np.int64(25)}
    assert difference(ended, history((0, 10, 20, 25), budget=25), 25, SCHEDULE).first == ""


def test_a_bit_is_noticed_and_nan_is_equal_to_itself() -> None:
    other = {**WHOLE, "looks/loss": np.copy(WHOLE["looks/loss"])}
    other["looks/loss"].view(np.uint32)[3] ^= 1
    differs = difference(WHOLE, other, 40, SCHEDULE)
    assert differs.first == "loss at step 30" and 0 < differs.largest < 1e-8
    blank = {**WHOLE, "looks/loss": np.full_like(WHOLE["looks/loss"], np.nan)}
    assert difference(blank, dict(blank), 40, SCHEDULE).first == ""
    assert difference(blank, WHOLE, 40, SCHEDULE).first == "loss at step 0"
