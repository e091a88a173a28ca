"""Under which scientific choices will a sweep run? Read from the parts that its runs really hold, axis by axis."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from grokjax.analysis.chance import fewest_seeds
from grokjax.analysis.rules import RULES, find_rule
from grokjax.core.interfaces import Optimizer
from grokjax.core.part import Part
from grokjax.plan.plan import Plan
from grokjax.reader.axes import Axis
from grokjax.reader.build import settings_of
from grokjax.reader.plans import rule_to_plain
from grokjax.reader.run import Run
from grokjax.reader.shown_values import shown_value
from grokjax.reader.stop_plan import UNSEEN, StopRule, stop_rules
from grokjax.reader.user_parts import source_of
from grokjax.report.wording import number_text
from grokjax.train.products import is_emulated

_MOST_LINES = 8
_LEVEL = 0.95  # of the verdicts on claims
Ranges = dict[str, np.ndarray]  # path of an axis -> the values that it takes


def scientific_choices(plan: Plan) -> list[tuple[str, str]]:
    """What a reader of the results must know: (topic, choice) pairs, one for each part that some runs have."""
    sweep, rule = plan.sweep, find_rule(rule_to_plain(plan.sweep.rule))
    kinds = _kinds(plan)

    def each(topic: str, text_of: Callable[[Run, Ranges], str]) -> list[tuple[str, str]]:
        return _some_lines(topic, [text_of(kind.run, kind.ranges) for kind in kinds])

    others = ", ".join(other for other in RULES if other != rule.name)
    return [
        ("phase rule", f"{rule.title}: {rule.about}; other rules relabel without training ({others})"),
        *each("losses", lambda run, ranges: _loss(run, ranges)),
        ("stopping", _stopping(plan)),
        *_some_lines("decay", [_decay(plan, kind) for kind in kinds]),
        *each("optimizer", lambda run, ranges: part_text(run.optimizer, "optimizer", ranges)),
        *each("model", lambda run, ranges: part_text(run.model, "model", ranges)),
        *_some_lines("form", _forms(plan)),
        *each("task", lambda run, ranges: part_text(run.task, "task", ranges)),
        *_some_lines("regularizer", [text for kind in kinds for text in _regularizers(kind.run, kind.ranges)]),
        *each("minibatch", _minibatch),
        *(
            []
            if all(kind.run.curriculum is None for kind in kinds)
            else each("curriculum", lambda run, _: _curriculum(run))
        ),
        *each("precision", lambda run, ranges: _precision(run, plan.platform)),
        *(
            each("start", lambda run, ranges: shown_value(run.init, "init"))
            if any(kind.run.init for kind in kinds)
            else []
        ),
        ("seeds", _seeds(plan)),
        *([("claims", _claims(plan))] if sweep.claims else []),
    ]


@dataclasses.dataclass(frozen=True)
class _Kind:
    """Runs that hold the same parts, up to settings that are axes by themselves.

    Attributes:
      run: one of them.
      cells: [cell] bool, which cells of the planned orders they are.
      ranges: by the path of an axis, the values that it takes there.
    """

    run: Run
    cells: np.ndarray
    ranges: Ranges


def _kinds(plan: Plan) -> list[_Kind]:
    """The different parts of a sweep. The base run need not be any of them: an axis may replace its parts."""
    kinds, first = [], 0
    for grid in plan.orders.grids:
        points, columns = grid.points, grid.points.columns()
        whole = [axis for axis in points.axes if _is_whole(axis)]
        paths = {path for axis in whole for path in axis.paths}
        texts = {path: columns[path].astype(str) for path in paths}
        for point in points.distinct(whole):
            same = np.ones(len(points), bool)
            for column in texts.values():
                same &= column == column[point]
            ranges = {path: _distinct(column[same]) for path, column in columns.items() if path not in paths}
            ranges = {path: values for path, values in ranges.items() if len(values) > 1}
            cells = np.zeros(plan.orders.num_cells, bool)
            cells[first : first + len(points)] = same
            kinds.append(_Kind(points.run(int(point)), cells, ranges))
        first += len(points)
    return kinds


def _is_whole(axis: Axis) -> bool:
    """Whether an axis replaces a part, or a setting that is told as a sentence and not by its name."""
    sentence_names = ("train.minibatch", "train.curriculum", "precision", "init")
    is_told = any(path == name or path.startswith(f"{name}.") for path in axis.paths for name in sentence_names)
    return is_told or any(isinstance(value, Part | tuple) for column in axis.values for value in column)


def _distinct(values: np.ndarray) -> np.ndarray:
    if values.dtype != object:
        return np.unique(values)
    return np.array(list({str(value): value for value in values}.values()), object)


def _some_lines(topic: str, texts: list[str]) -> list[tuple[str, str]]:
    """The different texts, each with its topic; of many the first ones."""
    different = list(dict.fromkeys(texts))
    more = len(different) - _MOST_LINES
    shown = [*different[:_MOST_LINES], f"and {more:,} more"] if more > 0 else different
    return [(topic, text) for text in shown]


def part_text(part: Part, path: str = "", ranges: Ranges | None = None) -> str:
    """A part with all its settings; those that are axes say so, with their ends."""
    settings = []
    for field in dataclasses.fields(cast(Any, part)):
        field_path = f"{path}.{field.name}"
        values = (ranges or {}).get(field_path)
        own = value_text(getattr(part, field.name), field_path, ranges)
        settings.append(f"{field.name} {own if values is None else _range_text(values)}")
    return f"{part.kind}: {', '.join(settings)}" if settings else part.kind


def _range_text(values: np.ndarray) -> str:
    if values.dtype != object:
        return f"an axis from {number_text(values[0])} to {number_text(values[-1])}"
    return f"an axis of {len(values):,} values"


def value_text(value: Any, path: str = "", ranges: Ranges | None = None) -> str:
    """A setting in words."""
    if isinstance(value, Part):
        return f"({part_text(value, path, ranges)})"
    if isinstance(value, bool) or value is None:
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, tuple):
        return f"[{', '.join(value_text(item, f'{path}.{index}', ranges) for index, item in enumerate(value))}]"
    return number_text(value) if isinstance(value, (int, float)) else str(value)


def _loss(run: Run, ranges: Ranges) -> str:
    has_classes = run.task.signature().target_dtype.startswith("int")
    measured = "measured in the log1p form whatever is trained" if has_classes else "measured as trained"
    return f"trained with {part_text(run.loss, 'loss', ranges)}; {measured}"


def _stopping(plan: Plan) -> str:
    stop = plan.sweep.stop
    if stop is None:
        return f"off: every run is trained to step {plan.sweep.steps:,}, so that a later collapse is seen"
    conditions = "; or ".join(_condition(rule) for rule in stop_rules(stop) if rule.steps is not None)
    return f"on: a run ends once {conditions}. {100 * stop.audit:g} % of the runs go on to their budget all the same"


def _condition(rule: StopRule) -> str:
    """`test/loss is below 0.01 for 300 steps`."""
    if rule.measure == UNSEEN:
        holds = f"it has generalized ({100 * rule.value:g} %) without a break"
    elif rule.test == "no_new":
        holds = f"{rule.measure} has had no new {'highest' if rule.value > 0 else 'lowest'} value"
    else:
        holds = f"{rule.measure} is {rule.test.replace('_', ' ')} {rule.value:g}"
    margins = [f"{rule.steps:,} steps"] * bool(rule.steps) + [f"{rule.ratio:g} x the step at which this began"] * (
        rule.ratio > 0
    )
    return f"{holds} for max({', '.join(margins)})" if len(margins) > 1 else " for ".join([holds, *margins])


def _decay(plan: Plan, kind: _Kind) -> str:
    """On how many parameters decay acts, and what the optimizer's own documentation says of what scales it."""
    cohorts = [planned for planned in plan.cohorts if kind.cells[plan.orders.cells_of(planned.cohort.numbers)].any()]
    counts = dict.fromkeys(f"{planned.size.num_decayed:,} of {planned.size.num_params:,}" for planned in cohorts)
    return _decay_of(kind.run.optimizer, "optimizer", kind.ranges, f"{'; '.join(counts)} parameters")


def _decay_of(optimizer: Optimizer, path: str, ranges: Ranges, acts_on: str) -> str:
    texts = []
    for parameters, field in optimizer.groups().items():
        by, at = (settings_of(optimizer)[field], f"{path}.{field}") if field else (optimizer, path)
        decay = _decay_of if field else _own_decay
        texts.append(f"{parameters}: {decay(by, at, ranges, 'these parameters')}")
    if texts:
        return "; ".join([*(text.removesuffix(".") for text in texts[:-1]), texts[-1]])
    return _own_decay(optimizer, path, ranges, acts_on)


def _own_decay(optimizer: Optimizer, path: str, ranges: Ranges, acts_on: str) -> str:
    about = {field.name: field.metadata.get("about", "") for field in dataclasses.fields(cast(Any, optimizer))}
    if "weight_decay" not in about:
        return f"{optimizer.kind} has no weight_decay"
    if optimizer.weight_decay == 0 and f"{path}.weight_decay" not in ranges:  # type: ignore[attr-defined]
        return f"{optimizer.kind}: none, weight_decay is 0"
    doc = inspect.getdoc(type(optimizer)) or ""
    if source_of(type(optimizer)) is not None:
        doc = doc.partition("\n\n")[0]  # of somebody else's page of documentation
    sentences = [about["weight_decay"], " ".join(doc.split())]
    return f"acts on {acts_on}. {optimizer.kind}: {'. '.join(filter(None, sentences))}"


def _regularizers(run: Run, ranges: Ranges) -> list[str]:
    return [part_text(part, f"regularizers.{index}", ranges) for index, part in enumerate(run.regularizers)]


def _minibatch(run: Run, ranges: Ranges) -> str:
    if run.minibatch is None:
        return "full train set at every step"
    most = f"at most {run.minibatch.at_most:,} examples and {100 * run.minibatch.share:g} % of the train set"
    if run.minibatch.used is not None:
        most = f"{most}, of which an update uses {value_text(run.minibatch.used, 'train.minibatch.used', ranges)}"
    return f"{most}; a new permutation every epoch"


def _curriculum(run: Run) -> str:
    curriculum = run.curriculum
    if curriculum is None:
        return "none: the whole train set from the first update on"
    if curriculum.by == "example":
        stages = f"{short_list([f'{100 * share:g} %' for share in curriculum.stages])} of the train set, drawn"
    else:
        numbers = short_list(list(curriculum.stages))
        stages = {
            "rising": f"examples whose operands are all below {numbers}",
            "falling": f"those with the largest operands, as many as there are with all below {numbers}",
            "shuffled": f"drawn examples, as many as there are with all operands below {numbers}",
        }[curriculum.order]
    ends = []
    if curriculum.accuracy is not None:
        epochs = "an epoch" if curriculum.epochs == 1 else f"{curriculum.epochs:,} epochs in a row"
        ends.append(f"{epochs} with a share of {value_text(curriculum.accuracy)} right")
    if curriculum.at_most is not None:
        ends.append(f"{curriculum.at_most:,} updates")
    return f"{stages}, then all; a stage ends after {' or '.join(ends)}"


def _forms(plan: Plan) -> list[str]:
    """How the networks are computed, and where that is not what was asked for."""
    texts = []
    for planned in plan.cohorts:
        model, signature = planned.cohort.run.model, planned.cohort.signature
        used, asked = model.form_used(signature), model.form_asked()
        where = (
            "for several answers" if signature.num_answers > 1 else f"on the inputs of {planned.cohort.run.task.kind}"
        )
        note = "" if used == asked else f", since {model.kind} has no {asked} {where}"
        texts += [f"{model.kind} {used}{note}; forms agree to rounding"] if used else []
    return texts


def _precision(run: Run, platform: str) -> str:
    matmul = run.precision.matmul
    if matmul == "highest":
        return f"parameters {run.precision.params}, matrix products highest (no TF32)"
    own = f"emulated on a {platform}, so no faster than highest" if is_emulated(matmul, platform) else "by the device"
    return f"parameters {run.precision.params}, matrix products of inputs rounded to {matmul}, summed in float32; {own}"


def _start(run: Run, ranges: Ranges) -> str:
    """From what network; told as a whole, so no axis is left out of it."""
    del ranges
    return str(shown_value(run.init, "init"))


def _seeds(plan: Plan) -> str:
    seeds = plan.sweep.seeds
    fixed = ", ".join(f"{name} held at {value}" for name, value in seeds.streams)
    text = f"{short_list(list(seeds.values))}; streams split, init, order, noise"
    if plan.sweep.compare is not None:
        text = f"{text}; arms are tuned on others: {', '.join(map(str, plan.sweep.compare.tuning_seeds.values))}"
    return f"{text}; {fixed}" if fixed else text


def _claims(plan: Plan) -> str:
    """How many claims there are, and whether there are seeds enough to decide one."""
    sweep, needed = plan.sweep, fewest_seeds(_LEVEL)
    points = [len(axis) for axis in sweep.axes if any(path.startswith("seeds.") for path in axis.paths)]
    seeds = int(np.prod([sweep.num_seeds, *points]))
    few = f"; {seeds:,} seeds decide none of them" if seeds < needed else ""
    return f"{len(sweep.claims):,}, each decided from {needed} seeds on at the earliest{few}"


def short_list(values: list[Any]) -> str:
    """Values in words, the first ones of many."""
    texts, more = [value_text(value) for value in values], len(values) - _MOST_LINES
    return ", ".join([*texts[:_MOST_LINES], f"and {more:,} more"] if more > 0 else texts)
