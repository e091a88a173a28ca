"""The program of each cohort, fixed for the cohort's life, since the bits of its runs depend on it."""

from pathlib import Path
from typing import Any

from grokjax.store.files import read_record, write_record
from grokjax.store.layout import StoreError
from grokjax.train.program import VMAP


class Programs:
    """What plan.json holds: by a cohort's key executor, lanes, examples of a block and forms; see `Program.facts`."""

    def __init__(self, path: Path, is_used: bool = True, is_old: bool = False):
        """Know what is recorded.

        Args:
          path: of plan.json.
          is_used: whether anything was committed; a program that trained nothing binds nobody.
          is_old: see `files.read_record`.

        Raises:
          StoreError: the record is damaged.
        """
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}
        if is_used and path.exists():
            try:
                self._known = read_record(path, is_old)
            except (OSError, ValueError) as error:
                raise StoreError(
                    f"{path} is damaged ({error}): it says which program trained the runs. Bring it back from a copy; "
                    "without it, remove it, and runs go on in the program that is chosen now, to rounding."
                ) from error

    def get(self, key: str) -> dict[str, Any] | None:
        """The program of a cohort; None when nothing of it was trained."""
        return self._known.get(key)

    def note(self, key: str, facts: dict[str, Any]) -> None:
        """Record the program of a cohort."""
        self._known[key] = facts
        write_record(self._path, self._known)

    def executor(self, asked: str | None) -> str | None:
        """The executor of the folder; the one that is asked for when nothing was trained.

        Raises:
          StoreError: another one is asked for.
        """
        for facts in self._known.values():
            if asked not in (None, facts["executor"]):
                raise self._refusal(f"--executor {facts['executor']}", f"--executor {asked}")
            return facts["executor"]
        return asked

    def check_lanes(self, key: str, asked: int | None) -> None:
        """Refuse lanes that would make another program.

        Raises:
          StoreError: a block of the cohort has another number of lanes.
        """
        facts = self._known.get(key)
        if facts is not None and facts["executor"] == VMAP and asked not in (None, facts["block_lanes"]):
            raise self._refusal(f"--lanes {facts['block_lanes']}", f"--lanes {asked}")

    def _refusal(self, known: str, asked: str) -> StoreError:
        return StoreError(
            f"{self._path.parent} was trained with {known}, on which the bits of its runs depend; {asked} is refused. "
            "Leave it out, or give another --out."
        )
