"""`plan`, `try`, `replay`: commands that compute but store nothing in a sweep's folder."""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

from grokjax.cli.main import BAD_INPUT, CONFLICT, UsageError
from grokjax.cli.paths import new_file
from grokjax.cli.surroundings import warn_of_idle_gpu
from grokjax.cli.sweep_names import find_sweep, read_sweep

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from grokjax.drive.preparation import forecast
from grokjax.lab.initial_params import initial_params_of
from grokjax.lab.replaying import replay as replay_run
from grokjax.lab.replaying import trace as trace_of
from grokjax.orders.sources import source_of
from grokjax.reader.errors import SpecError, first_line, further_lines, own_lines
from grokjax.reader.sweep import Sweep
from grokjax.report.plan_text import plan_text
from grokjax.results.stored_sweep import stored_sweep
from grokjax.store.committed import read_spec
from grokjax.train.attempt import Shapes, attempt, shapes
from grokjax.train.compilation_cache import use_compilation_cache
from grokjax.train.devices import prepare_host_devices
from grokjax.train.feed import Feed


def plan(options: argparse.Namespace) -> int:
    """What a sweep amounts to."""
    use_compilation_cache()
    sweep = read_sweep(find_sweep(options.spec), options.overrides, options.scale)
    prepare_host_devices()
    warn_of_idle_gpu(options.device)
    sweep_plan = forecast(sweep, options.device, options.executor, options.lanes, with_probe=not options.no_probe)
    sys.stdout.write((json.dumps(sweep_plan.to_json(), indent=1) if options.json else plan_text(sweep_plan)) + "\n")
    return 0


def try_run(options: argparse.Namespace) -> int:
    """One run, unmapped."""
    use_compilation_cache()
    path = find_sweep(options.spec)
    try:
        _attempt(read_sweep(path, options.overrides, options.scale), options)
    except SpecError:
        raise
    except Exception as error:
        if not own_lines(error) or options.debug:
            raise
        sys.stderr.write(f"grokjax: error in your own part: {first_line(error)}\n{further_lines(error)}")
        return BAD_INPUT
    return 0


def _attempt(sweep: Sweep, options: argparse.Namespace) -> None:
    """Train one run of the sweep and print what is seen."""
    orders = source_of(sweep).first()
    if not 0 <= options.cell < orders.num_cells:
        raise UsageError(f"--cell must be in 0..{orders.num_cells - 1}, but is {options.cell}.")
    order = orders.first_of(options.cell)
    run = order.run
    feed = Feed(run, run.task.signature(), [run.task], sweep.measure, None, max(sweep.steps, options.steps))
    values = feed.values(run, 0, initial_params_of(run))
    _print_shapes(order.settings, shapes(feed, values))
    for seen in attempt(feed, values, options.steps):
        train, test = _share(seen.seen, "train"), _share(seen.seen, "test")
        loss = f"{seen.loss:11.5g}" if seen.step else "-".rjust(11)  # it is that of the last update
        sys.stdout.write(f"step {seen.step:6d}  loss {loss}  train {train}  test {test}\n")


def _print_shapes(settings: dict[str, object], shapes: Shapes) -> None:
    total = sum(int(np.prod(shape)) for shape, _ in shapes.params.values())
    lines = [
        "run      " + ", ".join(f"{path}={value}" for path, value in settings.items()),
        f"inputs   [example, ...] {list(shapes.inputs[0])} {shapes.inputs[1]}",
        f"targets  [example, ...] {list(shapes.targets[0])} {shapes.targets[1]}",
        f"examples {shapes.n_train} train, {shapes.n_test} test",
        f"params   {total:,} numbers",
        *(f"         {path} {list(shape)} {dtype}" for path, (shape, dtype) in shapes.params.items()),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _share(seen: dict[str, np.ndarray], group: str) -> str:
    total = int(seen[f"{group}/n"])
    return f"{100 * int(seen[f'{group}/correct']) / total:6.2f} %" if total else "   -   "


def replay(options: argparse.Namespace) -> int:
    """A stored run again."""
    use_compilation_cache()
    root = Path(options.folder)
    trace = new_file(options.trace, "--trace") if options.trace else None
    read_spec(root)
    sweep = stored_sweep(root)
    result = replay_run(root, sweep, options.run_id, options.steps)
    if options.steps and result.steps < options.steps:
        sys.stderr.write(
            f"grokjax: run {options.run_id} ends after {result.steps} steps, before --steps {options.steps}\n"
        )
    if trace:
        np.savez(trace, allow_pickle=False, **trace_of(result, sweep))
    if result.is_equal:
        sys.stdout.write(
            f"run {options.run_id}: {result.steps} steps, {result.compared} stored numbers, every bit equal\n"
        )
        return 0
    sys.stdout.write(
        f"run {options.run_id}: {result.steps} steps, first difference {result.first_difference}, "
        f"largest difference {result.largest_difference:.3g}\n"
    )
    return CONFLICT


COMMANDS = {"plan": plan, "try": try_run, "replay": replay}
