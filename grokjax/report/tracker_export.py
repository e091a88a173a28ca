"""Results for Weights & Biases and for trackio, which takes the same calls: written on this machine, never sent."""

import contextlib
import importlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pandas as pd

from grokjax.analysis.columns import distinct
from grokjax.report.exported_runs import CELL, RUN, Exported, exported_cells, exported_runs

if TYPE_CHECKING:  # importing it is slow, and only annotations name it
    from grokjax.results.results import Results

_THEIRS = ("WANDB_", "TRACKIO_", "HF_", "HUGGING_FACE_")
"""Variables of these libraries begin so: some make them send what is logged, others give entries another name."""


def export_wandb(results: "Results", runs: pd.DataFrame, folder: Path, by: str) -> None:
    """Write offline runs, which `wandb sync FOLDER/wandb/offline-run-*` uploads.

    Args:
      by: `summary` for one run that holds the table and the phase diagram, `cell` or `run` for their courses too.

    Raises:
      ImportError: `wandb` is not installed.
    """
    folder.mkdir(parents=True)
    with _environment(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=str(folder)):
        wandb = importlib.import_module("wandb")
        settings = wandb.Settings(
            x_disable_stats=True, x_disable_meta=True, console="off", silent=True, disable_git=True, save_code=False
        )

        def entered(entry: Exported) -> Any:
            return wandb.init(
                project=results.name,
                dir=str(folder),
                mode="offline",
                id=entry.key,
                name=entry.name,
                group=entry.group,
                config=entry.settings,
                settings=settings,
                reinit="create_new",
            )

        _write(results, runs, by, entered, wandb)


def export_trackio(results: "Results", runs: pd.DataFrame, folder: Path, by: str) -> None:
    """Write a trackio project; `TRACKIO_DIR=FOLDER trackio show` opens it. See `export_wandb`."""
    folder.mkdir(parents=True)
    # With a token of Hugging Face on this machine trackio asks whose it is, unless its library is told to stay offline.
    with _environment(TRACKIO_DIR=str(folder), HF_HUB_OFFLINE="1"), contextlib.redirect_stdout(None):
        trackio = importlib.import_module("trackio")
        if Path(trackio.TRACKIO_DIR) != folder:
            raise RuntimeError("trackio was imported before with another folder; export in a process of its own")

        @contextlib.contextmanager
        def entered(entry: Exported) -> Iterator[Any]:
            own = {"embed": False, "auto_log_gpu": False, "auto_log_cpu": False}
            named = {"name": entry.name, "group": entry.group, "config": entry.settings}
            yield trackio.init(project=results.name, **named, **own)
            trackio.finish()

        _write(results, runs, by, entered, trackio)


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    """These variables, and none by which the library would send; afterwards as before."""
    theirs = {name: value for name, value in os.environ.items() if name.startswith(_THEIRS)}
    for name in theirs:
        del os.environ[name]
    os.environ |= values
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)
        os.environ |= theirs


def _write(
    results: "Results", runs: pd.DataFrame, by: str, entered: Callable[[Exported], Any], library: ModuleType
) -> None:
    """Write entries; `entered` begins one of the library's, which ends with the block."""
    _write_summary(results, runs, entered, library)
    courses = {CELL: exported_cells, RUN: exported_runs}
    for entry in courses[by](results, runs) if by in courses else ():
        with entered(entry) as run:
            for step, row in entry.rows:
                run.log(row, step=step)
            if entry.last:
                run.log(entry.last, step=entry.rows[-1][0] if entry.rows else 0)


def _write_summary(
    results: "Results", runs: pd.DataFrame, entered: Callable[[Exported], Any], library: ModuleType
) -> None:
    """One entry for the sweep: how many runs are in which phase, the table, and the phase diagram."""
    counts = {f"phase/{phase}": int(count) for phase, count in distinct(runs)["phase"].value_counts().items()}
    axes = {path: " ".join(dict.fromkeys(map(str, runs[path].tolist()))) for path in results.spec["axes"]}
    settings = {str(path): str(value) for path, value in results.spec["base"].items()} | axes
    with (
        tempfile.TemporaryDirectory() as folder,
        entered(Exported("summary", results.name, results.name, settings, [], {})) as run,
    ):
        picture = _diagram(results, runs, Path(folder) / "phases.png")
        shown = {"runs": library.Table(dataframe=_shown(runs))}
        run.log({**counts, **shown, **({"phases": library.Image(str(picture))} if picture else {})}, step=0)


def _shown(runs: pd.DataFrame) -> pd.DataFrame:
    """The table without columns that hold nothing, missing numbers as None."""
    known = runs.dropna(axis="columns", how="all")
    return known.astype(object).where(known.notna(), None)


def _diagram(results: "Results", runs: pd.DataFrame, path: Path) -> Path | None:
    """The phase diagram over the first two axes; none for a sweep without an axis."""
    from grokjax.report.pictures import choose_axes, draw_diagram

    try:
        x, y = choose_axes(results.groups, runs, None, None)
    except ValueError:
        return None
    draw_diagram(results, runs, results.rule, x, y, path)
    return path
