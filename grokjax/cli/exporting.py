"""`export`: weights of one run, or all results in the form of another program."""

import argparse
import contextlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from grokjax.cli.main import UsageError
from grokjax.cli.paths import new_file
from grokjax.cli.reading import asked, select
from grokjax.report.exported_runs import SUMMARY

if TYPE_CHECKING:  # importing it is slow, and only annotations name it
    from grokjax.results.results import Results


TRACKERS = ("wandb", "trackio")
"""Programs in which every entry costs its user something, so that one for the whole sweep is the default."""
MODULES = ("torch", "transformer_lens")
"""Formats of weights that come as a folder with what runs them."""
_NEEDS_SAFETENSORS = "--format {} needs safetensors: pip install 'grokjax[export]'."


def export(options: argparse.Namespace) -> int:
    """Weights with `--format`, results with `--to`."""
    if (options.format is None) == (options.to is None):
        raise UsageError("export: give a RUN_ID and --format for weights, or --to and --out for results.")
    return _weights(options) if options.to is None else _results(options)


def _weights(options: argparse.Namespace) -> int:
    from grokjax.results.stored_params import flat_stored_params

    if options.run_id is None or options.where:
        raise UsageError("export --format: is of one run, so it takes a RUN_ID and no --where.")
    if options.format in MODULES:
        return _module(options)
    suffix = "npz" if options.format == "compressed" else options.format
    path = new_file(options.out or f"{options.run_id}.{suffix}", "--out")
    params = flat_stored_params(Path(options.folder), options.run_id, options.step, options.with_optimizer)
    if options.format == "compressed":
        return _compressed(options, params, path)
    if options.format == "npz":
        np.savez(path, allow_pickle=False, **params)
    else:
        try:
            from safetensors.numpy import save_file
        except ImportError as error:
            raise UsageError(_NEEDS_SAFETENSORS.format("safetensors")) from error
        save_file({name: np.ascontiguousarray(leaf) for name, leaf in params.items()}, path)
    sys.stderr.write(f"grokjax: {len(params)} arrays in {path}\n")
    return 0


def _compressed(options: argparse.Namespace, params: dict[str, np.ndarray], path: Path) -> int:
    """The shortest code of a network within a tolerance, and how small its file is."""
    from grokjax.lab.compressed import chosen_code, compressed_arrays, write_compressed
    from grokjax.results.results import read_results
    from grokjax.results.stored_params import nested_params

    if options.with_optimizer:
        raise UsageError("export --format compressed: is of a network, so it takes no --with-optimizer.")
    history = read_results(Path(options.folder)).history.sel(run_id=options.run_id)
    step = int(history["final_step"]) if options.step is None else options.step
    with asked("--tolerance"):
        delta, threshold = chosen_code(history, options.tolerance, step)
    write_compressed(path, compressed_arrays(nested_params(params), delta, threshold))
    sizes = f"{path.stat().st_size:,} bytes in {path}, {sum(leaf.nbytes for leaf in params.values()):,} before"
    sys.stderr.write(f"grokjax: {sizes}; grokjax.load_compressed reads it\n")
    return 0


def _module(options: argparse.Namespace) -> int:
    """A network with what runs it elsewhere."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from grokjax.lab.lens_export import check_lens
    from grokjax.lab.networks import Networks
    from grokjax.lab.torch_export import check_torch, trained_network, write_lens, write_torch
    from grokjax.results.results import read_results
    from grokjax.results.stored_params import flat_stored_params

    if options.with_optimizer:
        raise UsageError(f"export --format {options.format}: is of a network, so it takes no --with-optimizer.")
    if importlib.util.find_spec("safetensors") is None:
        raise UsageError(_NEEDS_SAFETENSORS.format(options.format))
    run_id, folder = options.run_id, _new_folder(options.out or f"{options.run_id}-{options.format}")
    params = flat_stored_params(Path(options.folder), run_id, options.step)
    networks = Networks(Path(options.folder))
    check, write = (check_torch, write_torch) if options.format == "torch" else (check_lens, write_lens)
    with asked(f"run {run_id}"):
        check(networks.run(run_id).model)
    ends = read_results(Path(options.folder)).history["final_step"]
    step = int(ends.sel(run_id=run_id)) if options.step is None else options.step
    network = trained_network(networks, run_id, step, params)
    with _whole(folder) as unfinished:
        write(unfinished, network)
    sys.stderr.write(
        f"grokjax: a network and its answers to {len(network.examples['inputs']):,} examples in {folder}\n"
    )
    return 0


def _new_folder(text: str) -> Path:
    folder = Path(text)
    if folder.exists():
        raise UsageError(f"--out {folder}: is there already.")
    return folder


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder to write to that has its name only once all is written."""
    unfinished = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        yield unfinished
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _results(options: argparse.Namespace) -> int:
    from grokjax.results.results import read_results

    if options.run_id is not None or options.step is not None or options.with_optimizer:
        raise UsageError("export --to: is of all runs, so it takes no RUN_ID, --step or --with-optimizer; see --where.")
    if options.out is None:
        raise UsageError("export --to: needs --out, a folder that is not there yet.")
    if options.by is not None and options.to not in TRACKERS:
        raise UsageError(f"--by: is of {' and '.join(TRACKERS)} only; {options.to} has every run.")
    folder = _new_folder(options.out)
    results = read_results(Path(options.folder))
    runs = select(results.runs, options.where, results)
    if not len(runs):
        raise UsageError(f"{options.folder}: no run has finished yet.")
    with _whole(folder) as unfinished:
        _export_results(options, results, runs, unfinished)
    sys.stderr.write(f"grokjax: {len(runs):,} of {results.spec['num_runs']:,} runs in {folder}\n")
    return 0


def _parquet(runs: pd.DataFrame, results: "Results", folder: Path) -> None:
    """`runs.parquet`, the table, and `history.parquet`, one row per run and measured step."""
    history = results.history.sel(run_id=runs["run_id"].tolist())
    is_row = history["step"].values >= 0
    columns = {"run_id": np.repeat(runs["run_id"].to_numpy(), is_row.sum(axis=1))}
    columns |= {str(name): data.values[is_row] for name, data in history.items() if data.dims == ("run", "k")}
    folder.mkdir(parents=True)
    runs.to_parquet(folder / "runs.parquet", index=False)
    pd.DataFrame(columns).to_parquet(folder / "history.parquet", index=False)


def _library_export(name: str, options: argparse.Namespace) -> Callable[["Results", pd.DataFrame, Path], None]:
    """What writes results by a library of that name."""
    from grokjax.report.optuna_export import export_optuna
    from grokjax.report.tensorboard_export import export_tensorboard
    from grokjax.report.tracker_export import export_trackio, export_wandb

    by = options.by or SUMMARY
    return {
        "tensorboard": export_tensorboard,
        "wandb": partial(export_wandb, by=by),
        "trackio": partial(export_trackio, by=by),
        "optuna": export_optuna,
    }[name]


def _export_results(options: argparse.Namespace, results: "Results", runs: pd.DataFrame, folder: Path) -> None:
    if options.to == "parquet":
        return _parquet(runs, results, folder)
    try:
        _library_export(options.to, options)(results, runs, folder)
    except ImportError as error:
        raise UsageError(f"--to {options.to} needs {options.to}: pip install 'grokjax[{options.to}]'.") from error


COMMANDS = {"export": export}
