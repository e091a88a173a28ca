"""Is a dear measure told apart from a cheap one, and does a call itself count for nothing?"""

import jax
import jax.numpy as jnp
import pytest

from grokjax.core.interfaces import Measure
from grokjax.core.part import part, setting
from grokjax.measures.fit import Fit
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.devices import choose_pools
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.measure_cost import measure_seconds


@part
class Powers(Measure):
    """A matrix multiplied by itself many times: the time is in proportion."""

    times: int = setting(1)

    def measure(self, view):
        matrix = jnp.full((256, 256), 1e-3) + view.step
        return {f"power/{self.times}": jax.lax.fori_loop(0, self.times, lambda _, power: power @ matrix, matrix).sum()}


@pytest.mark.parametrize("lanes", [1, 2])
def test_seconds_are_in_proportion_to_the_work_of_a_measure(lanes):
    run = Run(task=ModularArithmetic(modulus=7), model=MLP(width=8), optimizer=AdamW())
    every, what = Cadence("every", 5), (Fit(), Powers(times=1), Powers(times=400), Powers(times=2))
    feed = Feed(run, run.task.signature(), [run.task], MeasurePlan(every, every, what), None, 5)
    pool, values = choose_pools("cpu", "map")[0], feed.values(run)
    compiled = Traced(feed.program(lanes, lanes), pool).compile([pool], values, feed.tables, feed.schedule)[0]
    seconds = measure_seconds(compiled, values)
    assert list(seconds) == ["powers", "powers 2", "powers 3"]
    assert seconds["powers 2"] > 20 * seconds["powers"] and seconds["powers 2"] > 20 * seconds["powers 3"]
    assert seconds["powers 2"] > 400 * 2 * 256**3 / 1e13  # no processor core does as many sums in a second
