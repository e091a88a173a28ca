"""Which phase rules exist, and where each may be applied: thresholds, horizon, unit, losses and measures as data."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from grokjax.analysis import events
from grokjax.analysis.columns import nearest

PHASES = (
    "confusion",
    "memorization",
    "grokking",
    "comprehension",
    "unfit",
    "collapsed",
    "coexistence",
    "partial_inversion",
    "full_inversion",
    "forgetting",
    "diverged",
    "undecided",
)
"""Every phase that a rule may give, in the order of legends and tables."""

GENERALIZED = ("grokking", "comprehension", "unfit", "coexistence", "partial_inversion", "full_inversion")
"""The phases of runs that generalize and keep it."""

FLAGS = ("few_novel", "few_clean", "unstable", "lost_fit", "at_last_look", "close_delay", "stopped_early")
"""What may stand beside a label; `phases.py` says what each means."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """A way to label runs. To change one: `find_rule({"kind": "default", "generalized": 0.9})`.

    Attributes:
      name: as in `--rule`.
      judge: which function of `phases.py` applies it.
      sentence: the rule in words, its thresholds by name in braces.
      paper: authors, year, arXiv number; empty for our own.
      unit: what its step counts mean.
      thresholds: its numbers by name.
      needs: the columns that it reads.
      horizon: it looks at steps up to here, and needs runs that are meant to get here; None for any length.
      whole_run: it reads the last look or extremes, so a run ended early by the stop rule says too little.
      loss_scale: the loss that its thresholds are in; empty when it reads none.
      loss_floor: smaller losses count as this.
      losses: kinds of trained loss that it is stated for; empty for any.
      label_noise: "any", "none" (stated for runs without) or "known" (needs the setting).
      with_noise: name of the rule that labels runs with label noise instead; empty for this one.
      words: its own name of a phase, where it differs from ours.
    """

    name: str
    judge: str
    sentence: str
    thresholds: Mapping[str, float]
    needs: tuple[str, ...]
    paper: str = ""
    unit: str = "any"
    horizon: int | None = None
    whole_run: bool = False
    loss_scale: str = ""
    loss_floor: float = 0.0
    losses: tuple[str, ...] = ()
    label_noise: str = "any"
    with_noise: str = ""
    words: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def settings(self) -> dict[str, float]:
        """What may be set of the rule, by name: its thresholds, and its horizon where it has one."""
        return {**self.thresholds, **({} if self.horizon is None else {"horizon": self.horizon})}

    @property
    def changed(self) -> dict[str, float]:
        """Settings that are not those of the rule of this name."""
        original = RULES[self.name].settings if self.name in RULES else {}
        return {name: value for name, value in self.settings.items() if original.get(name) != value}

    @property
    def title(self) -> str:
        """The name with all that was changed, so that it cannot be taken for the rule itself: `default, fit=0.95`."""
        return ", ".join([self.name, *(f"{name}={value:g}" for name, value in self.changed.items())])

    @property
    def about(self) -> str:
        """The rule in one sentence, with its thresholds as they are."""
        numbers = {name: f"{value:,.10g}" for name, value in self.settings.items()}
        shares = {name: f"{100 * self.thresholds[name]:.10g} %" for name in SHARES if name in self.thresholds}
        return self.sentence.format(**{**numbers, **shares})

    def at(self, **settings: float) -> "Rule":
        """The rule with other thresholds, or another horizon.

        Raises:
          ValueError: for a name that is none of `settings`, or a value that no run could meet.
        """
        for name, value in settings.items():
            _check_setting(self, name, value)
        thresholds = {name: float(settings.get(name, value)) for name, value in self.thresholds.items()}
        horizon = self.horizon if self.horizon is None else int(settings.get("horizon", self.horizon))
        lowest = min(thresholds.get("fit", 1.0), thresholds.get("generalized", 1.0))
        if "collapsed" in settings and settings["collapsed"] > lowest:
            raise ValueError(
                f"rule {self.name}: collapsed={settings['collapsed']:g} is above {lowest:g}, so that runs "
                "would collapse while they pass"
            )
        return dataclasses.replace(self, thresholds=thresholds, horizon=horizon)


SHARES = ("fit", "generalized", "collapsed", "accuracy")
"""Thresholds that are shares of examples, in (0, 1]."""


def _check_setting(rule: Rule, name: str, value: Any) -> None:
    if name not in rule.settings:
        raise ValueError(
            f"rule {rule.name}: no threshold {name!r}{nearest(name, rule.settings)}; "
            f"there are {', '.join(rule.settings)}"
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"rule {rule.name}: {name} must be a number, not {value!r}")
    if name in SHARES and not 0 < value <= 1:
        hint = f"; {value:g} % is {value / 100:g}" if 1 < value <= 100 else ""
        raise ValueError(
            f"rule {rule.name}: {name} is a share of the examples, above 0 and at most 1, not {value:g}{hint}"
        )
    if name == "delay_ratio" and value < 1:
        raise ValueError(f"rule {rule.name}: delay_ratio must be at least 1, not {value:g}")
    if value < 0 or (name == "horizon" and (value < 1 or value != int(value))):
        wanted = "a whole number of steps from 1 on" if name == "horizon" else "0 or more"
        raise ValueError(f"rule {rule.name}: {name} must be {wanted}, not {value:g}")


_DEFAULT = Rule(
    name="default",
    judge="default",
    sentence="fit: {fit} of the clean train examples; generalized: {generalized} of the novel test examples; grokking: "
    "{delay_ratio} x later; runs with label noise: doshi2024",
    thresholds={
        "fit": events.FIT,
        "generalized": events.GENERALIZED,
        "collapsed": events.HELD,
        "delay_ratio": 3.0,
        "few_novel": events.FEW_NOVEL,
        "few_clean": 100,
    },
    needs=("train_clean/correct", "test_novel/correct", "test/correct"),
    with_noise="doshi2024",
)

_LIU = Rule(
    name="liu2022",
    judge="liu2022",
    sentence="train and test accuracy above {accuracy} within {horizon} steps; grokking: at least {gap} steps apart",
    paper="Liu, Kitouni, Nolte, Michaud, Tegmark, Williams 2022, arXiv 2205.10343",
    unit="full-batch steps",
    thresholds={"accuracy": 0.90, "gap": 1000},
    needs=("train/correct", "test/correct"),
    horizon=100_000,
    label_noise="none",
    words={"memorization": "memorisation"},
)

_PAIR = Rule(
    name="pair2023",
    judge="pair2023",
    sentence="smallest train loss and smallest test loss of the run against {loss}, largest test/train ratio against "
    "{ratio}, up to {horizon} steps",
    paper="Pearce et al. 2023, Do Machine Learning Models Memorize or Generalize? (PAIR explorable)",
    unit="full-batch steps",
    thresholds={"loss": 1e-5, "ratio": 5e4},
    needs=("train/loss", "test/loss"),
    horizon=20_000,
    whole_run=True,
    loss_scale="mean cross-entropy in nats, not divided by the number of classes",
    loss_floor=1.19e-7,  # of a cross-entropy in float32, where the published losses end
    losses=("cross_entropy", "logistic"),  # both in nats, summed over the outputs
    label_noise="none",
    words={
        "confusion": "High Train Loss",
        "memorization": "High Test Loss",
        "comprehension": "Train/Test Drop Together",
        "grokking": "Grokking",
    },
)

_DOSHI = Rule(
    name="doshi2024",
    judge="doshi2024",
    sentence="last accuracies on test and on the given train labels, against {accuracy} and "
    "100 ({inversion_offset} - label noise) %",
    paper="Doshi, Das, He, Gromov 2024, arXiv 2310.13061",
    thresholds={"accuracy": 0.90, "inversion_offset": 1.05, "few_clean": 100},
    needs=("train/correct", "test/correct"),
    whole_run=True,
    label_noise="known",
    words={"memorization": "memorisation"},
)

RULES: dict[str, Rule] = {rule.name: rule for rule in (_DEFAULT, _LIU, _PAIR, _DOSHI)}


def find_rule(rule: str | Rule | Mapping[str, Any]) -> Rule:
    """The rule of a name, or of a mapping such as `{"kind": "default", "generalized": 0.9}`; a `Rule` as it is.

    Raises:
      ValueError: for a rule or a threshold that does not exist, with the nearest one, or a value that makes no sense.
    """
    if isinstance(rule, Rule):
        return rule
    if isinstance(rule, Mapping):
        settings = {str(name): value for name, value in rule.items() if name != "kind"}
        return find_rule(rule.get("kind", "default")).at(**settings)
    if rule not in RULES:
        raise ValueError(f"no phase rule {rule!r}{nearest(rule, RULES)}; there are {', '.join(RULES)}")
    return RULES[rule]
