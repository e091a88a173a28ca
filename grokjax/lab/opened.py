"""`open_results`: everything that came out of one sweep or several: tables, histories, and the networks themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grokjax.core.words import nearest
from grokjax.results.results import Results, folders_of
from grokjax.store.layout import UnknownRunError

if TYPE_CHECKING:  # importing it imports JAX, which tables and histories do not need
    from grokjax.lab.networks import Networks


def open_results(paths: str | Path | Sequence[str | Path], with_running: bool = False) -> "OpenedResults":
    """Open the folder of a sweep, finished or not, or several folders together.

    Args:
      paths: of folders. Runs that several of them hold are counted once. When their budgets differ, everything but
        `history` and the networks is as of the smallest of them, and a warning says so: as of a run's last look at or
        before it, at most 5 % earlier.
      with_running: whether to show what is known of runs that are still trained.

    Raises:
      StoreError: no sweep is there, a file is damaged, or two folders hold different histories of one run.
    """
    return OpenedResults(folders_of(paths), with_running)


class OpenedResults(Results):
    """`Results` with the networks of each run. Nothing is read before it is asked for, nothing is ever written."""

    def __init__(self, roots: Sequence[Path], with_running: bool):
        super().__init__(roots, with_running)
        self._networks: dict[Path, Networks] = {}

    def _repr_html_(self) -> str:
        """What a notebook shows: the phase diagram, and how many runs ended in which phase."""
        import grokjax  # the front door: figures are drawn to the right of this package

        return grokjax.html_summary(self)

    def params(self, run_id: str, step: int = -1) -> Any:
        """Flax variables of a run after `step` updates, -1 for its last.

        Parameters that are not stored are made by training the run again, which a warning says.
        """
        return self._of(run_id).params(run_id, step)

    def model(self, run_id: str) -> Any:
        """The model part of a run; `.module(signature)` of a built-in one is its Flax module."""
        return self._of(run_id).model(run_id)

    def signature(self, run_id: str) -> Any:
        """What a model must know of the run's task: shapes, number formats and classes.

        `model.module(signature)` and `model.logits(model.prepare(params, signature), inputs, signature, None)` take it.
        """
        return self._of(run_id).signature(run_id)

    def dataset(self, run_id: str) -> dict[str, np.ndarray]:
        """`inputs`, `targets` (true), `labels` (as given) and `group` of the whole table, and `train_index`."""
        return self._of(run_id).dataset(run_id)

    def logits(self, run_id: str, inputs: Any = None, step: int = -1) -> np.ndarray:
        """Outputs [example, class] on the whole table or on other inputs [example, ...]."""
        return self._of(run_id).logits(run_id, inputs, step)

    def activations(self, run_id: str, module: str, inputs: Any = None, step: int = -1) -> dict[str, np.ndarray]:
        """What the Flax modules return whose path holds `module`, by path, on the whole table or on other inputs."""
        return self._of(run_id).activations(run_id, module, inputs, step)

    def evaluate(self, run_id: str, inputs: Any, targets: Any, step: int = -1) -> dict[str, float]:
        """`loss` (the trained one, without penalties) and `accuracy` on examples of your own."""
        return self._of(run_id).evaluate(run_id, inputs, targets, step)

    def _of(self, run_id: str) -> "Networks":
        root = self.root_of.get(run_id)
        if root is None:
            close = nearest(run_id, self.root_of)
            hint = f"did you mean {close!r}?" if close else "`.runs` has the ids."
            raise UnknownRunError(f"no run {run_id!r} in {', '.join(map(str, self.roots))}; {hint}")
        from grokjax.lab.networks import Networks  # here: it imports JAX, which tables and histories do not need

        if root not in self._networks:
            self._networks[root] = Networks(root)
        return self._networks[root]
