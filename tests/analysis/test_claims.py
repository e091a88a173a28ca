import itertools
import re

import pandas as pd
import pytest

from grokjax.analysis.claims import Claim, Number, Term, check_claim, make_claim


def test_a_comparison_of_two_chances_is_read():
    claim = make_claim(
        "decay helps",
        "probability(grokking, optimizer.weight_decay=10) > probability(grokking, optimizer.weight_decay=0.3)",
        over=["task.train_fraction"],
    )
    assert claim == Claim(
        "decay helps",
        Term("probability", "grokking", (("optimizer.weight_decay", "10"),)),
        ">",
        Term("probability", "grokking", (("optimizer.weight_decay", "0.3"),)),
        ("task.train_fraction",),
    )


@pytest.mark.parametrize("operator", [">", ">=", "<", "<="])
def test_each_operator_is_read_with_and_without_blanks(operator):
    claim = make_claim("a", f"median(steps_to_test_99,a.b=1e-3,c=x+y){operator}5.5e3")
    assert claim.left == Term("median", "steps_to_test_99", (("a.b", "1e-3"), ("c", "x+y")))
    assert claim.operator == operator
    assert claim.right == Number(5500.0)


def test_quoted_values_may_hold_any_mark():
    claim = make_claim("a", "probability(grokking, operation='(x*y) = z, w') >= 0.5")
    assert claim.left == Term("probability", "grokking", (("operation", "(x*y) = z, w"),))


def test_measures_with_a_slash_and_negative_numbers_are_read():
    claim = make_claim("a", "median(test/accuracy) > -1")
    assert claim.left == Term("median", "test/accuracy", ())
    assert claim.right == Number(-1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("probability(groking) > 0.5", "no phase 'groking'; nearest is 'grokking'"),
        ("probabilty(grokking) > 0.5", "no function 'probabilty'; nearest is 'probability'"),
        ("probability(grokking) = 0.5", "expected one of > >= < <=, found '='"),
        ("probability(grokking, a 1) > 0.5", "expected '=', found '1'"),
        ("probability(grokking a=1) > 0.5", "expected ',' or ')', found 'a'"),
        ("probability(grokking > 0.5", "expected ',' or ')', found '>'"),
        ("probability(grokking) >", "found 'the end'"),
        ("probability(grokking) > 0.5 > 0.1", "expected the end, found '>'"),
        ("0.5 > 0.1", "compares two numbers"),
        ("probability(grokking) > 'x", "cannot read"),
        ("", "found 'the end'"),
        ("__import__(grokking) > 1", "no function '__import__'"),
    ],
)
def test_nonsense_is_refused_in_one_line_that_says_where(text, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        make_claim("my claim", text)
    assert "my claim" in str(caught.value)
    assert "\n" not in str(caught.value)


AXES = ["optimizer.weight_decay", "task.train_fraction"]
CELLS = pd.DataFrame(list(itertools.product([0.3, 1.0, 4.914], [0.3, 0.5])), columns=AXES)
MEASURES = ["steps_to_test_99", "test/accuracy"]


def test_a_claim_that_names_every_axis_passes():
    check_claim(make_claim("a", "probability(grokking, weight_decay=1) > 0.5", ["train_fraction"]), CELLS, MEASURES)
    check_claim(make_claim("a", "median(test/accuracy, weight_decay=1, train_fraction=0.3) > 0.5"), CELLS, MEASURES)


def test_axes_that_move_together_or_only_with_the_seed_need_no_name_each():
    tied = CELLS.assign(**{"model.width": CELLS["optimizer.weight_decay"] * 10, "seeds.init": 0})
    both = pd.concat([tied, tied.assign(**{"seeds.init": 1})], ignore_index=True)
    check_claim(make_claim("a", "probability(grokking, weight_decay=1) > 0.5", ["train_fraction"]), both, MEASURES)
    check_claim(make_claim("a", "probability(grokking, width=3) > 0.5", ["train_fraction"]), both, MEASURES)
    check_claim(make_claim("a", "probability(grokking) > 0.5"), pd.DataFrame(index=[0]), MEASURES)


def test_a_cell_that_is_left_out_decides_nothing():
    some = CELLS[(CELLS["optimizer.weight_decay"] != 1) | (CELLS["task.train_fraction"] != 0.5)]
    with pytest.raises(ValueError, match=r"no cell has weight_decay=1 and train_fraction=0\.5"):
        check_claim(make_claim("a", "probability(grokking, weight_decay=1, train_fraction=0.5) > 0"), some, MEASURES)


@pytest.mark.parametrize(
    ("text", "over", "message"),
    [
        ("probability(grokking, weight_deca=1) > 0.5", ["train_fraction"], r"nearest is 'optimizer\.weight_decay'"),
        ("probability(grokking, weight_decay=1) > 0.5", ["train_fractin"], r"nearest is 'task\.train_fraction'"),
        ("median(steps_to_tst_99, weight_decay=1) > 5", ["train_fraction"], "nearest is 'steps_to_test_99'"),
        (
            "probability(grokking, weight_decay=4.9) > 0.5",
            ["train_fraction"],
            r"4\.9 is no value of .*nearest is 4\.914",
        ),
        ("probability(grokking, weight_decay=1) > 0.5", [], r"axis 'task\.train_fraction' varies"),
        ("probability(grokking, weight_decay=1) > 0.5", AXES, r"'optimizer\.weight_decay' is fixed .* and listed"),
    ],
)
def test_a_claim_that_the_sweep_cannot_decide_is_refused_before_training(text, over, message):
    with pytest.raises(ValueError, match=message):
        check_claim(make_claim("a", text, over), CELLS, MEASURES)


def test_the_nearest_text_of_an_axis_is_named():
    cells = pd.DataFrame({"task.operation": ["x+y", "x*y", "x^2+y^2"]})
    with pytest.raises(ValueError, match=r"x\^2\+y is no value of 'task.operation'; nearest is 'x\^2\+y\^2'"):
        check_claim(make_claim("a", "probability(grokking, operation=x^2+y) > 0"), cells, MEASURES)
