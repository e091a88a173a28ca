"""Is a sweep file read as its writer meant it, written without loss, and refused in one message otherwise?"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokjax.orders.order import grid_orders
from grokjax.reader.errors import MOST_LINES, SpecError
from grokjax.reader.sweep_file import load, sweep_from_mapping
from grokjax.reader.yaml_file import parse

LISTS = {"kind": "list_operation", "symbols": 5, "length": 3}


def test_the_example_of_the_design_loads_as_written(quickstart, tmp_path):
    (tmp_path / "quickstart.yaml").write_text(quickstart)
    sweep = load(tmp_path / "quickstart.yaml")
    assert (sweep.num_cells, sweep.num_seeds, sweep.num_runs, sweep.steps) == (56, 5, 280, 2000)
    decays = sweep.points.columns()["optimizer.weight_decay"][::7].tolist()
    assert decays == [float(f"{0.3 * (40 / 0.3) ** (k / 7):.6g}") for k in range(8)]
    assert sweep.points.columns()["task.train_fraction"][:7].tolist() == [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert sweep.base.optimizer.learning_rate == 0.01
    assert sweep.claims[0].over == ("task.train_fraction",)
    assert load(parse(sweep.to_yaml()).content) == sweep


CADENCES = st.one_of(
    st.integers(1, 500),
    st.builds(lambda form, n: {form: n}, st.sampled_from(["log", "linear", "per_decade"]), st.integers(1, 90)),
    st.just({"log": 10, "horizon": 50}),
    st.just({"ratio": 1.5}),
    st.just([0, 1]),
)
NUMBERS = st.integers(1, 999_999).map(lambda n: n / 1e6)
AXES = st.fixed_dictionaries(
    {},
    optional={
        "optimizer.weight_decay": st.lists(NUMBERS, min_size=1, max_size=3, unique=True),
        "task.train_fraction": st.just({"linear": [0.2, 0.6, 3]}),
        "zip": st.just([{"optimizer.b1": [0.1, 0.2], "optimizer.b2": {"log": [0.1, 0.9, 2]}}]),
        "random": st.just([{"count": 3, "seed": 1, "model.init_scale": {"log_uniform": [0.5, 2]}}]),
        "model.width": st.just([4, 8]),
        "train.minibatch": st.just(["full", 8, {"at_most": 9, "share": 0.5}]),
        "loss": st.just(["mse", {"kind": "cross_entropy", "form": "plain"}]),
        "seeds.init": st.just([3, 4]),
    },
)
MAPPINGS = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True).filter(
            lambda name: name not in ("con", "prn", "aux", "nul")
        ),
        "task": st.builds(
            lambda operation, modulus: {"kind": "modular_arithmetic", "operation": operation, "modulus": modulus},
            st.sampled_from(["x+y", "x*y"]),
            st.sampled_from([5, 7, 11]),
        ),
        "model": st.builds(
            lambda width, drop: {"kind": "mlp", "width": width, "dropout": drop}, st.integers(1, 9), NUMBERS
        ),
        "optimizer": st.sampled_from(
            ["adamw", {"kind": "sgd"}, {"kind": "adamw", "weight_decay": {"switch": {"after": 1.5, "at_step": 9}}}]
        ).map(lambda chosen: chosen if chosen != {"kind": "sgd"} else {"kind": "adamw", "warmup": 3}),
        "train": st.builds(lambda steps: {"steps": steps, "minibatch": 8}, st.integers(1, 10**6)),
    },
    optional={
        "loss": st.sampled_from(["mse", {"kind": "cross_entropy", "form": "float64"}]),
        "regularizers": st.just([{"kind": "l2", "strength": 0.5}]),
        "precision": st.just({"matmul": "bf16"}),
        "axes": AXES,
        "seeds": st.sampled_from([3, [5, 1]]),
        "measure": st.builds(lambda every, looks: {"every": every, "looks": looks}, CADENCES, CADENCES),
        "stop": st.builds(lambda steps: {"after_grok": {"steps": steps}, "audit": 0.25}, st.integers(0, 99)),
        "weights": CADENCES,
        "claims": st.just([{"name": "a: b", "that": "x > 'y'", "published": 0.5}]),
        "notes": st.text(st.characters(categories=["L", "N", "P", "Z"]), max_size=20),
        "tags": st.lists(st.sampled_from(["no", "1", "a b"]), unique=True),
    },
)


@given(MAPPINGS)
def test_a_sweep_survives_being_written(mapping):
    sweep = sweep_from_mapping(mapping)
    text = sweep.to_yaml()
    again = sweep_from_mapping(parse(text).content)
    assert again == sweep
    assert again.to_yaml() == text
    assert [grid_orders(again)[number].run for number in range(min(again.num_runs, 5))] == [
        grid_orders(sweep)[number].run for number in range(min(sweep.num_runs, 5))
    ]


def test_a_problem_names_file_line_key_rule_value_and_a_way_out(tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "task: {kind: modular_arithmetic, modulus: 7}\nmodel:\n  kind: mlp\n  widht: 8\noptimizer: {kind: adamw,\n"
        "  learning_rate: -1}\ntrain: {steps: '90'}\naxes:\n  optimizer.b1: [0.1]\n"
    )
    with pytest.raises(SpecError) as caught:
        load(file)
    assert str(caught.value).splitlines() == [
        f'{file}:7: train.steps: expected a whole number, got text (got "90"); remove the quotes',
        f"{file}:4: model.widht: unknown key; did you mean 'width'?",
        f"{file}:6: optimizer.learning_rate: must be > 0 (got -1.0)",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimiser": 1}, "optimiser: unknown key; did you mean 'optimizer'"),
        ({"weight_decay": 1}, "it belongs under 'optimizer'"),
        ({"steps": 1}, "it belongs under 'train'"),
        ({"train": {}}, "train.steps: missing"),
        ({"train": {"steps": 5, "batch": 3}}, "train.batch: unknown key"),
        ({"train": 5}, "train.steps: missing"),
        ({"regularizers": {"kind": "l2"}}, "regularizers: expected a list"),
        ({"precision": {"matmul": "tf23"}}, "did you mean 'tf32'"),
        ({"precision": None}, "precision: no value given"),
        ({"loss": "huber"}, "loss.kind: unknown kind"),
        ({"task": {"kind": "modular_arithmetic", "modulus": "97"}}, "remove the quotes"),
        ({"task": {"kind": "modular_arithmetic", "operation": "x+z"}}, "did you mean"),
        ({"seeds": {"count": 5, "stream": {"split": 0}}}, "did you mean 'streams'"),
        ({"axes": {"task.train_fractoin": [0.1]}}, "did you mean 'task.train_fraction'"),
        ({"init": {"from": "#a", "step": 0}}, "expected DIR, DIR#RUN_ID"),
    ],
)
def test_a_wrong_key_is_named(small, changes, message):
    with pytest.raises(SpecError) as caught:
        load({**small(), **changes})
    assert message in str(caught.value)


def test_missing_parts_are_all_named():
    with pytest.raises(SpecError) as caught:
        load({})
    assert [problem.key for problem in caught.value.problems] == ["name", "train.steps", "task", "model", "optimizer"]


def test_many_problems_are_cut_to_a_screen(small):
    mapping = small()
    mapping["model"] |= {f"key{n}": n for n in range(50)}
    with pytest.raises(SpecError) as caught:
        load(mapping)
    lines = str(caught.value).splitlines()
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "... and 30 more problems"


def test_the_file_name_is_the_name_unless_one_is_given(small, tmp_path):
    mapping = small()
    del mapping["name"]
    (tmp_path / "decay.yaml").write_text(sweep_from_mapping(small()).to_yaml().replace("name: small\n", ""))
    assert load(tmp_path / "decay.yaml").name == "decay"
    assert load(tmp_path / "decay.yaml", ["name=other"]).name == "other"
    with pytest.raises(SpecError, match="name: missing"):
        load(mapping)


def test_a_sweep_builds_on_another(small, tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "opt.py").write_text(
        "import optax\ndef slow(learning_rate, b1=0.9): return optax.adam(learning_rate, b1)\n"
    )
    base = small(axes={"optimizer.b1": [0.1, 0.2], "model.width": [4, 8]}, seeds={"list": [1, 2]})
    base["optimizer"] = {"kind": "./opt.py:slow", "learning_rate": 0.5}
    (tmp_path / "below" / "base.yaml").write_text(json.dumps(base))
    (tmp_path / "top.yaml").write_text(
        "from: below/base.yaml\ntask: {modulus: 5}\noptimizer: {b1: 0.3}\nseeds: 3\n"
        "axes: {optimizer.b1: null, task.train_fraction: [0.3, 0.4]}\n"
    )
    sweep = load(tmp_path / "top.yaml")
    assert sweep.name == "top"
    assert sweep.base.task.modulus == 5
    assert (sweep.base.optimizer.learning_rate, sweep.base.optimizer.b1) == (0.5, 0.3)
    assert sweep.axis_names == ("model.width", "task.train_fraction")
    assert sweep.seeds.values == (0, 1, 2)
    (tmp_path / "other.yaml").write_text("from: top.yaml\noptimizer: {kind: adamw, weight_decay: 1}\n")
    assert load(tmp_path / "other.yaml").base.optimizer.kind == "adamw"


def test_building_on_itself_or_on_nothing_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("from: b.yaml\n")
    (tmp_path / "b.yaml").write_text("from: a.yaml\n")
    with pytest.raises(SpecError, match="cannot build on itself"):
        load(tmp_path / "a.yaml")
    (tmp_path / "c.yaml").write_text("from: aa.yaml\n")
    with pytest.raises(SpecError, match="no such file; did you mean 'a.yaml'"):
        load(tmp_path / "c.yaml")


def test_a_problem_below_names_the_file_below(small, tmp_path):
    (tmp_path / "base.yaml").write_text("model: {kind: mlp,\n  width: 0}\n")
    (tmp_path / "top.yaml").write_text(
        "from: base.yaml\ntask: {kind: modular_arithmetic, modulus: 7}\noptimizer: adamw\ntrain: {steps: 5}\n"
    )
    with pytest.raises(SpecError, match=r"base.yaml:2: model.width: must be >= 1"):
        load(tmp_path / "top.yaml")


def test_overrides_replace_settings_parts_and_axes(small):
    mapping = small(axes={"model.width": [4, 8]}, optimizer="adamw", regularizers=[{"kind": "l2", "strength": 1}])
    sweep = load(
        mapping,
        [
            "optimizer.weight_decay=1e-3",
            "train.steps=7",
            "model={kind: mlp, depth: 2}",
            "axes.optimizer.b1=[0.1, 0.2]",
            "axes.model.width=null",
            "regularizers.0.strength=0.5",
            "train.minibatch=8",
            "train.steps=9",
            "stop={after_grok: {steps: 5}}",
        ],
    )
    assert sweep.base.optimizer.weight_decay == 0.001
    assert sweep.base.model.depth == 2
    assert sweep.axis_names == ("optimizer.b1",)
    assert sweep.base.regularizers[0].strength == 0.5
    assert sweep.steps == 9


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimizer.lr=1", "optimizer.lr: unknown key"),
        ("optimiser.b1=1", "did you mean 'optimizer'"),
        ("train.steps", "expected KEY=VALUE"),
        ("train.steps=", "expected KEY=VALUE"),
        ("=3", "expected KEY=VALUE"),
        ("train.steps=a: b", "must be one value"),
        ("train.steps=[1", "train.steps"),
        ("regularizers.3.strength=1", "regularizers.3"),
        ("train.steps.more=1", "has no settings"),
        ("optimizer.b1=&a 1", "aliases"),
        ("from=x.yaml", "from"),
    ],
)
def test_an_override_that_means_nothing_is_refused(small, override, message):
    with pytest.raises(SpecError) as caught:
        load(small(), [override])
    assert message in str(caught.value)


def test_overriding_does_not_touch_the_mapping(small):
    mapping = small()
    load(mapping, ["optimizer.b1=0.5", "axes.model.width=[4]"])
    assert mapping == small()


def test_the_parts_of_every_cell_are_asked(small):
    with pytest.raises(SpecError, match="task.modulus: 'x/y' needs a prime modulus, got 9"):
        load(small({"axes": {"task.modulus": [7, 9]}, "task.operation": "x/y"}))
    with pytest.raises(SpecError, match="model"):
        load(small(model={"kind": "transformer", "width": 10, "heads": 3}))


def test_what_is_written_names_every_setting(small):
    mapping = load(small()).to_mapping()
    assert mapping["optimizer"]["b2"] == 0.98
    assert mapping["measure"]["looks"] == {"ratio": 1.04}


def test_a_problem_of_a_sweep_on_top_of_another_is_placed_where_it_was_written(small, tmp_path):
    below, above = tmp_path / "below.yaml", tmp_path / "above.yaml"
    below.write_text(
        "task: {kind: modular_arithmetic, modulus: 7}\nmodel: {kind: mlp}\noptimizer:\n  kind: adamw\n  b1: 2\n"
        "train: {steps: 10}\naxes:\n  optimizer.weight_decay:\n    - 1\n    - 2\n  model.width: [8, x]\n"
    )
    above.write_text("from: below.yaml\naxes:\n  optimizer.weight_decay: {linear: [-1, 2, 3]}\n")
    with pytest.raises(SpecError) as refusal:
        load(above)
    assert [(problem.file, problem.line) for problem in refusal.value.problems] == [(str(below), 5)]
    with pytest.raises(SpecError) as refusal:
        load(above, ["optimizer.b1=0.9"])
    places = {problem.key: (problem.file, problem.line) for problem in refusal.value.problems}
    assert places == {
        "axes.optimizer.weight_decay.0": (str(above), 3),
        "axes.model.width.1": (str(below), 11),
    }


@pytest.mark.parametrize(
    ("path", "hint"),
    [("lr", "learning_rate"), ("wd", "weight_decay"), ("momentum", "b1"), ("weight_decy", "weight_decay")],
)
def test_a_setting_under_the_name_of_another_code_base_is_understood(small, path, hint):
    with pytest.raises(SpecError, match=f"did you mean '{hint}'"):
        load(small({"optimizer": {"kind": "adamw", path: 1}}))
    with pytest.raises(SpecError, match=f"did you mean 'optimizer.{hint}'"):
        load(small({"axes": {f"optimizer.{path}": [1, 2]}}))


def test_problems_of_parts_and_of_what_surrounds_them_are_reported_together(small):
    with pytest.raises(SpecError) as refusal:
        load(small({"model.widht": 8, "seeds": 0, "stop": 3, "train.steps": -1, "nonsense": 1}))
    keys = {problem.key for problem in refusal.value.problems}
    assert keys == {"model.widht", "seeds", "stop", "train.steps", "nonsense"}
    with pytest.raises(SpecError) as refusal:
        load(small({"name": "a/b", "axes": {"model.width": ["x"], "optimizer.b1": [0.1, 7]}}))
    assert {problem.key for problem in refusal.value.problems} == {"name", "axes.model.width.0", "axes.optimizer.b1.1"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {},
            'model.kind: gives outputs [2, 8] for 2 examples, the task has 4 answers an example (got "mlp"); '
            "nearest is transformer",
        ),
        (
            {"model": "transformer", "task": LISTS | {"label_noise": 0.1}},
            "task.label_noise: one label an example is drawn",
        ),
    ],
)
def test_what_does_not_fit_a_task_of_several_answers_is_refused_with_its_key(small, changes, message):
    with pytest.raises(SpecError) as caught:
        load(small(**{"task": LISTS, **changes}))
    assert message in str(caught.value)
