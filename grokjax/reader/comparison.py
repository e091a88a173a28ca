"""`compare:` of a sweep file: arms, which are settings on top of the sweep's own, and how each of them is tuned."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from grokjax.reader.axes import Axis, axes_to_mapping, read_axes
from grokjax.reader.errors import Collector, SpecError, suggestion, wrong
from grokjax.reader.paths import fields_of, read_at, replaced
from grokjax.reader.plans import SeedPlan, read_seeds, refuse_unknown
from grokjax.reader.run import Run

FIRST_TUNING_SEED = 1_000_000
"""From here on seeds are counted that tune arms, so that no seed that tunes one is among those that compare them."""
TUNING_SEEDS = 3
BUDGETS = ("equal", "unequal")
_KEYS = ("arms", "baseline", "tuning_seeds", "budget")


@dataclasses.dataclass(frozen=True)
class Arm:
    """One of the things that are compared.

    Attributes:
      name: as the file calls it.
      base: the sweep's base run with the arm's settings.
      tune: axes of the grid on which it is tuned; none for an arm that is taken as it is.
      settings: path -> value, as the file says them.
    """

    name: str
    base: Run
    tune: tuple[Axis, ...] = ()
    settings: Any = dataclasses.field(default=None, compare=False)

    @property
    def num_points(self) -> int:
        """Settings that are tried."""
        points = 1
        for axis in self.tune:
            points *= len(axis)
        return points


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Arms and how they are tuned.

    Attributes:
      arms: in the order of the file.
      baseline: name of the arm that the others are held against.
      tuning_seeds: each setting of each arm is tried at these, none of which is a seed of the sweep.
      budget: `equal`: every arm is tuned with the same number of runs; `unequal`: as the file says, and reports say so.
    """

    arms: tuple[Arm, ...]
    baseline: str
    tuning_seeds: SeedPlan
    budget: str = "equal"


def read_comparison(value: Any, base: Run, seeds: SeedPlan) -> Comparison:
    """`{arms: {NAME: {PATH: VALUE, ..., tune: {PATH: FORM}}}, baseline: NAME, tuning_seeds: 3}`.

    Args:
      base: of the sweep.
      seeds: of the sweep, at which the tuned arms are compared.

    Raises:
      SpecError: with every problem.
    """
    if isinstance(value, Comparison):
        value = comparison_to_plain(value)
    if not isinstance(value, Mapping) or not isinstance(value.get("arms"), Mapping):
        raise wrong("compare.arms", "expected a mapping from names to settings", value)
    refuse_unknown(value, _KEYS, "compare")
    problems, arms = Collector(), []
    for name, settings in value["arms"].items():
        with problems.collecting():
            arms.append(_read_arm(name, settings, base))
    problems.finish()
    names = [arm.name for arm in arms]
    if len(arms) < 2:
        raise wrong("compare.arms", "a comparison needs two arms at least", names)
    baseline = value.get("baseline", names[0])
    if baseline not in names:
        raise wrong("compare.baseline", "names no arm", baseline, suggestion(str(baseline), names))
    budget = value.get("budget", "equal")
    if budget not in BUDGETS:
        raise wrong("compare.budget", f"must be {' or '.join(BUDGETS)}", budget)
    counts = {arm.name: arm.num_points for arm in arms}
    if budget == "equal" and len(set(counts.values())) > 1:
        counts_text = ", ".join(f"{name} {count}" for name, count in counts.items())
        hint = "give each as many (random: {count: N, ...} draws them), or say budget: unequal"
        raise wrong("compare.arms", f"arms are tuned with unequal numbers of settings: {counts_text}", hint=hint)
    return Comparison(tuple(arms), baseline, _tuning_seeds(value, seeds), budget)


@contextlib.contextmanager
def of_arm(name: str) -> Iterator[None]:
    """Problems of an arm's sweep are told under the arm."""
    try:
        yield
    except SpecError as error:
        problems = [dataclasses.replace(problem, key=_under_arm(problem.key, name)) for problem in error.problems]
        raise SpecError(*problems) from error.cause


def _under_arm(key: str, name: str) -> str:
    return f"compare.arms.{name}.{key.removeprefix('axes.')}"


def comparison_to_plain(comparison: Comparison) -> dict[str, Any]:
    """What a sweep file would say."""
    arms = {
        arm.name: dict(arm.settings) | ({"tune": axes_to_mapping(arm.tune)} if arm.tune else {})
        for arm in comparison.arms
    }
    return {
        "arms": arms,
        "baseline": comparison.baseline,
        "tuning_seeds": list(comparison.tuning_seeds.values),
        "budget": comparison.budget,
    }


def _tuning_seeds(value: Mapping[str, Any], seeds: SeedPlan) -> SeedPlan:
    tuning_seeds = value.get("tuning_seeds", TUNING_SEEDS)
    if isinstance(tuning_seeds, Mapping):
        raise wrong("compare.tuning_seeds", "expected a number or a list of seeds", dict(tuning_seeds))
    try:
        numbers = read_seeds(tuning_seeds).values
    except SpecError as error:
        raise wrong("compare.tuning_seeds", error.problems[0].rule, tuning_seeds) from None
    if isinstance(tuning_seeds, int):
        numbers = tuple(FIRST_TUNING_SEED + number for number in numbers)
    both = sorted(set(numbers) & set(seeds.values))
    if both:
        raise wrong("compare.tuning_seeds", "these seeds also compare the tuned arms; tune on others", both)
    return SeedPlan(numbers, seeds.streams)


def _read_arm(name: Any, settings: Any, base: Run) -> Arm:
    key = f"compare.arms.{name}"
    if not isinstance(name, str) or not name or name != name.strip() or not name.isprintable():
        raise wrong("compare.arms", "the name of an arm must be text without blanks at its ends", name)
    if settings is not None and not isinstance(settings, Mapping):
        raise wrong(key, "expected a mapping from settings to values, and tune", settings)
    own = {str(path): value for path, value in (settings or {}).items() if path != "tune"}
    problems = Collector()
    for path in sorted(own, key=lambda path: len(fields_of(path))):  # a whole part first, then what is in it
        with problems.collecting():
            if path.split(".")[0] == "seeds":
                raise wrong(f"{key}.{path}", "arms share their seeds, so that they can be compared in pairs")
            base = replaced(base, path, _read_value(base, path, own[path], f"{key}.{path}"))
    problems.finish()
    return Arm(name, base, _read_tune((settings or {}).get("tune", {}), base, key), own)


def _read_value(base: Run, path: str, value: Any, key: str) -> Any:
    try:
        return read_at(base, path, value, key)
    except SpecError as error:
        problem = error.problems[0]
        raise wrong(key, problem.rule, value, problem.hint) from None


def _read_tune(forms: Any, base: Run, key: str) -> tuple[Axis, ...]:
    try:
        axes = read_axes(forms, base)
    except SpecError as error:
        problem = error.problems[0]
        raise wrong(problem.key.replace("axes", f"{key}.tune", 1), problem.rule, problem.value, problem.hint) from None
    seeds = next((path for axis in axes for path in axis.paths if path.split(".")[0] == "seeds"), None)
    if seeds is not None:
        raise wrong(f"{key}.tune.{seeds}", "a seed is nothing to tune")
    return axes
