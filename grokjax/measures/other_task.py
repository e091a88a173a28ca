"""What does a network know of another task? Of the one that it was trained on before: what is not forgotten."""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, Task, View
from grokjax.core.part import part, setting


@part
class OtherTask(Measure):
    """`other_task/accuracy`: share of all examples of another task, train and test, that the network answers right.

    The task must have inputs and answers of the shapes that the run's own has; how it is split does not matter. In a
    run that starts from a stored one (`init:`), the task of that run shows how much of it is forgotten.
    """

    paper = "none: accuracy as everywhere, on another task"

    task: Task = setting(about="the other task, as under `task:`")

    def measure(self, view: View) -> dict[str, jax.Array]:
        own, other = view.signature, self.task.signature()
        for name in ("input_shape", "input_dtype", "target_shape", "num_classes", "vocabulary", "operands"):
            if getattr(own, name) != getattr(other, name):
                has, needs = getattr(other, name), getattr(own, name)
                raise ValueError(
                    f"measure.what: other_task has {name.replace('_', ' ')} {has}, the network's is {needs}"
                )
        table = self.task.table()
        outputs = view.apply(view.params, jnp.asarray(table.inputs))
        is_right = self.task.correct(outputs, jnp.asarray(table.targets))
        return {"other_task/accuracy": jnp.mean(is_right.astype(jnp.float32))}
