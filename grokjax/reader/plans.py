"""What surrounds the runs of a sweep? Seeds, when they are measured, what is claimed of them."""

import dataclasses
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grokjax.core.interfaces import Measure, Probe
from grokjax.core.words import STREAMS
from grokjax.reader.build import build_part, slot_of, to_mapping
from grokjax.reader.errors import Collector, suggestion, wrong
from grokjax.reader.measured_steps import FORMS, LISTED, Cadence, MeasurePlan
from grokjax.reader.values import check_bounds, read_float, read_int, read_text

LARGEST_SEED = 2**32 - 1
LARGEST_STEPS = 2**31 - 2  # steps are int32 in the program, and one more must fit
MOST_SEEDS = 1_000_000
MOST_ROWS = 1_000_000
LONGEST_NOTES = 10_000
_TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")  # change the direction of writing
DEFAULT_LOOKS = Cadence("ratio", 1.04)
DEFAULT_EVERY = Cadence("log", 60)


@dataclasses.dataclass(frozen=True)
class SeedPlan:
    """The seeds of each cell.

    Attributes:
      values: one run each; a run's seed is that of all four streams,
      streams: except of those held fixed, by name.
    """

    values: tuple[int, ...] = (0,)
    streams: tuple[tuple[str, int], ...] = ()


@dataclasses.dataclass(frozen=True)
class RulePlan:
    """Which phase rule labels the runs; nothing of their training hangs on it.

    Attributes:
      kind: name of the rule.
      thresholds: those that are set, by name, sorted.
    """

    kind: str = "default"
    thresholds: tuple[tuple[str, float], ...] = ()


@dataclasses.dataclass(frozen=True)
class Claim:
    """A statement about the results, kept as text: `that` must hold, over the named axes.

    Attributes:
      name: what the claim is about.
      that: the statement.
      over: axes that are paired.
      published: what a paper says, as text or number; None where nothing is published.
      rule: the phase rule that labels the runs; None for that of the sweep.
    """

    name: str
    that: str
    over: tuple[str, ...] = ()
    published: str | float | None = None
    rule: RulePlan | None = None


def read_seeds(value: Any) -> SeedPlan:
    """`5`, `[3, 7]` or `{count: 5, streams: {split: 0}}`."""
    if isinstance(value, SeedPlan):
        value = {"list": value.values, "streams": dict(value.streams)}
    if not isinstance(value, Mapping):
        return SeedPlan(_seed_values(value, "seeds"))
    refuse_unknown(value, ("count", "list", "streams"), "seeds")
    if ("count" in value) == ("list" in value):
        raise wrong("seeds", "give either count: N or list: [...]")
    named = "count" if "count" in value else "list"
    streams = value.get("streams", {})
    if not isinstance(streams, Mapping):
        raise wrong("seeds.streams", "expected a mapping such as {split: 0}", streams)
    refuse_unknown(streams, STREAMS, "seeds.streams")
    fixed = tuple((name, _seed(streams[name], f"seeds.streams.{name}")) for name in STREAMS if name in streams)
    return SeedPlan(_seed_values(value[named], f"seeds.{named}"), fixed)


def seeds_to_plain(plan: SeedPlan) -> Any:
    """What a sweep file would say."""
    values: Any = list(plan.values)
    is_count = values == list(range(len(values)))
    if not plan.streams:
        return len(values) if is_count else values
    return (
        {"count": len(values)} | {"streams": dict(plan.streams)}
        if is_count
        else {"list": values, "streams": dict(plan.streams)}
    )


def _seed_values(value: Any, key: str) -> tuple[int, ...]:
    if isinstance(value, list | tuple):
        seeds = tuple(_seed(seed, f"{key}.{index}") for index, seed in enumerate(value))
        if not seeds:
            raise wrong(key, "names no seed")
        twice = (
            next((seed for index, seed in enumerate(seeds) if seed in seeds[:index]), None)
            if len(set(seeds)) < len(seeds)
            else None
        )
        if twice is not None:
            raise wrong(key, f"seed {twice} is listed twice")
        return seeds
    count = read_int(value, key)
    if not 1 <= count <= MOST_SEEDS:
        raise wrong(key, f"the number of seeds must be from 1 to {MOST_SEEDS:,}", value)
    return tuple(range(count))


def _seed(value: Any, key: str) -> int:
    seed = read_int(value, key)
    if not 0 <= seed <= LARGEST_SEED:
        raise wrong(key, f"a seed must be from 0 to {LARGEST_SEED}", value)
    return seed


def read_steps(value: Any, key: str = "train.steps") -> int:
    """A budget in updates."""
    steps = read_int(value, key)
    if not 1 <= steps <= LARGEST_STEPS:
        raise wrong(key, f"must be from 1 to {LARGEST_STEPS}", value)
    return steps


def read_cadence(value: Any, key: str) -> Cadence:
    """`100`, `{every: 100}`, `{log: 60, horizon: 2000}`, `{linear: 60}`, `{per_decade: 20}`, or `[0, 9]`."""
    if isinstance(value, Cadence):
        value = cadence_to_plain(value)
    if isinstance(value, list | tuple):
        return Cadence(LISTED, _listed_steps(value, key))
    if not isinstance(value, Mapping):
        value = {"every": value}
    forms = [form for form in FORMS if form in value]
    refuse_unknown(value, (*FORMS, "horizon"), key)
    if len(forms) != 1:
        raise wrong(key, f"expected one of {', '.join(FORMS)}, or a list of steps", dict(value))
    form, horizon = forms[0], value.get("horizon")
    if isinstance(value[form], list | tuple):
        raise wrong(f"{key}.{form}", "expected one number, got a list", value[form], f"steps are listed right at {key}")
    if form == "ratio":
        number: int | float = read_float(value[form], f"{key}.{form}")
        check_bounds(number, f"{key}.{form}", {"at_least": 1.001, "at_most": 1000})
    else:
        number = read_int(value[form], f"{key}.{form}" if form in value else key)
        check_bounds(
            number, f"{key}.{form}", {"at_least": 1, "at_most": LARGEST_STEPS if form == "every" else MOST_ROWS}
        )
    if horizon is not None and form not in ("log", "linear"):
        raise wrong(f"{key}.horizon", "only log and linear have a horizon", horizon)
    return Cadence(form, number, None if horizon is None else read_steps(horizon, f"{key}.horizon"))


def _listed_steps(value: Sequence[Any], key: str) -> tuple[int, ...]:
    """Steps one by one, increasing."""
    if not 1 <= len(value) <= MOST_ROWS:
        raise wrong(key, f"from 1 to {MOST_ROWS:,} steps can be listed, found {len(value):,}")
    steps = tuple(read_int(step, f"{key}.{index}") for index, step in enumerate(value))
    for index, step in enumerate(steps):
        check_bounds(step, f"{key}.{index}", {"at_least": 0, "at_most": LARGEST_STEPS})
        if index and step <= steps[index - 1]:
            raise wrong(f"{key}.{index}", f"steps must increase, and {steps[index - 1]} stands before it", step)
    return steps


def cadence_to_plain(cadence: Cadence) -> dict[str, Any] | list[int]:
    """What a sweep file would say."""
    if cadence.form == LISTED:
        return list(cadence.number)
    mapping: dict[str, Any] = {cadence.form: cadence.number}
    return mapping if cadence.horizon is None else mapping | {"horizon": cadence.horizon}


def check_rows(cadence: Cadence, steps: int, key: str) -> None:
    """Refuse a rule that gives more rows than anybody can store, or lists steps that no run reaches."""
    if cadence.form == LISTED and cadence.number[-1] > steps:
        raise wrong(key, f"lists step {cadence.number[-1]}, but runs end at train.steps, {steps}", list(cadence.number))
    rows = steps // cadence.number if cadence.form == "every" else 0
    if cadence.form == "linear" and cadence.horizon is not None:
        rows = cadence.number * steps // cadence.horizon
    if rows > MOST_ROWS:
        raise wrong(key, f"gives {int(rows):,} measured steps a run, at most {MOST_ROWS:,}", cadence.number)


def read_measure(value: Any, folder: Path | None = None) -> MeasurePlan:
    """`{every: ..., looks: ..., what: [...]}`; `fit` is put first, measures before probes."""
    if isinstance(value, MeasurePlan):
        value = {"every": value.every, "looks": value.looks, "what": (*value.what, *value.probes)}
    if not isinstance(value, Mapping):
        raise wrong("measure", "expected a mapping with every, looks and what", value)
    refuse_unknown(value, ("every", "looks", "what"), "measure")
    problems = Collector()
    every, looks, what = DEFAULT_EVERY, DEFAULT_LOOKS, []
    with problems.collecting():
        every = read_cadence(value.get("every", every), "measure.every")
    with problems.collecting():
        looks = read_cadence(value.get("looks", looks), "measure.looks")
    with problems.collecting():
        what = _read_what(value.get("what", ["fit", "weight_norm"]), folder)
    problems.finish()
    probes = tuple(part for part in what if isinstance(part, Probe))
    return MeasurePlan(every, looks, tuple(part for part in what if isinstance(part, Measure)), probes)


def measure_to_plain(plan: MeasurePlan) -> dict[str, Any]:
    """What a sweep file would say."""
    what = [to_mapping(part) for part in (*plan.what, *plan.probes)]
    return {
        "every": cadence_to_plain(plan.every),
        "looks": cadence_to_plain(plan.looks),
        "what": [mapping["kind"] if len(mapping) == 1 else mapping for mapping in what],
    }


def _read_what(value: Any, folder: Path | None) -> list[Measure | Probe]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple):
        raise wrong("measure.what", "expected a list of measures and probes", value)
    problems, parts = Collector(), []
    for index, item in enumerate(value):
        with problems.collecting():
            slot = "probes" if isinstance(item, Probe) else slot_of(("measures", "probes"), item, folder)
            parts.append(build_part(slot, item, f"measure.what.{index}", folder))
    problems.finish()
    fit = build_part("measures", "fit", "measure.what")
    parts = [fit, *(part for part in parts if part != fit)]
    for index, part in enumerate(parts):
        if part in parts[:index]:
            raise wrong("measure.what", f"{part.kind} is listed twice")
    return parts


def read_rule(value: Any, key: str = "rule") -> RulePlan:
    """`liu2022` or `{kind: default, generalized: 0.9}`; which names there are is the analysis' to say."""
    if isinstance(value, RulePlan):
        return value
    if not isinstance(value, Mapping):
        value = {"kind": value}
    thresholds = {str(name): read_float(number, f"{key}.{name}") for name, number in value.items() if name != "kind"}
    return RulePlan(read_free_text(value.get("kind", RulePlan.kind), f"{key}.kind"), tuple(sorted(thresholds.items())))


def rule_to_plain(plan: RulePlan) -> str | dict[str, Any]:
    """What a sweep file would say."""
    return {"kind": plan.kind, **dict(plan.thresholds)} if plan.thresholds else plan.kind


def read_claims(value: Any) -> tuple[Claim, ...]:
    """A list of `{name, that, over, published, rule}`."""
    if not isinstance(value, list | tuple):
        raise wrong("claims", "expected a list of mappings with name, that and over", value)
    claims = []
    for index, item in enumerate(value):
        key = f"claims.{index}"
        item = vars(item) if isinstance(item, Claim) else item
        if not isinstance(item, Mapping):
            raise wrong(key, "expected a mapping with name, that and over", item)
        refuse_unknown(item, ("name", "that", "over", "published", "rule"), key)
        for name in ("name", "that"):
            if not isinstance(item.get(name), str) or not item[name].strip():
                raise wrong(f"{key}.{name}", "expected text", item.get(name))
        over = read_texts(item.get("over", ()), f"{key}.over")
        published = _published(item.get("published"), f"{key}.published")
        rule = read_rule(item["rule"], f"{key}.rule") if item.get("rule") else None
        claims.append(Claim(item["name"], item["that"], over, published, rule))
    return tuple(claims)


def claim_to_plain(claim: Claim) -> dict[str, Any]:
    """What a sweep file would say."""
    mapping = {"name": claim.name, "that": claim.that, "over": list(claim.over)}
    mapping |= {"rule": rule_to_plain(claim.rule)} if claim.rule else {}
    return mapping if claim.published is None else {**mapping, "published": claim.published}


def claims_to_plain(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """What a sweep file would say; axes are named only where there are any."""
    plain = [claim_to_plain(claim) for claim in claims]
    return [{key: value for key, value in claim.items() if value != []} for claim in plain]


def _published(value: Any, key: str) -> str | float | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return read_float(value, key) if is_number else read_free_text(value, key)


def read_texts(value: Any, key: str) -> tuple[str, ...]:
    """A list of texts, or one."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple):
        raise wrong(key, "expected a list of texts", value)
    return tuple(read_free_text(item, f"{key}.{index}") for index, item in enumerate(value))


def read_free_text(value: Any, key: str) -> str:
    """Text for people: no control characters but line ends and tabs, none that change the direction of writing."""
    text = read_text(value, key)
    if len(text) > LONGEST_NOTES:
        raise wrong(key, f"at most {LONGEST_NOTES:,} characters, found {len(text):,}")
    bad = next((letter for letter in text if _is_hidden(letter)), None)
    if bad is not None:
        raise wrong(key, f"contains the control character U+{ord(bad):04X}")
    return text


def _is_hidden(letter: str) -> bool:
    is_control = unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t"
    return is_control or unicodedata.bidirectional(letter) in _TURNING


def refuse_unknown(mapping: Mapping, valid: tuple[str, ...], key: str) -> None:
    """Refuse a key that a mapping does not take."""
    unknown = next((name for name in mapping if name not in valid), None)
    if unknown is not None:
        raise wrong(f"{key}.{unknown}", "unknown key", hint=suggestion(str(unknown), valid))
