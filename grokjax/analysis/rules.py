"""Which phase rules exist, and where each may be applied: thresholds, horizon, unit, losses and measures as data."""

import dataclasses
from collections.abc import Mapping

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
    """A way to label runs. To change one: `dataclasses.replace(RULES["liu2022"], horizon=10_000)`.

    Attributes:
      name: as in `--rule`.
      judge: which function of `phases.py` applies it.
      about: the rule in one sentence.
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
    about: str
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


_DEFAULT = Rule(
    name="default",
    judge="default",
    about="fit: 99 % of the clean train examples; generalized: 99 % of the novel test examples; grokking: 3 x later; "
    "runs with label noise: doshi2024",
    thresholds={
        "fit": 0.99,
        "generalized": 0.99,
        "collapsed": 0.90,
        "delay_ratio": 3.0,
        "few_novel": 100,
        "few_clean": 100,
    },
    needs=("train_clean/correct", "test_novel/correct", "test/correct"),
    with_noise="doshi2024",
)

_LIU = Rule(
    name="liu2022",
    judge="liu2022",
    about="train and test accuracy above 90 % within 1e5 steps; grokking: at least 1e3 steps apart",
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
    about="smallest train loss, smallest test loss and largest test/train ratio of the run",
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
    about="last accuracies on test and on the given train labels, against 90 % and 100 (1.05 - label noise) %",
    paper="Doshi, Das, He, Gromov 2024, arXiv 2310.13061",
    thresholds={"accuracy": 0.90, "inversion_offset": 1.05, "few_clean": 100},
    needs=("train/correct", "test/correct"),
    whole_run=True,
    label_noise="known",
    words={"memorization": "memorisation"},
)

RULES: dict[str, Rule] = {rule.name: rule for rule in (_DEFAULT, _LIU, _PAIR, _DOSHI)}


def find_rule(rule: str | Rule) -> Rule:
    """The rule called `rule`; a `Rule` is returned as it is."""
    if isinstance(rule, Rule):
        return rule
    if rule not in RULES:
        raise ValueError(f"no phase rule {rule!r}{nearest(rule, RULES)}; there are {', '.join(RULES)}")
    return RULES[rule]
