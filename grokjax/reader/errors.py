"""What a user is told about a bad sweep file: one line a problem, with file, line, key, rule, value and a way out."""

import contextlib
import dataclasses
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from grokjax.core.words import nearest as words_nearest

LONGEST_VALUE = 80
TYPO = 0.75
"""How like a name must be to be meant where another name means another thing: `leaky_relu` is no slip of `relu`."""
LONGEST_LINE = 300  # of a message of somebody else's code; `further_lines` has the rest
LONGEST_DETAIL = 2000
MOST_LINES = 20
_PACKAGE = str(Path(__file__).resolve().parents[1])
_NOTHING = object()


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
      key: dotted path of the setting, empty for the file as a whole.
      rule: what must hold.
      value: what was found, as shown to the user.
      hint: what to write instead.
      file: where it was written.
      line: of that file, from 1; None when unknown.
      detail: what somebody else's code said further, and where: lines that end in a line break.
      cause: the error of that code, for `--debug`.
    """

    key: str
    rule: str
    value: str = ""
    hint: str = ""
    file: str = ""
    line: int | None = None
    detail: str = ""
    cause: BaseException | None = dataclasses.field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        location = f"{self.file}:{self.line}" if self.file and self.line else self.file
        got = f" (got {self.value})" if self.value else ""
        key = "" if location == f"--set {self.key}" else self.key
        text = ": ".join(word for word in (location, key, self.rule + got) if word)
        text = f"{text}; {self.hint}" if self.hint else text
        return f"{text}\n{self.detail.rstrip()}" if self.detail else text


class SpecError(ValueError):
    """A sweep cannot be run as written.

    Attributes:
      problems: everything that was found, in the order of the file.
      cause: the first error of somebody else's code behind them.
    """

    def __init__(self, *problems: Problem):
        self.problems = problems
        lines = [str(problem) for problem in problems[:MOST_LINES]]
        if len(problems) > MOST_LINES:
            lines.append(f"... and {len(problems) - MOST_LINES} more problems")
        super().__init__("\n".join(lines))
        self.cause = next((problem.cause for problem in problems if problem.cause is not None), None)

    def __reduce__(self) -> tuple[Any, ...]:
        """From process to process, without what another one may not be able to read."""
        return SpecError, tuple(dataclasses.replace(problem, cause=None) for problem in self.problems)

    def located(self, locate: Callable[[str], tuple[str, int | None]]) -> "SpecError":
        """The same problems with file and line filled in.

        Args:
          locate: file and line of a key.
        """
        return SpecError(*(_located(problem, locate) for problem in self.problems))


def _located(problem: Problem, locate: Callable[[str], tuple[str, int | None]]) -> Problem:
    if problem.file:
        return problem
    file, line = locate(problem.key)
    return dataclasses.replace(problem, file=file, line=line)


def wrong(key: str, rule: str, value: Any = _NOTHING, hint: str = "") -> SpecError:
    """An error with one problem; raise it."""
    return SpecError(Problem(key, rule, "" if value is _NOTHING else shown(value), hint))


def wrong_in_part(key: str, error: Exception, value: Any = _NOTHING) -> SpecError:
    """What a part's own code says of its settings, as an error at `key` or at the key that its message starts with."""
    return blamed(wrong(key, first_line(error), value), error)


def blamed(refusal: SpecError, error: BaseException) -> SpecError:
    """A refusal of one problem, with all that the error behind it says; at the key that its message starts with."""
    (problem,) = refusal.problems
    named, colon, rest = problem.rule.partition(": ")
    slot = problem.key.partition(".")[0]
    if colon and (named == slot or named.startswith(f"{slot}.")) and " " not in named:
        problem = dataclasses.replace(problem, key=named, rule=rest, value="")
    return SpecError(dataclasses.replace(problem, detail=further_lines(error), cause=error))


def first_line(error: BaseException) -> str:
    """Message of an error of somebody else's code, cut to one line."""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else ""
    return _clean(text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}", LONGEST_LINE)


def further_lines(error: BaseException) -> str:
    """What stands behind the first line of an error of somebody else's code, and where in whose code it came up."""
    lines = str(error).strip().splitlines()
    whole = lines if lines and len(lines[0]) > LONGEST_LINE else lines[1:]
    quoted = [f"  {_clean(line.rstrip(), LONGEST_DETAIL)}\n" for line in whole if line.strip()][:MOST_LINES]
    return "".join(quoted) + (own_lines(error) or _raised_in(error))


def own_lines(error: BaseException) -> str:
    """The lines of a traceback that are neither ours nor an installed package's: the user's own part."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename)]
    return "".join(traceback.format_list(frames[-3:]))


def _is_own(file: str) -> bool:
    is_installed = "site-packages" in file or file.startswith(sys.base_prefix + os.sep)
    return not (is_installed or file.startswith((_PACKAGE, "<")) or Path(file).name == "grokjax")


def _raised_in(error: BaseException) -> str:
    """Where in an installed package an error came up; empty when it came up here."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or frames[-1].filename.startswith((_PACKAGE, "<")):
        return ""
    of_jax = f"site-packages{os.sep}jax{os.sep}"
    frame = next((frame for frame in reversed(frames) if of_jax not in frame.filename), frames[-1])
    frame = frames[-1] if frame.filename.startswith(_PACKAGE) else frame  # JAX itself, called by us
    file = frame.filename.rpartition(f"site-packages{os.sep}")[2]
    return f"  raised in {file}, line {frame.lineno}, in {frame.name}\n"


def shown(value: Any) -> str:
    """A value as it would be written in a sweep file, at most 80 characters."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{_clean(value)}"'
    try:
        return _clean(str(value))
    except ValueError:  # whole numbers of more than 4,300 digits have no text
        return "a very long number"


def _clean(text: str, most: int = LONGEST_VALUE) -> str:
    return printable(text if len(text) <= most else f"{text[: most - 3]}...")


def printable(text: str) -> str:
    """Text of unknown origin as a terminal may show it: control characters, which could steer it, are written out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def nearest(name: str, valid: Iterable[str], likeness: float = 0.5) -> str | None:
    """The valid name that looks most like `name`, else one whose last word it is; None when none does."""
    valid = list(valid)
    close = words_nearest(name, valid, likeness)
    return close or next((other for other in valid if other.rpartition(".")[2] == name), None)


OTHER_WORDS = {
    "lr": "learning_rate",
    "wd": "weight_decay",
    "decay": "weight_decay",
    "momentum": "b1",
    "beta1": "b1",
    "beta2": "b2",
    "epsilon": "eps",
    "p": "modulus",
    "fraction": "train_fraction",
    "noise": "label_noise",
    "hidden": "width",
    "d_model": "width",
    "d_mlp": "mlp_width",
    "n_layers": "layers",
    "n_heads": "heads",
}
"""What other code bases call a setting -> its name here, where the spelling does not show it."""


def suggestion(name: str, valid: Iterable[str], likeness: float = 0.5) -> str:
    """A hint for an unknown name: the nearest valid one, or all of them when there are few."""
    valid = list(valid)
    meant = OTHER_WORDS.get(name.rpartition(".")[2])
    closest = meant if meant in valid else nearest(name, valid, likeness)
    if closest is not None:
        return f"did you mean {closest!r}?"
    if not valid:
        return ""
    more = ", ..." if len(valid) > 12 else ""
    return f"valid: {', '.join(valid[:12])}{more}"


class Collector:
    """Gathers problems, so that one reading of a file reports all of them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep the problems of this block and go on after it."""
        try:
            yield
        except SpecError as error:
            self.problems.extend(error.problems)

    def finish(self) -> None:
        """Raise what was gathered, if anything."""
        if self.problems:
            raise SpecError(*dict.fromkeys(self.problems))
