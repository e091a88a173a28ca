"""Which phase is each run in, under a named rule, and why not where none can be given?

Every run gets exactly one phase. For every rule: a diverged run is `diverged`; a run without a look, unfinished, or
outside what the rule is stated for is `undecided`, with the reason; all others get a phase of the rule, by the function
below. A rule may hand runs with label noise over to another one; they are labelled as under that. The flag
`stopped_early` says that the stop rule ended the run, so that a later collapse would not be seen. A run that it ended
before the run generalized is `undecided`.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grokjax.analysis import events
from grokjax.analysis.censoring import FELL
from grokjax.analysis.history import PASSED_GAP, Looks, is_near
from grokjax.analysis.rules import FLAGS, GENERALIZED, Rule, find_rule


@dataclasses.dataclass(frozen=True)
class Labels:
    """What a rule says of each run; text arrays [run].

    Attributes:
      rule: name of the rule, with what was changed in it.
      phase: one of `rules.PHASES`.
      flags: names of `rules.FLAGS` joined by ";", empty for none.
      reason: why the phase is `undecided`, empty otherwise.
      words: the rule's own name of the phase.
    """

    rule: str
    phase: np.ndarray
    flags: np.ndarray
    reason: np.ndarray
    words: np.ndarray


@dataclasses.dataclass(frozen=True)
class _Verdict:
    """A phase [run] for every run, ignoring where the rule may be applied, with flags and own reasons to refuse."""

    phase: np.ndarray
    flags: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    refusals: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)


def label(looks: Looks, rule: str | Rule | Mapping[str, Any] = "default") -> Labels:
    """Label every run under a rule; see `rules.find_rule`.

    Raises:
      ValueError: for a rule that does not exist, or a group without its size.
    """
    rule = find_rule(rule)
    labels = _label(looks, rule)
    is_noisy = _noise(looks) > 0
    if not rule.with_noise or not is_noisy.any():
        return labels
    noisy = _label(looks, find_rule(rule.with_noise))
    return Labels(rule.title, *(np.where(is_noisy, *both) for both in zip(_texts(noisy), _texts(labels), strict=True)))


def _texts(labels: Labels) -> tuple[np.ndarray, ...]:
    return labels.phase, labels.flags, labels.reason, labels.words


def _noise(looks: Looks) -> np.ndarray:
    """[run] float64 share of train labels that are drawn anew; NaN where it is not known."""
    return np.asarray(looks.settings.get("label_noise", np.full(looks.num_runs, np.nan)), np.float64)


def _label(looks: Looks, rule: Rule) -> Labels:
    """Label every run under this rule alone."""
    within = looks if rule.horizon is None else looks.until(rule.horizon)
    missing = [name for name in rule.needs if name not in looks.columns]
    verdict = _without(looks, rule, missing) if missing else _JUDGES[rule.judge](within, rule)
    reason = _reasons(looks, rule, verdict)
    phase = np.where(reason == "", verdict.phase, "undecided").astype(object)
    phase[looks.is_diverged] = "diverged"
    reason[looks.is_diverged] = ""
    words = np.array([rule.words.get(name, name) for name in phase.tolist()], object)
    decided = (phase != "undecided") & (phase != "diverged")
    flags = verdict.flags | {"stopped_early": looks.is_stopped}
    return Labels(rule.title, phase, _joined(flags, decided), reason, words)


def _without(looks: Looks, rule: Rule, missing: list[str]) -> _Verdict:
    """What can be said when a measure that the rule needs was not taken: nothing."""
    reason, every = f"{rule.name} needs the measure {missing[0]}", np.ones(looks.num_runs, bool)
    return _Verdict(np.full(looks.num_runs, "undecided"), refusals={reason: every})


def _reasons(looks: Looks, rule: Rule, verdict: _Verdict) -> np.ndarray:
    """[run] why a rule gives no phase, empty where it does; the first reason that holds."""
    stop, final, budget = np.asarray(looks.stop_reason), looks.final_step, np.asarray(looks.budget)
    reason = np.full(looks.num_runs, "", object)

    def refuse(where: np.ndarray, text: Callable[[int], str]) -> None:
        for run in np.flatnonzero(where & (reason == "")):
            reason[run] = text(int(run))

    refuse(final < 0, lambda run: "not looked at yet")
    refuse(stop == "running", lambda run: f"running: step {final[run]} of {budget[run]}")
    refuse((stop == "budget") & (final < budget), lambda run: f"unfinished: step {final[run]} of {budget[run]}")
    refuse(
        (stop == "passed") & ~is_near(final, budget),
        lambda run: (
            f"no look within {PASSED_GAP:.0%} before the common step {budget[run]}: the last is at {final[run]}"
        ),
    )
    if rule.horizon is not None:
        refuse(budget < rule.horizon, lambda run: f"{rule.name} is stated for {rule.horizon} steps, not {budget[run]}")
    needed = budget if rule.horizon is None else np.minimum(budget, rule.horizon)
    if rule.whole_run:
        refuse(looks.is_stopped & (final < needed), lambda run: f"{rule.name} needs the whole run: step {final[run]}")
    refuse(
        looks.is_stopped & (final < needed) & ~np.isin(verdict.phase.astype(str), (*GENERALIZED, *FELL)),
        lambda run: f"ended by the stop rule at step {final[run]} of {needed[run]}, before it generalized",
    )
    _refuse_settings(looks, rule, refuse)
    for text, where in verdict.refusals.items():
        refuse(where, lambda run, text=text: text)
    return reason


def _refuse_settings(looks: Looks, rule: Rule, refuse: Callable[[np.ndarray, Callable[[int], str]], None]) -> None:
    """Refuse runs whose settings are outside what a rule is stated for; a setting that is not given refuses none."""
    settings = {name: np.asarray(values) for name, values in looks.settings.items()}
    every = np.ones(looks.num_runs, bool)
    if rule.label_noise == "known" and "label_noise" not in settings:
        refuse(every, lambda run: f"{rule.name} needs the setting label_noise")
    noise = _noise(looks)
    if rule.label_noise != "any" and "label_noise" in settings:
        refuse(np.isnan(noise), lambda run: f"{rule.name} needs the label noise, which is not known")
    if rule.label_noise == "none":
        refuse(noise > 0, lambda run: f"{rule.name} is stated without label noise, not {noise[run]:g}")
    if rule.losses and "loss" in settings:
        loss = settings["loss"].astype(str)
        refuse(~np.isin(loss, rule.losses), lambda run: f"{rule.name} is stated for {rule.losses[0]}, not {loss[run]}")
    if rule.unit == "full-batch steps" and "steps_per_epoch" in settings:
        per_epoch = settings["steps_per_epoch"].astype(np.float64)
        refuse(per_epoch > 1, lambda run: f"{rule.name} counts full-batch steps; here an epoch has {per_epoch[run]:g}")


def _joined(flags: dict[str, np.ndarray], decided: np.ndarray) -> np.ndarray:
    """[run] names of the flags that are set, joined by ";"."""
    joined = np.full(len(decided), "", object)
    for name in FLAGS:
        if name in flags:
            where = flags[name] & decided
            joined[where] = np.where(joined[where] == "", name, joined[where] + f";{name}")
    return joined


def _default(looks: Looks, rule: Rule) -> _Verdict:
    """Our own rule: by counts, unit-free, exhaustive.

    With F the first look with the clean train examples fitted, G the first look with the unseen ones generalized (novel
    test examples, or all of test when few are novel; flag `few_novel`), each +inf when there is none:

    - `collapsed`: G finite, and at the last look less than 90 % of the unseen examples are right;
    - otherwise `confusion`: neither finite; `memorization`: F only; `unfit`: G only;
    - with both, `comprehension`: G < 3 max(F, 1); `grokking`: G >= 3 max(F, 1).

    Flags. `few_novel`, `few_clean`: fewer than 100 novel test or clean train examples. `unstable`: after G the accuracy
    did not hold (fewer than 95 % of the later looks pass, or one is under 90 %). `lost_fit`: F finite, but less than 90
    % of the clean train examples right at the last look. `at_last_look`: F or G is the last look, so nothing says
    that it lasts. `close_delay`: the looks around F and G are too far apart to tell grokking from comprehension.
    """
    few = looks.size("test_novel") < rule.thresholds["few_novel"]
    correct, size = events.unseen(looks, int(rule.thresholds["few_novel"]))
    fit = events.group_crossing(looks, "train_clean", rule.thresholds["fit"])
    general = events.crossing(looks, correct, size, rule.thresholds["generalized"])
    is_fit, is_general = np.isfinite(fit.first_at), np.isfinite(general.first_at)
    both = is_fit & is_general

    def ends_under(correct: np.ndarray, size: np.ndarray, passed: str) -> np.ndarray:
        # A threshold under 90 % is its own floor: a run that still passes it did not collapse.
        floor = min(rule.thresholds["collapsed"], rule.thresholds[passed])
        return looks.final(correct) < events.needed(size, floor)

    collapsed = is_general & ends_under(correct, size, "generalized")
    later = general.first_at >= rule.thresholds["delay_ratio"] * np.maximum(fit.first_at, 1.0)
    phase = np.select(
        [collapsed, both & later, both, is_fit, is_general],
        ["collapsed", "grokking", "comprehension", "memorization", "unfit"],
        "confusion",
    )
    flags = {
        "few_novel": few,
        **_few_clean(looks, rule),
        "unstable": is_general & (general.sustained_at != general.first_at) & (general.first_at < looks.final_step),
        "lost_fit": is_fit & ends_under(*looks.correct("train_clean"), "fit"),
        "at_last_look": (general.first_at == looks.final_step) | (fit.first_at == looks.final_step),
        "close_delay": both & ~collapsed & _is_close(fit, general, rule.thresholds["delay_ratio"]),
    }
    return _Verdict(phase, flags, _empty_groups(looks, "train_clean", "test"))


def _few_clean(looks: Looks, rule: Rule) -> dict[str, np.ndarray]:
    """Where one clean train example more or less is more than a percent of them."""
    return {"few_clean": looks.size("train_clean") < rule.thresholds["few_clean"]}


def _is_close(fit: events.Crossing, general: events.Crossing, ratio: float) -> np.ndarray:
    """[run] bool, whether the steps inside the brackets of both events allow either label."""
    earliest_fit, earliest = np.maximum(fit.first_after + 1, 1.0), general.first_after + 1
    may_be_late = general.first_at >= ratio * earliest_fit
    may_be_early = earliest < ratio * np.maximum(fit.first_at, 1.0)
    return may_be_late & may_be_early


def _empty_groups(looks: Looks, *groups: str) -> dict[str, np.ndarray]:
    return {f"no {group} examples": looks.size(group) == 0 for group in groups}


def _liu2022(looks: Looks, rule: Rule) -> _Verdict:
    """Liu et al. 2022: first steps with more than 90 % right, on train and test; grokking at least 1e3 steps apart.

    Flag `close_delay`: the looks around the two steps are too far apart to tell grokking from comprehension.
    """
    after, at = {}, {}
    for group in ("train", "test"):
        passing = events.passes(looks, *looks.correct(group), rule.thresholds["accuracy"], strictly=True)
        after[group], at[group] = events.first_true(looks.steps, passing)
    is_fit, is_general = np.isfinite(at["train"]), np.isfinite(at["test"])
    with np.errstate(invalid="ignore"):  # inf - inf where neither is reached
        apart = at["test"] - at["train"] >= rule.thresholds["gap"]
    phase = np.select(
        [is_fit & is_general & apart, is_fit & is_general, is_fit],
        ["grokking", "comprehension", "memorization"],
        "confusion",
    )
    with np.errstate(invalid="ignore"):
        may_be_apart = at["test"] - np.maximum(after["train"] + 1, 0) >= rule.thresholds["gap"]
        may_be_close = np.maximum(after["test"] + 1, 0) - at["train"] < rule.thresholds["gap"]
    flags = {"close_delay": is_fit & is_general & may_be_apart & may_be_close}
    # The paper has no name for test above 90 % without train.
    refusals = {"test passed 90 % and train did not: the rule has no such phase": is_general & ~is_fit}
    return _Verdict(phase, flags, refusals | _empty_groups(looks, "train", "test"))


def _pair2023(looks: Looks, rule: Rule) -> _Verdict:
    """Pearce et al. 2023: by the extremes of the losses over the run, floored as float32 floored theirs."""
    extremes = events.extremes(looks, floor=rule.loss_floor)
    phase = np.select(
        [
            extremes.min_train_loss > rule.thresholds["loss"],
            extremes.min_test_loss > rule.thresholds["loss"],
            extremes.max_test_train_ratio < rule.thresholds["ratio"],
        ],
        ["confusion", "memorization", "comprehension"],
        "grokking",
    )
    unknown = np.isnan(extremes.min_train_loss) | np.isnan(extremes.min_test_loss)
    return _Verdict(phase, refusals={"no finite train and test loss": unknown})


def _doshi2024(looks: Looks, rule: Rule) -> _Verdict:
    """Doshi et al. 2024: by the last accuracies, on all of test and on the train labels as given.

    Forgetting, against confusion: neither is at 90 % at the last look, but test was at an earlier one.
    """
    noise = np.nan_to_num(_noise(looks))
    high = rule.thresholds["accuracy"]
    last = {group: looks.final(looks.correct(group)[0]) for group in ("train", "test")}
    has_test = last["test"] >= events.needed(looks.size("test"), high)
    has_train = last["train"] >= events.needed(looks.size("train"), high)
    keeps_noise = last["train"] >= events.needed(looks.size("train"), rule.thresholds["inversion_offset"] - noise)
    had_test = events.passes(looks, *looks.correct("test"), high).any(axis=1)
    phase = np.select(
        [has_test & has_train, has_test & keeps_noise, has_test, has_train, had_test],
        ["coexistence", "partial_inversion", "full_inversion", "memorization", "forgetting"],
        "confusion",
    )
    return _Verdict(phase, _few_clean(looks, rule), _empty_groups(looks, "train", "test"))


_JUDGES: dict[str, Callable[[Looks, Rule], _Verdict]] = {
    "default": _default,
    "liu2022": _liu2022,
    "pair2023": _pair2023,
    "doshi2024": _doshi2024,
}
