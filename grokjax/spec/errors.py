"""What a user is told about a bad sweep file: one line a problem, with file, line, key, rule, value and a way out."""

import contextlib
import dataclasses
import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

LONGEST_VALUE = 80
TYPO = 0.75
"""How like a name must be to be meant where another name means another thing: `leaky_relu` is no slip of `relu`."""
MOST_LINES = 20
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
    """

    key: str
    rule: str
    value: str = ""
    hint: str = ""
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        found = f" (got {self.value})" if self.value else ""
        key = "" if place == f"--set {self.key}" else self.key
        text = ": ".join(word for word in (place, key, self.rule + found) if word)
        return f"{text}; {self.hint}" if self.hint else text


class SpecError(ValueError):
    """A sweep cannot be run as written.

    Attributes:
      problems: everything that was found, in the order of the file.
    """

    def __init__(self, *problems: Problem):
        self.problems = problems
        lines = [str(problem) for problem in problems[:MOST_LINES]]
        if len(problems) > MOST_LINES:
            lines.append(f"... and {len(problems) - MOST_LINES} more problems")
        super().__init__("\n".join(lines))

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
    text = first_line(error)
    named, colon, rest = text.partition(": ")
    slot = key.partition(".")[0]
    if colon and (named == slot or named.startswith(f"{slot}.")) and " " not in named:
        return SpecError(Problem(named, rest))
    return wrong(key, text, value)


def first_line(error: BaseException) -> str:
    """Message of an error of somebody else's code, cut to one line."""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else ""
    return _clean(text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}", 300)


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
    """The valid name that looks most like `name`, from 0 to 1; None when none is as like as asked for."""
    valid = list(valid)
    lowered = {other.lower(): other for other in reversed(valid)}
    found = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=likeness)
    if found:
        return lowered[found[0]]
    return next((other for other in valid if other.rpartition(".")[2] == name), None)


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
    found = meant if meant in valid else nearest(name, valid, likeness)
    if found is not None:
        return f"did you mean {found!r}?"
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
