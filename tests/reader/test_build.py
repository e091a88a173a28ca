"""Are the parts' own declarations enforced on every value, and do parts survive being written?"""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokjax.core.catalogue import KINDS, catalogue
from grokjax.core.part import Part, Swept, SweptInt, part, setting
from grokjax.core.schedules import Cosine, Linear, Switch
from grokjax.reader.build import build_part, read_setting, to_mapping
from grokjax.reader.errors import SpecError
from grokjax.reader.run import Minibatch, StoredInit
from grokjax.tasks.arrays import Arrays


@part
class Inner(Part):
    """A part inside a part."""

    scale: Swept = setting(1.0, above=0)


@part
class Everything(Part):
    """A field of each sort."""

    rate: Swept = setting(0.5, at_least=0, below=1)
    fixed_rate: Swept = setting(0.5, scheduled=False)
    perhaps: Swept | None = setting(None)
    seed: SweptInt = setting(0, at_least=0)
    width: int = setting(4, at_least=1, at_most=64)
    name: str = setting("a", choices=("alpha", "beta", "a"))
    on: bool = setting(False)
    pair: tuple[int, int] = setting((1, 2))
    words: tuple[str, ...] = setting(())
    inner: Inner = setting(Inner())
    required: float = setting()


def read(**given):
    return read_setting(Everything, {"required": 1, **given}, "part")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("rate", 0, 0.0),
        ("rate", np.float32(0.25), 0.25),
        ("perhaps", None, None),
        ("perhaps", 3, 3.0),
        ("seed", 7.0, 7),
        ("width", np.int64(8), 8),
        ("width", 8.0, 8),
        ("pair", [3, 4], (3, 4)),
        ("words", ["embed/*"], ("embed/*",)),
        ("inner", {"scale": 2}, Inner(scale=2.0)),
        ("required", -0.0, 0.0),
        (
            "rate",
            {"linear": {"start": 0.5, "end": 0, "finish": 10}},
            Linear(start=0.5, end=0.0, begin=0.0, finish=10.0),
        ),
    ],
)
def test_values_come_out_in_their_one_form(key, value, expected):
    found = getattr(read(**{key: value}), key)
    assert found == expected
    assert type(found) is type(expected)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("rate", "0.5", "remove the quotes"),
        ("rate", "high", "expected a number, got text"),
        ("rate", True, "expected a number"),
        ("rate", None, "no value given"),
        ("rate", [0.1, 0.2], "under axes"),
        ("rate", float("nan"), "must be finite"),
        ("rate", float("inf"), "must be finite"),
        ("required", 10**400, "must be finite"),
        ("required", 1e-50, "rounds to 0 in float32"),
        ("required", 1e39, "too large for float32"),
        ("rate", 1, "must be < 1"),
        ("rate", -0.1, "must be >= 0"),
        ("seed", -1, "must be >= 0"),
        ("seed", 2**32, "from 0 to 4294967295"),
        ("seed", True, "expected a whole number"),
        ("seed", {"linear": {"start": 0, "end": 1, "finish": 2}}, "cannot follow a schedule"),
        ("width", 8.5, "expected a whole number"),
        ("width", "8", "remove the quotes"),
        ("width", 0, "must be >= 1"),
        ("width", 65, "must be <= 64"),
        ("name", "alhpa", "did you mean 'alpha'"),
        ("name", 3, "put it in quotes"),
        ("on", "yes", "expected true or false"),
        ("on", 1, "expected true or false"),
        ("pair", [1], "expected 2 values"),
        ("words", "embed", "expected a list"),
        ("inner", {"scale": 0}, "part.inner.scale: must be > 0"),
        ("inner", 3, "expected a mapping with scale"),
        ("fixed_rate", {"linear": {"start": 0, "end": 1, "finish": 2}}, "a schedule would be ignored"),
        ("rate", {"linaer": {}}, "did you mean 'linear'"),
        ("rate", {"linear": {"start": 0, "end": 2, "finish": 2}}, "part.rate.end: must be < 1"),
        (
            "rate",
            {"linear": {"start": 0, "end": 0, "begin": 5, "finish": 2}},
            "part.rate.finish: must be at least begin",
        ),
        ("rate", {"linear": {"start": 0}}, "part.rate.end: missing"),
        ("raet", 1, "part.raet: unknown key; did you mean 'rate'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(key, value, message):
    with pytest.raises(SpecError, match="part.") as caught:
        read(**{key: value})
    assert message in str(caught.value)


def test_a_missing_value_is_named_and_all_problems_come_at_once():
    with pytest.raises(SpecError) as caught:
        read_setting(Everything, {"rate": 2, "width": 0, "whidth": 1}, "part")
    assert [problem.key for problem in caught.value.problems] == [
        "part.whidth",
        "part.rate",
        "part.width",
        "part.required",
    ]


@given(st.floats(allow_nan=False, allow_infinity=False, width=32).filter(lambda x: x == 0 or abs(x) > 1e-37))
def test_an_accepted_number_keeps_its_bits(number):
    assert read(required=number).required == number


SCHEDULES = st.one_of(
    st.builds(Linear, start=st.just(0.1), end=st.just(0.0), begin=st.just(1.0), finish=st.just(9.0)),
    st.builds(Cosine, start=st.just(0.0), end=st.just(0.5), begin=st.just(0.0), finish=st.just(3.0)),
    st.builds(Switch, before=st.just(0.0), after=st.just(0.5), at_step=st.just(7.0)),
)


@given(
    st.builds(
        Everything,
        rate=st.floats(0, 0.9).map(lambda x: round(x, 6)) | SCHEDULES,
        perhaps=st.none() | st.integers(0, 9).map(float) | SCHEDULES,
        seed=st.integers(0, 2**32 - 1),
        width=st.integers(1, 64),
        name=st.sampled_from(["alpha", "beta"]),
        on=st.booleans(),
        words=st.lists(st.text(max_size=5)).map(tuple),
        inner=st.builds(Inner, scale=st.integers(1, 5).map(float)),
        required=st.integers(-5, 5).map(float),
    )
)
def test_a_part_survives_being_written(made):
    again = read_setting(Everything, to_mapping(made), "part")
    assert again == made
    assert jax.tree.structure(again) == jax.tree.structure(made)
    assert read_setting(Everything, made, "part") == made


@pytest.mark.parametrize("slot", list(KINDS))
def test_every_part_of_the_package_survives_being_written(slot):
    for kind, cls in catalogue(slot).items():
        required = [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]
        if required:
            continue
        made = build_part(slot, kind, "part")
        assert build_part(slot, to_mapping(made), "part") == made
        assert build_part(slot, cls(), "part") == made


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(
        SpecError, match="optimizer.kind: unknown kind of optimizers .got .adam_w.*did you mean 'adamw'"
    ):
        build_part("optimizers", {"kind": "adam_w"}, "optimizer")
    with pytest.raises(SpecError, match="optimizer.kind: missing"):
        build_part("optimizers", {}, "optimizer")
    with pytest.raises(SpecError, match="expected a mapping"):
        build_part("optimizers", 3, "optimizer")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("full", None),
        (None, None),
        (64, Minibatch(at_most=64)),
        ({"at_most": 512, "share": 0.5}, Minibatch(at_most=512, share=0.5)),
        ({"share": 1}, Minibatch()),
    ],
)
def test_a_minibatch_has_short_forms(value, expected):
    assert read_setting(Minibatch | None, value, "train.minibatch") == expected


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "half", {"share": 0}, {"share": 1.1}, {"most": 3}, []])
def test_a_minibatch_that_is_none_is_refused(value):
    with pytest.raises(SpecError, match="train.minibatch"):
        read_setting(Minibatch | None, value, "train.minibatch")


def test_the_share_of_a_minibatch_follows_no_schedule():
    ramp = {"linear": {"start": 0.1, "end": 1, "finish": 5}}
    with pytest.raises(SpecError, match="would be ignored"):
        read_setting(Minibatch | None, {"share": ramp}, "train.minibatch")


def test_stored_parameters_are_named_by_folder_and_run():
    found = read_setting(
        StoredInit | None, {"from": "a/../b#0123", "step": 9, "freeze": "embed/*"}, "init", folder=Path("/c")
    )
    assert found == StoredInit(source="/c/b#0123", step=9, freeze=("embed/*",))
    assert read_setting(StoredInit | None, to_mapping(found), "init") == found
    of_folder = read_setting(StoredInit | None, {"from": "b", "step": 9, "draw": "embed/*"}, "init", folder=Path("/c"))
    assert of_folder == StoredInit(source="/c/b", step=9, draw=("embed/*",))
    for bad in (
        {"from": "results/a#", "step": 3},
        {"step": 3},
        {"from": "#x", "step": 3},
        {"from": "a#b"},
        "results/a#01",
    ):
        with pytest.raises(SpecError, match="init"):
            read_setting(StoredInit | None, bad, "init")


def test_a_data_file_is_pinned_by_its_checksum(tmp_path):
    np.savez(tmp_path / "data.npz", inputs=np.array([[0], [1], [2]]), targets=np.array([0, 1, 0]))
    made = build_part("tasks", {"kind": "arrays", "path": "data.npz"}, "task", tmp_path)
    assert isinstance(made, Arrays)
    assert made.sha256 == made.checksum()
    assert build_part("tasks", to_mapping(made), "task") == made
    np.savez(tmp_path / "data.npz", inputs=np.array([[0], [1], [2]]), targets=np.array([0, 1, 1]))
    with pytest.raises(SpecError, match="task.sha256: the file has changed"):
        build_part("tasks", to_mapping(made), "task")
    with pytest.raises(SpecError, match="no such file.*did you mean 'data.npz'"):
        build_part("tasks", {"kind": "arrays", "path": "dta.npz"}, "task", tmp_path)


@pytest.mark.parametrize("ramp", [Linear(start=0, end=0.1, finish=5), Cosine(start=0.1, end=0, finish=5)])
def test_a_learning_rate_may_start_or_end_at_0_but_not_stay_there(ramp):
    assert build_part("optimizers", {"kind": "sgd", "learning_rate": ramp}, "optimizer").learning_rate == ramp
    with pytest.raises(SpecError, match="optimizer.learning_rate.end: must be >= 0"):
        build_part("optimizers", {"kind": "sgd", "learning_rate": dataclasses.replace(ramp, end=-0.1)}, "optimizer")
    idle = dataclasses.replace(ramp, start=0, end=0)
    with pytest.raises(SpecError, match="optimizer.learning_rate: must be > 0 at some step"):
        build_part("optimizers", {"kind": "sgd", "learning_rate": idle}, "optimizer")


@pytest.mark.parametrize(
    ("slot", "kind", "name"),
    [
        ("optimizers", "adamw", "eps"),
        ("optimizers", "adam_l2", "eps"),
        ("optimizers", "adam_independent_decay", "eps"),
        ("regularizers", "clip", "max_norm"),
    ],
)
def test_what_divides_may_be_0_at_no_step(slot, kind, name):
    for value in (0, {"linear": {"start": 1, "end": 0, "finish": 5}}):
        with pytest.raises(SpecError, match=f"part.{name}.*: must be > 0"):
            build_part(slot, {"kind": kind, name: value}, "part")
