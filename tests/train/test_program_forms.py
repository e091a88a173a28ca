"""Forms of a program are the same training: an update of each agrees to the rounding of float64."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.interfaces import Model
from grokjax.core.part import part
from grokjax.core.streams import stream
from grokjax.core.symbol_lookup import GATHER, ONE_HOT, looked_up_by, rows_at, sum_of_rows
from grokjax.models.factored import Factored
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.sgd import SGD
from grokjax.plan.forms import AT_ONCE, FIRST_FORMS, IN_BLOCKS, TABLE_ORDER, TRAIN_ORDER, Forms
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Curriculum, Minibatch, Precision, Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.executables import number_format
from grokjax.train.feed import Feed
from grokjax.train.mapping import over_lanes
from grokjax.train.program import run_of
from grokjax.train.step import init, step

MEASURE = MeasurePlan(every=Cadence("every", 10), looks=Cadence("every", 10), what=())
EXACT = 1e-11  # of the largest number: the same sums in another order
MODELS = {
    "mlp": MLP(width=6),
    "mlp of embeddings with dropout": MLP(width=6, encoding="concatenated", embedding=4, depth=2, dropout=0.3),
    "mlp of summed embeddings": MLP(width=6, encoding="summed", embedding=4, shared_embedding=False),
    "plain mlp": MLP(width=6, form="plain"),
    "factored": Factored(),
    "transformer": Transformer(width=8, heads=2, mlp_width=12, form="tables"),
    "merged transformer": Transformer(width=8, heads=2, mlp_width=12, form="merged"),
    "transformer of two layers with dropout": Transformer(width=8, heads=2, mlp_width=12, layers=2, dropout=0.2),
}
WHOLE = Forms(ONE_HOT, TABLE_ORDER, AT_ONCE)
QUICK = ("mlp", "mlp of summed embeddings", "plain mlp", "merged transformer")


def run_with(**fields) -> Run:
    task = ModularArithmetic(modulus=7, train_fraction=0.6, label_noise=0.2)
    run = Run(task=task, model=MODELS["mlp"], optimizer=SGD(learning_rate=0.1), precision=Precision(params="float64"))
    return dataclasses.replace(run, **fields)


def after_an_update(runs: list[Run], *several: Forms):
    """Parameters [run, ...] and loss [run] of some runs side by side, for each of several forms."""
    signature = runs[0].task.signature()
    feed = Feed(runs[0], signature, [run.task for run in runs], MEASURE, None, 10)
    program = feed.program(len(runs), len(runs))
    values = [feed.values(run, table) for table, run in enumerate(runs)]
    with number_format(program):
        tables = jax.tree.map(jnp.asarray, feed.tables)
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *values)
        begin = jax.jit(over_lanes(lambda values: init(program, values, tables), len(runs)))
        data, state = begin(stacked)
    for forms in several:
        formed = dataclasses.replace(program, forms=forms)

        def update(leaves, data, state, program=formed):
            return step(program, run_of(program, leaves), data, state, tables, 1)

        with number_format(formed):
            after = jax.jit(over_lanes(update, len(runs)))(stacked.leaves, data, state)
        yield after.params, after.loss


def assert_same_training(runs: list[Run], forms: Forms) -> None:
    assert forms != FIRST_FORMS
    plain, other = after_an_update(runs, FIRST_FORMS, forms)
    largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(plain))
    for one, two in zip(jax.tree.leaves(plain), jax.tree.leaves(other), strict=True):
        assert one.dtype == jnp.float64
        np.testing.assert_allclose(one, two, rtol=0, atol=EXACT * largest)


@pytest.mark.parametrize("forms", [Forms(ONE_HOT), Forms(walk=TABLE_ORDER), Forms(walk=TABLE_ORDER, sum=AT_ONCE)])
def test_each_form_trains_the_same(forms: Forms) -> None:
    assert_same_training([run_with(model=MODELS["mlp of embeddings with dropout"])], forms)


@pytest.mark.parametrize("name", QUICK)
def test_products_and_masks_train_the_same_for_every_network(name: str) -> None:
    assert_same_training([run_with(model=MODELS[name])], WHOLE)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(MODELS) - set(QUICK)))
def test_products_and_masks_train_the_same_for_larger_networks(name: str) -> None:
    assert_same_training([run_with(model=MODELS[name])], WHOLE)


def test_a_minibatch_of_one_block_trains_the_same_at_once() -> None:
    run = run_with(minibatch=Minibatch(at_most=20, share=0.7))
    assert_same_training([run], Forms(sum=AT_ONCE))


def test_tables_of_their_own_train_the_same() -> None:
    runs = [run_with(task=ModularArithmetic(modulus=7, operation=name, train_fraction=0.5)) for name in ("x+y", "x-y")]
    assert_same_training(runs, WHOLE)


@part
class ExplodesAt(Model):
    """Outputs are its parameters, times infinity at one example."""

    operands: tuple[int, ...] = (0, 0)

    def init(self, key, signature):
        return {"row": jnp.arange(1.0, 1.0 + signature.num_classes)}

    def logits(self, prepared, inputs, signature, key):
        is_it = jnp.all(inputs[:, signature.operands] == jnp.asarray(self.operands)[None], axis=1)
        return jnp.where(is_it, jnp.inf, 1.0)[:, None] * prepared["row"][None]


def test_an_example_that_is_not_trained_on_may_overflow() -> None:
    task = ModularArithmetic(modulus=5, train_fraction=0.6)
    signature = task.signature()
    keys = {purpose: stream(0, purpose) for purpose in ("split", "label")}
    table, counts = task.table(), task.counts(signature)
    split = task.split(signature, jnp.asarray(table.targets), jnp.asarray(table.mirror), counts, keys)
    for place, is_trained in ((0, True), (counts.n_train, False)):
        example = np.asarray(table.inputs)[int(split.order[place])]
        operands = tuple(int(example[operand]) for operand in signature.operands)
        run = run_with(task=task, model=ExplodesAt(operands=operands))
        plain, masked = after_an_update([run], FIRST_FORMS, WHOLE)
        for params, loss in (plain, masked):
            assert np.isfinite(params["row"]).all() == np.isfinite(loss).all() == (not is_trained)


def test_a_symbol_that_a_table_lacks_has_no_row() -> None:
    table, symbols = jnp.arange(6.0).reshape(3, 2), jnp.asarray([[0, 2], [3, 1], [1, 1]])
    for lookup in (GATHER, ONE_HOT):
        with looked_up_by(lookup):
            rows, sums = rows_at(table, symbols[:, 0]), sum_of_rows([table, 10 * table], symbols)
        assert np.isnan(rows[1]).all() and np.isnan(sums[1]).all()
        np.testing.assert_array_equal(rows[::2], [[0, 1], [2, 3]])
        np.testing.assert_array_equal(sums[::2], [[40, 51], [22, 33]])


def forms_chosen(run: Run, lanes: int = 4) -> Forms:
    feed = Feed(run, run.task.signature(), [run.task], MEASURE, None, 10)
    return feed.program(lanes, lanes).forms


def test_an_accelerator_walks_a_table_that_fits_a_block_and_gathers_from_longer_ones() -> None:
    assert forms_chosen(run_with()) == WHOLE
    assert forms_chosen(run_with(task=ModularArithmetic(modulus=31))) == WHOLE
    assert forms_chosen(run_with(task=ModularArithmetic(modulus=37))) == Forms(ONE_HOT, TRAIN_ORDER, IN_BLOCKS)
    assert forms_chosen(run_with(curriculum=Curriculum(stages=(6, 10)))) == Forms(ONE_HOT, TRAIN_ORDER, IN_BLOCKS)
    assert forms_chosen(run_with(minibatch=Minibatch(at_most=8))) == Forms(ONE_HOT, TRAIN_ORDER, AT_ONCE)


def test_a_cpu_gathers_and_adds_up_all_but_minibatches_of_one_block() -> None:
    large = ModularArithmetic(modulus=37)
    assert forms_chosen(run_with(), lanes=1) == Forms(GATHER, TRAIN_ORDER, IN_BLOCKS)
    assert forms_chosen(run_with(task=large, minibatch=Minibatch(at_most=256)), lanes=1).sum == AT_ONCE
    assert forms_chosen(run_with(task=large, minibatch=Minibatch(at_most=257)), lanes=1).sum == IN_BLOCKS
    with_products_of_its_own = run_with(task=large, model=Factored(), minibatch=Minibatch(at_most=129))
    assert forms_chosen(with_products_of_its_own, lanes=1).sum == IN_BLOCKS


def test_a_program_that_has_trained_keeps_its_forms() -> None:
    run = run_with()
    feed = Feed(run, run.task.signature(), [run.task], MEASURE, None, 10)
    stored = feed.program(4, 4).facts()
    assert feed.program(4, 4, stored).forms == WHOLE
    of_before = {name: fact for name, fact in stored.items() if name not in Forms._fields}
    assert feed.program(4, 4, of_before).forms == FIRST_FORMS
