"""Values that change with the step. Any swept field that is read during training accepts one, with swept ends.

In a sweep file: `dropout: {linear: {start: 0.2, end: 0.0, begin: 0, finish: 1000}}`.
"""

from typing import TypeVar

import jax
import jax.numpy as jnp

from grokjax.core.part import Part, Swept, part, setting

Tree = TypeVar("Tree")


class Schedule(Part):
    """A swept value as a function of the step."""

    def at(self, step: jax.Array) -> jax.Array:
        """Value at `step` (number of updates done so far); float32 scalar. May be traced."""
        raise NotImplementedError


@part
class Linear(Schedule):
    """`start` until step `begin`, `end` from step `finish`, a straight line between."""

    start: Swept = setting(about="value up to step begin")
    end: Swept = setting(about="value from step finish")
    begin: Swept = setting(0.0, "first step of the ramp", unit="steps", at_least=0)
    finish: Swept = setting(about="last step of the ramp", unit="steps", at_least=0)

    def at(self, step: jax.Array) -> jax.Array:
        length = jnp.maximum(self.finish - self.begin, 1.0)
        share = jnp.clip((step - self.begin) / length, 0.0, 1.0)
        return self.start + share * (self.end - self.start)


@part
class Cosine(Schedule):
    """`start` until step `begin`, `end` from step `finish`, half a cosine between."""

    start: Swept = setting(about="value up to step begin")
    end: Swept = setting(about="value from step finish")
    begin: Swept = setting(0.0, "first step of the ramp", unit="steps", at_least=0)
    finish: Swept = setting(about="last step of the ramp", unit="steps", at_least=0)

    def at(self, step: jax.Array) -> jax.Array:
        length = jnp.maximum(self.finish - self.begin, 1.0)
        share = jnp.clip((step - self.begin) / length, 0.0, 1.0)
        return self.end + (self.start - self.end) * 0.5 * (1.0 + jnp.cos(jnp.pi * share))


@part
class Switch(Schedule):
    """`before` up to step `at_step`, `after` from there on (decay switched on late, for example)."""

    before: Swept = setting(0.0, "value before the switch")
    after: Swept = setting(about="value from step at_step on")
    at_step: Swept = setting(about="step of the switch", unit="steps", at_least=0)

    def at(self, step: jax.Array) -> jax.Array:
        return jnp.where(step < self.at_step, self.before, self.after)


SCHEDULES = {cls.kind: cls for cls in (Linear, Cosine, Switch)}


def at_step(tree: Tree, step: jax.Array) -> Tree:
    """Replace every schedule in a tree of parts by its value at `step`."""

    def is_schedule(node: object) -> bool:
        return isinstance(node, Schedule)

    return jax.tree.map(lambda node: node.at(step) if is_schedule(node) else node, tree, is_leaf=is_schedule)
