"""Results as a study of Optuna: one trial a run, for its importances, its plots and `optuna-dashboard`."""

import importlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grokjax.analysis.columns import series
from grokjax.report.exported_runs import Exported, exported_runs

if TYPE_CHECKING:  # importing it is slow, and only annotations name it
    from grokjax.results.results import Results

VALUE = "test/accuracy"
FILE = "journal.log"


def export_optuna(results: "Results", runs: pd.DataFrame, folder: Path) -> None:
    """Write a journal with the study NAME; its value is the last test accuracy, to be maximized.

    Axes of the sweep are parameters, seeds and events are attributes of the user. A run that diverged or has no such
    value is a failed trial.

    Raises:
      ImportError: `optuna` is not installed.
    """
    optuna = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True)
    journal = importlib.import_module("optuna.storages.journal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it calls experimental is written down in its own documentation
        storage = optuna.storages.JournalStorage(journal.JournalFileBackend(str(folder / FILE)))
        study = optuna.create_study(study_name=results.name, storage=storage, direction="maximize")
        study.set_user_attr("value", VALUE)
        axes = [path for path in results.spec["axes"] if not path.startswith("seeds.")]
        ranges = {path: _distribution(optuna, series(runs, path)) for path in axes}
        rows = dict(zip(runs["run_id"].tolist(), runs.to_dict("records"), strict=True))
        study.add_trials([_trial(optuna, entry, rows[entry.key], ranges) for entry in exported_runs(results, runs)])


def _trial(optuna: Any, entry: Exported, row: dict[str, Any], ranges: dict[str, Any]) -> Any:
    value = row.get(VALUE, np.nan)
    is_whole = row["status"] != "diverged" and np.isfinite(value)
    params = {path: entry.settings[path] for path in ranges}
    others = {name: item for name, item in entry.settings.items() if name not in params}
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState.COMPLETE if is_whole else optuna.trial.TrialState.FAIL,
        value=float(value) if is_whole else None,
        params=params,
        distributions=ranges,
        intermediate_values={step: numbers[VALUE] for step, numbers in entry.rows if VALUE in numbers},
        user_attrs={"run_id": entry.key, **others, **entry.last},
    )


def _distribution(optuna: Any, column: pd.Series) -> Any:
    """The range of an axis; of words and of a single value the list of them."""
    values = column.unique().tolist()
    if len(values) > 1 and pd.api.types.is_numeric_dtype(column):
        kind = optuna.distributions
        low, high = min(values), max(values)
        whole = pd.api.types.is_integer_dtype(column)
        return kind.IntDistribution(low, high) if whole else kind.FloatDistribution(low, high, log=low > 0)
    return optuna.distributions.CategoricalDistribution(
        [str(value) if not isinstance(value, (int, float)) else value for value in values]
    )
