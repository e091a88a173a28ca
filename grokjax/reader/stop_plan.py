"""When may a run end before its budget? Conditions on what is measured, each held for a while."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from grokjax.core.words import GROUPS
from grokjax.reader.errors import Collector, suggestion, wrong
from grokjax.reader.plans import LARGEST_STEPS, refuse_unknown
from grokjax.reader.values import check_bounds, read_float, read_int, read_text

UNSEEN = "unseen/accuracy"
"""Accuracy on the novel test examples, or on all of test when few are novel: what decides about generalization."""
AT_LOOKS = tuple(
    f"{group}/{name}" for group in ("train", "test", *GROUPS) for name in ("accuracy", "loss", "objective")
)
"""Measures that are known at every look; all others only at measured steps."""
TESTS = ("at_least", "below", "no_new")
_EXTREMES = ("lowest", "highest")
_SHARE_DIGITS = 3  # of a threshold of accuracy: counts are compared as whole numbers


@dataclasses.dataclass(frozen=True)
class StopRule:
    """A run ends once a condition has held at every look for max(steps, ratio * step at which it began to hold).

    Attributes:
      measure: name of a scalar, such as `test/loss`.
      test: `at_least` or `below` a value, or `no_new` extreme since the best one.
      value: what is compared with; for `no_new` 1 where the highest is the best, -1 where the lowest is.
      steps: least number of updates that it holds; None where it ends nothing.
      ratio: the same as a share of the step at which it began to hold.
    """

    measure: str
    test: str
    value: float
    steps: int | None = 0
    ratio: float = 0.0

    @property
    def is_share(self) -> bool:
        """Whether the measure is a number of right answers over a number of examples."""
        return self.measure.endswith("/accuracy") and (self.measure in AT_LOOKS or self.measure == UNSEEN)


@dataclasses.dataclass(frozen=True)
class StopPlan:
    """Runs end early: once they have generalized for a while, or when a condition of one's own has held.

    Attributes:
      steps: least number of updates after generalization; None where generalization ends nothing.
      ratio: further updates as a share of the step at which generalization began.
      audit: share of runs that go on to their budget all the same.
      at: share of the unseen examples that counts as generalized.
      when: further conditions, any of which ends a run.
    """

    steps: int | None = 300
    ratio: float = 0.5
    audit: float = 0.05
    at: float = 0.99
    when: tuple[StopRule, ...] = ()


def stop_rules(plan: StopPlan | None) -> tuple[StopRule, ...]:
    """Every condition of a sweep; that of generalization is always the first, also where it ends nothing."""
    steps, ratio, at, when = (
        (None, 0.0, StopPlan.at, ()) if plan is None else (plan.steps, plan.ratio, plan.at, plan.when)
    )
    return (StopRule(UNSEEN, "at_least", at, steps, ratio), *when)


def read_stop(value: Any) -> StopPlan | None:
    """`{after_grok: {steps: 300, ratio: 0.5, at: 0.99}, when: [...], audit: 0.05}`; None: every run to its budget."""
    if value is None:
        return None
    if isinstance(value, StopPlan):
        value = stop_to_plain(value)
    if not isinstance(value, Mapping):
        raise wrong("stop", "expected {after_grok: {steps: 300, ratio: 0.5}, audit: 0.05}", value)
    refuse_unknown(value, ("after_grok", "when", "audit"), "stop")
    if value.get("after_grok") is None and not value.get("when"):
        raise wrong("stop", "names no condition", hint="write after_grok: {steps: 300} or when: [{measure: ...}]")
    audit = read_float(value.get("audit", StopPlan.audit), "stop.audit")
    check_bounds(audit, "stop.audit", {"at_least": 0, "at_most": 1})
    when = _read_conditions(value.get("when", ()))
    if value.get("after_grok") is None:
        return StopPlan(steps=None, audit=audit, when=when)
    steps, ratio, at = _read_after_grok(value["after_grok"])
    return StopPlan(steps, ratio, audit, at, when)


def stop_to_plain(plan: StopPlan | None) -> dict[str, Any] | None:
    """What a sweep file would say."""
    if plan is None:
        return None
    plain: dict[str, Any] = {}
    if plan.steps is not None:
        plain["after_grok"] = {"steps": plan.steps, "ratio": plan.ratio}
        if plan.at != StopPlan.at:
            plain["after_grok"]["at"] = plan.at
    if plan.when:
        plain["when"] = [_condition_to_plain(rule) for rule in plan.when]
    return {**plain, "audit": plan.audit}


def _read_after_grok(margin: Any) -> tuple[int, float, float]:
    key = "stop.after_grok"
    if not isinstance(margin, Mapping):
        raise wrong(key, "expected a mapping such as {steps: 300, ratio: 0.5}", margin)
    refuse_unknown(margin, ("steps", "ratio", "at"), key)
    steps, ratio = _read_margin(margin, key, StopPlan.steps, StopPlan.ratio)
    return steps, ratio, _read_share(margin.get("at", StopPlan.at), f"{key}.at")


def _read_margin(mapping: Mapping[str, Any], key: str, steps: int | None, ratio: float) -> tuple[int, float]:
    least, share = (
        read_int(mapping.get("steps", steps), f"{key}.steps"),
        read_float(mapping.get("ratio", ratio), f"{key}.ratio"),
    )
    check_bounds(least, f"{key}.steps", {"at_least": 0, "at_most": LARGEST_STEPS})
    check_bounds(share, f"{key}.ratio", {"at_least": 0})
    return least, share


def _read_share(value: Any, key: str) -> float:
    share = read_float(value, key)
    check_bounds(share, key, {"above": 0, "at_most": 1})
    if round(share, _SHARE_DIGITS) != share:
        raise wrong(key, f"takes at most {_SHARE_DIGITS} decimals: right answers are compared as whole numbers", value)
    return share


def _read_conditions(value: Any) -> tuple[StopRule, ...]:
    if not isinstance(value, list | tuple):
        raise wrong("stop.when", "expected a list of conditions such as [{measure: test/loss, below: 0.01}]", value)
    problems, rules = Collector(), []
    for index, condition in enumerate(value):
        with problems.collecting():
            rules.append(_read_condition(condition, f"stop.when.{index}"))
    problems.finish()
    return tuple(rules)


def _read_condition(value: Any, key: str) -> StopRule:
    if not isinstance(value, Mapping):
        raise wrong(key, "expected a mapping such as {measure: test/loss, below: 0.01, steps: 300}", value)
    refuse_unknown(value, ("measure", *TESTS, "steps", "ratio"), key)
    if "measure" not in value:
        raise wrong(f"{key}.measure", "missing", hint="for example test/loss")
    measure = read_text(value["measure"], f"{key}.measure")
    tests = [test for test in TESTS if test in value]
    if len(tests) != 1:
        raise wrong(key, "needs one of at_least: VALUE, below: VALUE, no_new: lowest, no_new: highest")
    steps, ratio = _read_margin(value, key, 0, 0.0)
    rule = StopRule(measure, tests[0], 0.0, steps, ratio)
    return dataclasses.replace(rule, value=_read_compared(rule, value[tests[0]], f"{key}.{tests[0]}"))


def _read_compared(rule: StopRule, value: Any, key: str) -> float:
    """The number that a measure is compared with."""
    if rule.test == "no_new":
        if value not in _EXTREMES:
            raise wrong(key, "expected lowest or highest", value, suggestion(str(value), _EXTREMES))
        if not rule.steps and not rule.ratio:
            raise wrong(key.rpartition(".")[0], "needs steps: how long a run may go on without a new one")
        return 1.0 if value == "highest" else -1.0
    return _read_share(value, key) if rule.is_share else read_float(value, key)


def _condition_to_plain(rule: StopRule) -> dict[str, Any]:
    value: Any = rule.value if rule.test != "no_new" else "highest" if rule.value > 0 else "lowest"
    plain = {"measure": rule.measure, rule.test: value, "steps": rule.steps, "ratio": rule.ratio}
    return {name: item for name, item in plain.items() if name not in ("steps", "ratio") or item}
