"""All contracts on one page: what a task, model, loss, optimizer, regularizer, measure and probe must offer.

Shapes are written without the run axis: every method is for ONE run, and `train/mapping.py` maps it over runs.
Axis words: example, token, width, head, class. Everything that is called inside a compiled program says "traced".
"""

import dataclasses
import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax

from grokjax.core.examples import GIVEN as GIVEN
from grokjax.core.examples import Counts as Counts
from grokjax.core.examples import Signature as Signature
from grokjax.core.examples import Split as Split
from grokjax.core.examples import Table as Table
from grokjax.core.first_largest import first_largest as first_largest
from grokjax.core.fixed_product import LONGEST
from grokjax.core.part import Part
from grokjax.core.weight_graph import WeightGraph as WeightGraph
from grokjax.core.words import GROUPS as GROUPS

Params = Any  # nested dict of float arrays


class Task(Part):
    """A finite table of examples, split into train and test."""

    @abstractmethod
    def table(self) -> Table:
        """All examples. Called once on the host; must not read swept fields."""

    @abstractmethod
    def signature(self) -> Signature:
        """What a program must know of this task."""

    @abstractmethod
    def counts(self, signature: Signature) -> Counts:
        """Sizes of the split, on the host, from the exact decimals of the sweep file."""

    @abstractmethod
    def split(
        self, signature: Signature, targets: jax.Array, mirror: jax.Array, counts: Counts, keys: dict[str, jax.Array]
    ) -> Split:
        """Split the table, traced.

        Args:
          signature: of this task.
          targets: [example, ...] of the table.
          mirror: [example] of the table.
          counts: int32 scalars.
          keys: one key each under "split" and "label".
        """

    def stated_train_fraction(self) -> float | None:
        """Share of the table that is trained on, by the setting of that name; None without one."""
        return getattr(self, "train_fraction", None)

    def stated_label_noise(self) -> float:
        """Share of train labels that are drawn anew, by the setting of that name; NaN without one."""
        return float(getattr(self, "label_noise", math.nan))

    def correct(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        """Which examples are answered right: [example] bool, from outputs [example, class]; traced.

        Of several answers [example, answer, class] all must be right.
        """
        is_right = first_largest(outputs) == targets
        return jnp.all(is_right, axis=tuple(range(1, is_right.ndim)))


class Model(Part):
    """A parametrised function of one example. Pure: parameters come in, outputs go out."""

    @abstractmethod
    def init(self, key: jax.Array, signature: Signature) -> Params:
        """Initial parameters, a nested dict of float arrays; traced."""

    def prepare(self, params: Params, signature: Signature) -> Any:
        """What no example enters, computed once a step instead of once an example; a pytree of floats; traced."""
        return params

    def form_asked(self) -> str:
        """In which of its equal forms it is asked to be computed, by the setting `form`; empty without one."""
        return getattr(self, "form", "")

    def form_used(self, signature: Signature) -> str:
        """The form in which it is computed on such a task, which need not be the one asked for."""
        return ""

    def subtracts_start(self) -> bool:
        """Whether a run trains its outputs minus those of its initial parameters; see `train/centred.py`."""
        return False

    def rows_per_example(self, signature: Signature) -> int:
        """Rows that an example adds to a matrix product: its tokens, where each goes through the layers by itself."""
        return 1 if signature.vocabulary is None else signature.input_shape[0]

    def longest_sum(self, signature: Signature) -> int:
        """Rows over which gradients may be summed on a CPU without bits that hang on the number of its threads.

        Products that XLA splits stay whole up to `fixed_product.LONGEST` rows, those by `fixed_product.rows_product`
        at any length. A minibatch of at most so many rows is one block.
        """
        return LONGEST

    @abstractmethod
    def logits(self, prepared: Any, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        """Outputs [example, class] of inputs [example, ...]; traced.

        Args:
          prepared: what `prepare` returned.
          inputs: a block of examples.
          signature: of the task. Where it has several answers, outputs are [example, answer, class].
          key: [example] keys for dropout, so that a mask does not depend on the other examples of the block; None when
            measuring (then nothing is dropped).
        """

    def activations(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        """What the network computes on the way to its outputs, by name [example, ...]; without dropout, traced.

        `units` are hidden units behind their activation function, [example, unit] or with more axes, `stream` what a
        layer hands on, `weights` those of attention, [example, head, query, key]; numbered or inside a layer, such as
        `units_1` and `layer_0/mlp/units`. A model that names nothing is measured from outside only.
        """
        return {}

    def captured(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        """What each module inside returns, by its path [example, ...]; empty for a network that is no linen module."""
        return {}

    def weight_graphs(self, params: Params, signature: Signature) -> tuple[WeightGraph, ...]:
        """What joins its hidden units, front to back, on the host from NumPy arrays; none without layers of units."""
        return ()


class Loss(Part):
    """What is minimised, example by example."""

    @abstractmethod
    def loss(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        """[example] float32, from outputs [example, class] and targets [example, ...]; traced."""


class Optimizer(Part):
    """An optax transformation with swept settings."""

    @abstractmethod
    def transform(self) -> optax.GradientTransformation:
        """Built anew inside the trace from the (possibly scheduled) settings; `init` and `update` see one run.

        Do not use optax schedules with swept horizons: they refuse traced values.
        """

    def decayed(self, params: Params) -> Params:
        """On which parameters weight decay acts, if there is any: a tree like them of bool, or of one for each part."""
        return jax.tree.map(lambda leaf: True, params)

    def groups(self) -> dict[str, str]:
        """Parameters in words -> the field whose optimizer updates them, empty for this one; none if it updates all."""
        return {}


class Regularizer(Part):
    """Any of: other parameters to take the gradient at, penalties, a change of the gradient, one after the update.

    All parameters of a run come together. `key` is a new one at each step, the same for each method of a part.
    """

    def perturb(self, params: Params, key: jax.Array, step: jax.Array) -> Params:
        """Parameters at which loss, penalties and gradient of an update are taken; it moves the stored ones; traced."""
        return params

    def ascend(self, params: Params, gradient: Params) -> Params:
        """Parameters at which the gradient of the loss is taken again, for the update; one part of a run may; traced.

        Penalties keep their gradient at `params`. The loss of an update stays the first one.
        """
        return params

    def penalty(self, params: Params, key: jax.Array, step: jax.Array) -> jax.Array | float:
        """Scalar added to the mean loss; traced."""
        return 0.0

    def output_penalty(
        self, outputs: jax.Array, network: Callable[[jax.Array], jax.Array], inputs: jax.Array, signature: Signature
    ) -> jax.Array | float:
        """[example] added to the loss of each example of an update; traced. `ascend` takes it for part of the loss.

        Args:
          outputs: [example, class] that the loss reads.
          network: function (inputs [example, ...]) -> outputs, of as many examples and with the same dropout masks.
          inputs: [example, ...] of a block of the train set.
          signature: of the task; static, so a part may refuse a task by a ValueError.
        """
        return 0.0

    def gradient(self) -> optax.GradientTransformation:
        """Applied to the gradient before the optimizer."""
        return optax.identity()

    def jitter(self, params: Params, key: jax.Array, step: jax.Array) -> Params:
        """Applied to the parameters after the update, for noise that stays; traced."""
        return params

    def project(self, params: Params) -> Params:
        """Applied to the parameters after the update and jitter; traced."""
        return params

    def has(self, method: str) -> bool:
        """Whether this part has such a method of its own; programs leave out what no part has."""
        return getattr(type(self), method) is not getattr(Regularizer, method)


@dataclasses.dataclass(frozen=True)
class View:
    """What a measure may look at: one run at one step. Nothing is computed unless it is asked for; traced.

    Attributes:
      params: parameters after `step` updates.
      opt_state: state of the optimizer.
      step: updates done, int32 scalar.
      split: the run's data.
      inputs: [example, ...] of the whole table.
      targets: [example, ...] true targets of the whole table.
      n_train: int32 scalar.
      apply: function (parameters, inputs [example, ...]) -> [example, class], the network without dropout.
      train_loss: function (parameters) -> scalar, mean loss over the whole train set: labels as given, no dropout, no
        penalties.
      initial_params: function () -> parameters before the first update.
      fit: `group/name` -> scalar, what `measures/fit.py` gives at this step.
      signature: of the task; static, so a measure may refuse a task by it.
      loss: function (outputs [example, class], targets [example, ...]) -> [example], the trained loss, no penalties.
      inside: function (parameters, inputs [example, ...], word) -> name -> [example, ...], see `activations`.
      memorized_params: function () -> parameters at the first look at which 99 % of the clean train examples
        are right; NaN before. ValueError for a measure that does not say so by `compares_with_memorized`.
    """

    params: Params
    opt_state: Any
    step: jax.Array
    split: Split
    inputs: jax.Array
    targets: jax.Array
    n_train: jax.Array
    apply: Callable[[Params, jax.Array], jax.Array]
    train_loss: Callable[[Params], jax.Array]
    initial_params: Callable[[], Params]
    fit: dict[str, jax.Array]
    signature: Signature
    loss: Callable[[jax.Array, jax.Array], jax.Array]
    inside: Callable[[Params, jax.Array, str], dict[str, jax.Array]]
    memorized_params: Callable[[], Params]

    def logits(self) -> jax.Array:
        """Outputs [example, class] of these parameters on these inputs, the whole table."""
        return self.apply(self.params, self.inputs)

    def gradient(self) -> Params:
        """Gradient of `train_loss` at these parameters, a tree like them; neither clipped nor scaled."""
        return jax.grad(self.train_loss)(self.params)

    def activations(self, word: str, inputs: jax.Array | None = None) -> dict[str, jax.Array]:
        """Those of `Model.activations` that a word names, in order: `units` takes `units_0` and `layer_1/mlp/units`.

        Of the whole table unless inputs are given. ValueError where the model names none.
        """
        return self.inside(self.params, self.inputs if inputs is None else inputs, word)

    def spread_rows(self, count: int) -> np.ndarray:
        """At most so many rows of the table, spread evenly over it: [row] int, the same at every step."""
        total = self.signature.num_examples
        return np.arange(min(count, total)) * total // min(count, total)


class Measure(Part):
    """One thing to look at."""

    @abstractmethod
    def measure(self, view: View) -> dict[str, jax.Array]:
        """Named arrays of fixed shape, float32 or int32, without the run axis; names are `group/name`; traced."""

    def compares_with_memorized(self) -> bool:
        """Whether it reads `View.memorized_params`; each lane then keeps its parameters twice."""
        return False


class TrainLoss(Protocol):
    """Mean cross-entropy of parameters over the whole train set."""

    def __call__(self, params: Params, at_most: float = float("inf")) -> float:
        """In nats, labels as given, no dropout; infinity as soon as it is sure to be above `at_most`.

        Raises:
          ValueError: the task has no classes.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Network:
    """What a probe may look at, on the host: a stored network, one run after `step` updates.

    The functions take any parameters of the same shapes, are compiled once for all snapshots of a cohort, and may be
    called from several threads at once. Those that say "traced" are also pytrees: what a probe compiles takes them as
    arguments, so that it too is compiled once.

    Attributes:
      params: nested dict of NumPy arrays.
      step: updates done.
      n_train: examples of the train set.
      signature: of the task.
      train_loss: what these or other parameters lose on the train set.
      fit: function (parameters) -> `group/name` -> number, what `measures/fit.py` gives of the whole table.
      cores: threads that may work side by side.
      model: of the network, with its settings as numbers.
      inputs: [example, ...] of the whole table.
      split: the run's data, as NumPy arrays.
      apply: function (parameters, inputs [example, ...]) -> [example, class], the network without dropout; traced.
      loss: function (outputs [example, class], labels [example, ...]) -> [example], the trained loss; traced.
      key: of the run, for what a probe draws.
    """

    params: Params
    step: int
    n_train: int
    signature: Signature
    train_loss: TrainLoss
    fit: Callable[[Params], dict[str, np.ndarray]]
    cores: int
    model: Model
    inputs: np.ndarray
    split: Split
    apply: Callable[[Params, Any], jax.Array]
    loss: Callable[[jax.Array, Any], jax.Array]
    key: jax.Array


class Probe(Part):
    """One thing to compute from a stored network, by any means and in any time: it never runs while networks train."""

    @abstractmethod
    def probe(self, network: Network) -> dict[str, Any]:
        """Named float or int arrays on the host, of the same shapes for all networks; names are `group/name`.

        NaN, or -1 in whole numbers, stands for no value. ValueError("measure.what: NAME needs ...") where it makes no
        sense.
        """

    def check_task(self, signature: Signature) -> None:
        """Refuse, by such a ValueError, a task of which it makes no sense; asked before anything is trained."""
