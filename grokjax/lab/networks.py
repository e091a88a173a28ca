"""Looking into stored networks: parameters, data, outputs and activations of a run, on its own data or on others."""

import contextlib
import functools
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Model, Params, Signature, Split
from grokjax.lab.initial_params import initial_params_of
from grokjax.lab.replaying import replay
from grokjax.orders.order import Order
from grokjax.reader.errors import suggestion
from grokjax.reader.run import Run
from grokjax.reader.sweep import Sweep
from grokjax.results.orders_given import orders_given
from grokjax.results.stored_params import flat_stored_params, nested_params
from grokjax.results.stored_sweep import refuse_changed_sources, stored_sweep, sweep_for_reading
from grokjax.store.committed import read_spec
from grokjax.store.layout import StoreError, UnknownRunError
from grokjax.store.records import flat_params
from grokjax.train.centred import centred
from grokjax.train.executables import number_format
from grokjax.train.feed import Feed
from grokjax.train.program import Tables, Values, run_of
from grokjax.train.step import data_of


class Networks:
    """The networks of one sweep's folder."""

    def __init__(self, root: Path):
        self.root = root

    @functools.cached_property
    def sweep(self) -> Sweep:
        """The sweep without its measures, on which no stored run depends."""
        return sweep_for_reading(self.root)

    @functools.cached_property
    def _orders(self) -> dict[str, Order]:
        """By run id."""
        return {order.run_id: order for orders in orders_given(self.root, self.sweep) for order in orders}

    def run(self, name: str) -> Run:
        """The run with an id."""
        if name not in self._orders:
            refuse_changed_sources(self.root, read_spec(self.root), self.sweep)
            raise UnknownRunError(f"{self.root}: no run {name!r}; {suggestion(name, self._orders)}")
        return self._orders[name].run

    def params(self, name: str, step: int = -1) -> Params:
        """Flax variables after `step` updates, -1 for the last; trained again, with a warning, if they are not stored.

        Raises:
          StoreError: the run was not trained that far.
        """
        with contextlib.suppress(StoreError):
            return nested_params(flat_stored_params(self.root, name, None if step < 0 else step))
        result = replay(self.root, stored_sweep(self.root), name, None if step < 0 else step)
        if step >= 0 and result.steps != step:
            raise StoreError(f"{self.root}: run {name} ends after {result.steps} updates, so there is no step {step}.")
        equal = "equal to" if result.is_equal else f"not equal (first at {result.first_difference}) to"
        warnings.warn(
            f"run {name}: no parameters are stored after {result.steps} updates, so it was trained again to there; its "
            f"history is {equal} the stored one.",
            stacklevel=3,
        )
        return nested_params(flat_params(result.lane.state.params))

    def model(self, name: str) -> Model:
        """The model part of a run; of a centred one, with the initial parameters whose outputs are subtracted."""
        run = self.run(name)
        if not run.model.subtracts_start():
            return run.model
        feed = self._feed(run)
        values, program = feed.values(run, 0, initial_params_of(run)), feed.program(1, 1)

        def start_of(values: Values, tables: Tables) -> Params:
            return data_of(program, run_of(program, values.leaves), values, tables).initial

        with number_format(program):
            return centred(run, jax.jit(start_of)(values, feed.tables)).model

    def signature(self, name: str) -> Signature:
        """What the model must know of the run's task."""
        return self.run(name).task.signature()

    def dataset(self, name: str) -> dict[str, np.ndarray]:
        """The whole table and how the run's seeds split it.

        Returns:
          `inputs` [example, ...], `targets` [example, ...] true ones, `labels` [example, ...] as given to the learner,
          `group` [example] position in `core.interfaces.GROUPS`, `train_index` [train example] in train order.
        """
        run = self.run(name)
        feed = self._feed(run)
        values = feed.values(run, 0, initial_params_of(run))
        program = feed.program(1, 1)

        def split_of(values: Values, tables: Tables) -> Split:
            return data_of(program, run_of(program, values.leaves), values, tables).split

        with number_format(program):
            split = jax.tree.map(np.array, jax.jit(split_of)(values, feed.tables))
        return {
            "inputs": feed.tables.inputs[0],
            "targets": feed.tables.targets[0],
            "labels": split.labels,
            "train_index": split.order[: int(values.counts.n_train)],
            "group": split.group,
        }

    def logits(self, name: str, inputs: Any = None, step: int = -1) -> np.ndarray:
        """Outputs [example, class], without noise or dropout.

        Args:
          inputs: [example, ...]; None for the whole table.
        """
        run, model, params = self.run(name), self.model(name), self.params(name, step)
        signature = run.task.signature()

        def outputs(params: Params, rows: jax.Array) -> jax.Array:
            return model.logits(model.prepare(params, signature), rows, signature, None)

        with self._formats(run):
            return np.array(jax.jit(outputs)(params, _rows(run, inputs)))

    def activations(self, name: str, module: str, inputs: Any = None, step: int = -1) -> dict[str, np.ndarray]:
        """What Flax modules return, by their path, without noise or dropout.

        Args:
          module: words of a path: `mlp` takes `layer_0/mlp` and everything inside; empty for all modules.
          inputs: [example, ...]; None for the whole table.

        Returns:
          `path` -> [example, ...]; further calls of a module are `path#1`, `path#2`, ...

        Raises:
          ValueError: no module has such a path, or the model is not a linen module.
        """
        run, params = self.run(name), self.params(name, step)
        captured = partial(run.model.captured, signature=run.task.signature())
        with self._formats(run):
            outputs = jax.tree.map(np.array, jax.jit(captured)(params, _rows(run, inputs)))
        if not outputs:
            raise ValueError(
                f"activations are captured from linen modules, and model {run.model.kind} is none; use logits"
            )
        chosen = {path: values for path, values in outputs.items() if f"/{module}/".replace("//", "/") in f"/{path}/"}
        if not chosen:
            raise ValueError(f"run {name} has no module {module!r}; {suggestion(module, outputs)}")
        return chosen

    def evaluate(self, name: str, inputs: Any, targets: Any, step: int = -1) -> dict[str, float]:
        """Mean of the loss that was trained, without penalties, and share of right answers.

        Args:
          inputs: [example, ...].
          targets: [example, ...].
        """
        run = self.run(name)
        outputs, signature = self.logits(name, inputs, step), run.task.signature()
        wanted = np.asarray(targets, signature.target_dtype)
        if wanted.shape != (len(outputs), *signature.target_shape):
            raise ValueError(f"targets have shape {wanted.shape}, not {(len(outputs), *signature.target_shape)}")
        with self._formats(run):
            loss = run.loss.loss(jnp.asarray(outputs), jnp.asarray(wanted))
            correct = run.task.correct(jnp.asarray(outputs), jnp.asarray(wanted))
        return {
            "loss": float(np.mean(np.asarray(loss, np.float64))),
            "accuracy": float(np.mean(np.asarray(correct))),
        }

    def _feed(self, run: Run) -> Feed:
        return Feed(run, run.task.signature(), [run.task], self.sweep.measure, None, self.sweep.steps)

    @contextlib.contextmanager
    def _formats(self, run: Run) -> Iterator[None]:
        with number_format(self._feed(run).program(1, 1)):
            yield


def _rows(run: Run, inputs: Any) -> np.ndarray:
    """[example, ...] in the task's number format, refused when one example has another shape."""
    signature = run.task.signature()
    rows = run.task.table().inputs if inputs is None else np.asarray(inputs, signature.input_dtype)
    if rows.shape[1:] != signature.input_shape:
        raise ValueError(f"inputs have shape {rows.shape}, not [example] with {list(signature.input_shape)} each")
    return rows
