"""`run`, `extend`, `reproduce`: commands that train."""

import argparse
import dataclasses
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from grokjax.cli.main import DIVERGED, INTERRUPTED, UsageError, stopped
from grokjax.cli.paths import new_folder
from grokjax.cli.signals import Signals
from grokjax.cli.surroundings import warn_of_idle_gpu
from grokjax.cli.sweep_names import find_sweep, read_sweep
from grokjax.cli.watchdog import Watchdog
from grokjax.orders.ledger import is_over

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from grokjax.drive.opening import change_spec
from grokjax.drive.progress import Progress
from grokjax.drive.run_sweep import Options, check_device, run_locked, run_sweep
from grokjax.drive.trainable import check_extension
from grokjax.orders.extension import extended
from grokjax.reader.plans import rule_to_plain
from grokjax.reader.sweep import Sweep
from grokjax.reader.yaml_file import parse_value
from grokjax.report.watcher import Watcher
from grokjax.results.reading import whole_runs
from grokjax.results.results import read_results
from grokjax.results.stored_sweep import as_recorded, measures_remark, refuse_changed_sources, stored_sweep
from grokjax.store.committed import read_spec
from grokjax.store.layout import StoreError
from grokjax.store.lock import exclusive
from grokjax.train.compilation_cache import use_compilation_cache


def run(options: argparse.Namespace) -> int:
    """Train a sweep."""
    overrides = [*options.overrides, *([f"name={options.name}"] if options.name else [])]
    sweep = read_sweep(find_sweep(options.spec), overrides, options.scale)
    root = _folder(options, sweep)
    return _train(as_recorded(sweep, root), root, options)


def extend(options: argparse.Namespace) -> int:
    """Extend a stored sweep and train what is new."""
    root = Path(options.folder)
    axes = {}
    for text in options.axis:
        path, _, form = text.partition("=")
        if not form:
            raise UsageError(
                f"--axis {text!r} must be KEY=FORM, such as optimizer.weight_decay='{{log: [0.3, 40, 15]}}'."
            )
        axes[path] = parse_value(form, f"--axis {path}")
    exclude = None if options.exclude is None else parse_value(options.exclude, "--exclude")
    read_spec(root)
    with exclusive(root / "LOCK"):  # until the end: another extension in between would make this one's spec an old one
        stored = stored_sweep(root)
        _check_code(root, stored, options.retrain)
        sweep = extended(stored, options.seeds, options.steps, axes, exclude)
        check_extension(sweep, stored)
        check_device(_training_options(options))
        reused, continued, new = change_spec(root, sweep, options.executor, options.lanes, options.retrain)
        replaced = len(read_spec(root).get("replaced", ()))
        hidden = f"; {replaced} of other code stay in their files and are shown no more" if replaced else ""
        sys.stderr.write(f"grokjax: {reused} runs reused, {continued} continued, {new} new{hidden}\n")
        return _train(sweep, root, options, run_locked)


def _check_code(root: Path, stored: Sweep, with_retraining: bool) -> None:
    """Refuse code of the user's that has changed since; that of measures is only told."""
    spec = read_spec(root)
    if not with_retraining:
        refuse_changed_sources(root, spec, stored)
    if remark := measures_remark(root, spec, stored):
        sys.stderr.write(f"grokjax: warning: {remark}\n")


def reproduce(options: argparse.Namespace) -> int:
    """Train a sweep, then judge its claims or arms; one that ran out of time is judged by what is there."""
    path = find_sweep(options.spec)
    sweep = read_sweep(path, options.overrides, options.scale)
    root = _folder(options, sweep)
    status = _train(sweep, root, options)
    if status == INTERRUPTED:
        return status
    if sweep.compare is not None:
        from grokjax.cli.comparing import print_comparison

        print_comparison(root)
        return status
    from grokjax.cli.reading import print_claims

    print_claims(root, path, options.scale)
    return status


def _folder(options: argparse.Namespace, sweep: Sweep) -> Path:
    return new_folder(options.out or str(Path("results") / sweep.name), "--out")


def _stored_phases(root: Path, sweep: Sweep) -> dict[str, str]:
    """Phases, by id, of runs that need no more training; none where the folder cannot be read, which is said later."""
    try:
        with warnings.catch_warnings(action="ignore"):  # what is damaged is said, and mended, by the run itself
            runs = read_results(root).phases(rule_to_plain(sweep.rule))
            runs = runs[runs["run_id"].isin(list(whole_runs(root)))]  # those of a damaged file are trained again
    except StoreError:
        return {}
    ended = runs.loc[is_over(runs["stop_reason"], runs["final_step"], sweep.steps)]
    return dict(zip(ended["run_id"], ended["phase"], strict=True))


def _training_options(options: argparse.Namespace) -> Options:
    names = ("lanes", "executor", "device", "max_seconds", "save_seconds")
    of_run = {"share": "shard", "workers": "workers", "worker_patience": "worker_patience"}  # of `run` alone
    typed = {name: getattr(options, flag, None) for name, flag in of_run.items()}
    if typed["worker_patience"] is not None and typed["workers"] is None:
        raise UsageError("--worker-patience: is of --workers.")
    typed = {name: value for name, value in typed.items() if value is not None}
    return Options(**{name: getattr(options, name) for name in names}, **typed)


def _train(sweep: Sweep, root: Path, options: argparse.Namespace, train: Callable[..., Progress] = run_sweep) -> int:
    use_compilation_cache()
    if getattr(options, "workers", None) is None:
        check_device(_training_options(options))
        warn_of_idle_gpu(options.device)
    signals: Signals = options.signals
    watcher = Watcher(f"{sweep.name} in {root}", sweep, stored=_stored_phases(root, sweep))
    watchdog = Watchdog(root)

    def watch(progress: Progress) -> None:
        signals.enter(progress.stage)
        watchdog.beat(progress)
        watcher.show(progress)

    with watcher, watchdog:
        wanted = dataclasses.replace(_training_options(options), stop=lambda: signals.received, watch=watch)
        progress = train(sweep, root, wanted)
    if progress.reason:
        return stopped(progress.reason)
    if options.fail_on_diverged and progress.diverged:
        sys.stderr.write(f"grokjax: {progress.diverged} runs diverged.\n")
        return DIVERGED
    return 0


COMMANDS = {"run": run, "extend": extend, "reproduce": reproduce}
