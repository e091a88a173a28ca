"""Are parts of the user's own files and packages taken as meant, and refused in one line when they cannot be?"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.core.interfaces import Signature
from grokjax.core.part import hints_of, is_swept
from grokjax.core.streams import stream, substreams
from grokjax.orders.order import grid_orders
from grokjax.reader.build import build_part, to_mapping
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.reader.user_parts import kind_of, source_of

SIGNATURE = Signature("task", 20, (2,), "int32", (), "int32", 5, 6, (0, 1))

MINE = (Path(__file__).parent / "mine.py").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("mine")
    (place / "mine.py").write_text(MINE)
    (place / "broken.py").write_text("import os\n\nraise RuntimeError('no such GPU')\n")
    (place / "leaving.py").write_text("raise SystemExit(3)\n")
    (place / "typo.py").write_text("def f(:\n")
    package = place / "mylab_for_tests"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "models.py").write_text(MINE)
    sys.path.insert(0, str(place))
    yield place
    sys.path.remove(str(place))


def build(slot, name, folder, **settings):
    return build_part(slot, {"kind": f"./mine.py:{name}", **settings}, "part", folder)


def test_a_linen_module_is_a_model_with_its_own_numbers(folder):
    model = build("models", "Net", folder, sizes=[8])
    key = stream(jnp.uint32(3), "init")
    keys = substreams(key, jnp.arange(3))
    inputs = jnp.array([[0, 1], [2, 3], [5, 4]], jnp.int32)
    params = model.init(key, SIGNATURE)
    assert set(params) == {"Embed_0", "Dense_0", "Dense_1"}
    assert params["Embed_0"]["embedding"].shape == (6, 4)  # filled from the task although the module has a default
    assert params["Dense_1"]["kernel"].shape == (8, 5)
    hidden = params["Embed_0"]["embedding"][inputs].reshape(3, -1)
    hidden = jax.nn.relu(hidden @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"][None])
    expected = hidden @ params["Dense_1"]["kernel"] + params["Dense_1"]["bias"][None]
    measured = model.logits(params, inputs, SIGNATURE, None)
    np.testing.assert_allclose(measured, expected, rtol=1e-5)
    dropped = model.logits(params, inputs, SIGNATURE, keys)
    assert not np.allclose(dropped, measured)
    np.testing.assert_array_equal(dropped, model.logits(params, inputs, SIGNATURE, keys))
    named = model.activations(params, inputs, SIGNATURE)
    assert list(named) == ["units"]
    np.testing.assert_allclose(named["units"], hidden, rtol=1e-5)


def test_values_sown_twice_under_a_name_are_told_apart(folder):
    model = build("models", "Net", folder, sizes=[8, 3])
    params = model.init(stream(jnp.uint32(3), "init"), SIGNATURE)
    named = model.activations(params, jnp.zeros((2, 2), jnp.int32), SIGNATURE)
    assert {name: value.shape for name, value in named.items()} == {"units": (2, 8), "units#1": (2, 3)}


def test_an_nnx_module_is_a_model_with_its_own_numbers(folder):
    model = build("models", "Nnx", folder, width=4)
    key = stream(jnp.uint32(3), "init")
    keys = substreams(key, jnp.arange(3))
    inputs = jnp.array([[0, 1], [2, 3], [5, 4]], jnp.int32)
    params = jax.jit(lambda key: model.init(key, SIGNATURE))(key)
    assert set(params) == {"embed", "hidden", "out"}
    assert set(params["hidden"]) == {"0", "1"}
    hidden = params["embed"]["embedding"][inputs].reshape(3, -1)
    for name in "01":
        hidden = jax.nn.relu(hidden @ params["hidden"][name]["kernel"] + params["hidden"][name]["bias"][None])
    expected = hidden @ params["out"]["kernel"] + params["out"]["bias"][None]
    measured = jax.jit(lambda params: model.logits(params, inputs, SIGNATURE, None))(params)
    np.testing.assert_allclose(measured, expected, rtol=1e-5, atol=1e-6)
    dropped = model.logits(params, inputs, SIGNATURE, keys)
    assert not np.allclose(dropped, measured)
    gradient = jax.grad(lambda params: model.logits(params, inputs, SIGNATURE, keys).sum())(params)
    assert jax.tree.structure(gradient) == jax.tree.structure(params)
    other = model.init(stream(jnp.uint32(4), "init"), SIGNATURE)
    assert not np.allclose(other["out"]["kernel"], params["out"]["kernel"])


@pytest.mark.parametrize(
    "slot_and_name", [("models", "Net"), ("losses", "Hinge"), ("regularizers", "ridge"), ("tasks", "parity")]
)
def test_the_same_kind_gives_the_same_class_and_survives_being_written(folder, slot_and_name):
    slot, name = slot_and_name
    one, two = build(slot, name, folder), build(slot, name, folder)
    assert type(one) is type(two)
    assert one == two
    assert jax.tree.structure(one) == jax.tree.structure(two)
    assert build_part(slot, to_mapping(one), "part") == one
    assert kind_of(type(one)) == f"mine.py:{name}"


def test_an_import_path_names_a_part_too(folder):
    made = build_part("models", "mylab_for_tests.models:Net", "model")
    assert kind_of(type(made)) == "mylab_for_tests.models:Net"
    assert source_of(type(made)).file == folder / "mylab_for_tests" / "models.py"
    loss = build_part("losses", {"kind": "mylab_for_tests.models:Hinge", "margin": 2}, "loss")
    assert loss.margin == 2.0
    assert kind_of(type(loss)) == "mylab_for_tests.models:Hinge"
    assert build_part("losses", to_mapping(loss), "loss") == loss


def swept_fields(part):
    return {name for name, hint in hints_of(type(part)).items() if is_swept(hint)}


def test_the_numbers_of_an_optimizer_are_swept(folder):
    made = build("optimizers", "descent", folder, learning_rate=1)
    assert swept_fields(made) == {"learning_rate", "decay"}
    assert (made.learning_rate, made.decay, made.turns, made.nesterov) == (1.0, 0.0, 2, False)
    adamw = build_part("optimizers", {"kind": "optax:adamw", "learning_rate": 0.1}, "optimizer")
    assert swept_fields(adamw) == {"learning_rate", "b1", "b2", "eps", "eps_root", "weight_decay"}
    muon = build_part("optimizers", {"kind": "optax.contrib:muon", "learning_rate": 0.1}, "optimizer")
    assert {"learning_rate", "beta", "weight_decay"} <= swept_fields(muon)
    assert "ns_steps" not in swept_fields(muon)  # a count of loop turns, which cannot be traced
    sgd = build_part("optimizers", {"kind": "optax:sgd", "learning_rate": 0.1}, "optimizer")
    with_momentum = build_part("optimizers", {"kind": "optax:sgd", "learning_rate": 0.1, "momentum": 0.9}, "optimizer")
    assert type(sgd) is type(with_momentum)
    assert jax.tree.structure(sgd) != jax.tree.structure(with_momentum)


def test_a_swept_optax_optimizer_updates_like_optax(folder):
    made = build_part("optimizers", {"kind": "optax:adamw", "learning_rate": 0.1, "weight_decay": 0.5}, "optimizer")
    params = {"w": jnp.array([1.0, -3.0])}
    gradient = {"w": jnp.array([0.3, 0.1])}

    @jax.jit
    def update(part):
        transform = part.transform()
        return transform.update(gradient, transform.init(params), params)[0]

    reference = optax.adamw(0.1, weight_decay=0.5)
    expected, _ = reference.update(gradient, reference.init(params), params)
    np.testing.assert_allclose(update(made)["w"], expected["w"], rtol=1e-4)


def test_plain_functions_are_measures_regularizers_and_tasks(folder):
    ridge = build("regularizers", "ridge", folder, strength=2)
    assert swept_fields(ridge) == {"strength"}
    assert float(ridge.penalty({"a": jnp.array([1.0, 2.0])}, None, 0)) == 10.0
    measure = build("measures", "largest", folder, top=3)
    assert swept_fields(measure) == set()
    parity = build("tasks", "parity", folder, bits=2, train_fraction=0.75, label_noise=0.25)
    table = parity.table()
    assert table.inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert table.targets.tolist() == [0, 1, 1, 0]
    assert (table.num_classes, table.vocabulary, table.operands) == (2, 2, (0, 1))
    assert parity.counts(parity.signature()).n_train == 3
    assert parity.signature() != build("tasks", "parity", folder, bits=3).signature()
    line = build("tasks", "line", folder).table()
    assert line.targets.dtype == np.float32
    assert (line.num_classes, line.vocabulary) == (1, None)


def test_a_function_may_say_which_examples_are_trained_on(folder):
    task = build("tasks", "given", folder)
    table = task.table()
    assert table.inputs[:, 0].tolist() == [0, 2, 5, 1, 3, 4]
    assert table.mirror.tolist() == [2, 4, 0, 5, 1, 3]  # the same pairs of examples, at their new places
    assert task.counts(task.signature()).n_train == 3
    with pytest.raises(ValueError, match="returns train_indices must be from 0 to 5"):
        build("tasks", "given", folder, rows=[7]).table()


def test_a_function_may_give_vectors_or_several_answers_to_tokens(folder):
    vectors, answers = (build("tasks", "pairs", folder, targets=kind).signature() for kind in ("vectors", "answers"))
    assert (vectors.num_answers, vectors.operands, vectors.fixed) == (1, (0, 1), (3,))
    assert (answers.num_answers, answers.operands, answers.fixed) == (2, (0, 1), (3,))


@pytest.mark.parametrize(
    ("slot", "kind", "message"),
    [
        ("models", "./mine.py:Nte", "did you mean 'Net'"),
        ("models", "./mien.py:Net", "did you mean 'mine.py'"),
        ("models", "./broken.py:Net", "RuntimeError: no such GPU (broken.py line 3)"),
        ("models", "./leaving.py:Net", "SystemExit"),
        ("models", "./typo.py:Net", "SyntaxError"),
        ("models", "nosuchlab.models:Net", "there is no module 'nosuchlab'"),
        ("models", "mylab_for_tests.modles:Net", "there is no module 'mylab_for_tests.modles'"),
        ("models", "os;rm:Net", "an import path reads"),
        ("models", "./mine.py:Hinge", "is a part of losses, expected a Model part"),
        ("models", "./mine.py:descent", "is a function, expected a Model part"),
        ("models", "./mine.py:constant", "is a int, expected"),
        ("losses", "./mine.py:ridge", "expected a Loss part"),
        ("losses", "./mine.py:Undecorated", "write @part above the class"),
        ("optimizers", "./mine.py:Net", "is a class, expected an Optimizer"),
        ("optimizers", "./mine.py:descent", "part.learning_rate: missing"),
        ("models", "./mine.py:Nnx", "part.width: missing"),
    ],
)
def test_a_part_that_cannot_be_used_is_refused_in_one_line(folder, slot, kind, message):
    with pytest.raises(SpecError, match="part") as caught:
        build_part(slot, {"kind": kind}, "part", folder)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"optimizer": {"kind": "./mine.py:not_an_optimizer", "learning_rate": 1}},
            "must return an optax.GradientTransformation",
        ),
        ({"optimizer": {"kind": "optax:adamw", "learning_rate": 0.1, "lr": 1}}, "optimizer.lr: unknown key"),
        ({"optimizer": {"kind": "optax:adamw", "learning_rate": "0.1"}}, "remove the quotes"),
        ({"model": {"kind": "./mine.py:Net", "sizes": 3}}, "model.sizes: expected a list"),
        ({"model": {"kind": "./mine.py:Net", "rate": "high"}}, "model.rate: expected a number"),
        ({"model": "./mine.py:Normed"}, "keeps batch_stats beside its parameters"),
        ({"model": "./mine.py:Normed"}, "use LayerNorm, GroupNorm or RMSNorm"),
        ({"optimizer": "optax:lbfgs"}, "optax:lbfgs asks for 'grad' and 'value_fn' in an update"),
        ({"optimizer": "optax:lbfgs"}, "set linesearch: null and a learning_rate"),
        (
            {"optimizer": {"kind": "grouped", "matched": "optax:lbfgs", "rest": "adamw", "pattern": "out*"}},
            "grouped asks for 'grad' and 'value_fn'",
        ),
        (
            {"optimizer": "optax:polyak_sgd", "regularizers": [{"kind": "l1", "strength": 1}, {"kind": "sam"}]},
            "regularizers.1: sam takes the gradient at other parameters than the loss, and optax:polyak_sgd asks",
        ),
        (
            {"regularizers": [{"kind": "sam"}, {"kind": "clip"}, {"kind": "sam", "rho": 1}]},
            "regularizers.2: sam takes the gradient at other parameters, as sam (regularizers.0) does",
        ),
        ({"regularizers": ["./mine.py:Shrinking"]}, "regularizers.0: jitter must give arrays of the shapes"),
        ({"optimizer": "./mine.py:torn"}, "  second line of the message\n"),
        ({"optimizer": "./mine.py:torn"}, 'mine.py", line '),
        ({"optimizer": "./mine.py:undimensioned"}, "<class 'NoneType'>"),
        ({"optimizer": "./mine.py:undimensioned"}, "raised in optax/contrib/_muon.py, line "),
        ({"optimizer": "./mine.py:undimensioned"}, "in what was made by undimensioned: File "),
        (
            {"model": {"kind": "./mine.py:Net", "num_classes": 3}},
            "gives outputs [2, 3] for 2 examples, the task needs 7",
        ),
        ({"task": "./mine.py:lopsided"}, "got 3 inputs and 2 targets"),
        ({"task": {"kind": "./mine.py:given", "train_fraction": 0.3}}, "task.train_fraction: the train set is given"),
        ({"measure": {"what": ["./mine.py:another_fit"]}}, "gives 'train/loss', which fit gives too"),
        ({"measure": {"what": ["./mine.py:of_a_missing_layer"]}}, "measure.what: KeyError: 'absent'"),
        ({"measure": {"what": ["./mine.py:no_mapping"]}}, "measure.what: "),
        ({"measure": {"what": ["by_operation"]}}, "measure.what: by_operation needs tokens `x op y =`"),
        (
            {"task": {"kind": "./mine.py:line", "label_noise": 0.1}, "loss": "mse", "model": "mlp"},
            "these targets are no classes",
        ),
    ],
)
def test_a_user_part_that_does_not_fit_is_refused(small, folder, changes, message):
    with pytest.raises(SpecError) as caught:
        load({**small(), **changes}, folder=folder)
    assert message in str(caught.value)


def test_user_parts_can_be_swept_like_any_other(small, folder):
    mapping = small(
        model={"kind": "./mine.py:Net"},
        optimizer={"kind": "./mine.py:descent", "learning_rate": 0.1},
        regularizers=["./mine.py:ridge"],
        measure={"what": ["./mine.py:largest"]},
        axes={
            "optimizer.decay": [0.1, 0.2],
            "regularizers.0.strength": [0.1, {"linear": {"start": 0, "end": 1, "finish": 10}}],
            "model": ["./mine.py:Net", "mlp"],
            "model.sizes": [[2], [3, 3]],
        },
    )
    with pytest.raises(SpecError, match="value 2 of model does not take it"):
        load(mapping, folder=folder)
    del mapping["axes"]["model"]
    sweep = load(mapping, folder=folder)
    assert grid_orders(sweep)[sweep.num_runs - 1].run.model.sizes == (3, 3)
    assert sweep.points.columns()["model.sizes"].tolist()[:2] == ["[2]", "[3, 3]"]
    assert load(sweep.to_mapping()) == sweep


def test_an_edited_file_is_a_new_class(tmp_path):
    file = tmp_path / "opt.py"
    file.write_text("import optax\ndef f(learning_rate=0.1): return optax.sgd(learning_rate)\n")
    one = build_part("optimizers", "./opt.py:f", "optimizer", tmp_path)
    file.write_text("import optax\ndef f(learning_rate=0.2): return optax.sgd(learning_rate)\n")
    two = build_part("optimizers", "./opt.py:f", "optimizer", tmp_path)
    assert (one.learning_rate, two.learning_rate) == (0.1, 0.2)
    assert source_of(type(one)).sha256 != source_of(type(two)).sha256


HIDDEN = """
import optax
from grokjax.core.interfaces import Model, Optimizer
from grokjax.core.part import part, setting


@part
class Mine(Optimizer):
    groups: int = setting(2, "of parameters")

    def transform(self):
        return optax.sgd(0.1)


@part
class Silent(Optimizer):
    form: str = setting(about="without a default")

    def transform(self):
        return optax.sgd(0.1)
"""


def test_a_setting_that_hides_a_method_of_its_kind_is_refused(tmp_path):
    (tmp_path / "mine.py").write_text(HIDDEN)
    with pytest.raises(SpecError, match="has a setting 'groups', the name of a method of its kind; rename it"):
        build("optimizers", "Mine", tmp_path)


def test_a_setting_without_a_default_is_missing_whatever_the_contract_has(tmp_path):
    (tmp_path / "mine.py").write_text(HIDDEN)
    with pytest.raises(SpecError, match="form: missing"):
        build("optimizers", "Silent", tmp_path)
