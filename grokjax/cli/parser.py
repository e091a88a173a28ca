"""What may be typed. Imports nothing heavy: `grokjax --help` answers at once."""

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from grokjax.cli import shared_options
from grokjax.cli.typed_values import count_or_list, port, positive, seconds, shard, workers
from grokjax.core.words import nearest

PARTS = ("tasks", "models", "losses", "optimizers", "regularizers", "measures", "probes")


class Parser(argparse.ArgumentParser):
    """One line when something is wrong, with the nearest word that would be right. Options are never shortened."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, allow_abbrev=False)
        self.commands: dict[str, argparse.ArgumentParser] = {}

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # pyright: ignore
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            command = self.commands.get(options.command, self)
            known = [name for action in command._actions for name in action.option_strings]
            close = nearest(unknown[0].partition("=")[0], known)
            hint = f"; did you mean {close!r}?" if close else ""
            self.exit(2, f"grokjax: error: unrecognized arguments: {' '.join(unknown)}{hint} ({command.prog} --help)\n")
        return options

    def error(self, message: str) -> NoReturn:
        typed = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        close = nearest(typed[1], re.findall(r"[\w-]+", typed[2])) if typed else None
        hint = f"; did you mean {close!r}?" if close else ""
        self.exit(2, f"grokjax: error: {message}{hint} ({self.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="grokjax",
        description="Train hundreds of grokking runs at once and map memorization against generalization.",
        epilog="Exit status: 0 done, 1 a bug, 2 bad input, 3 diverged runs (--fail-on-diverged), 4 folder in use, "
        "5 folder in conflict or damaged, 6 device, memory or disk missing, 70 stuck and resumable, "
        "75 stopped and resumable, 130 interrupted and resumable.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for add in (
        _run,
        _try,
        _extend,
        _plan,
        _status,
        _table,
        _phases,
        _curves,
        _scatter,
        _lines,
        _report,
        _page,
        _compare,
        _measure,
        _merge,
        _replay,
        _verify,
        _events,
        _migrate,
        _export,
        _list,
        _reproduce,
    ):
        add(commands)
    parser.commands = dict(commands.choices)
    return parser


def _command(commands: Any, module: str, name: str, about: str) -> argparse.ArgumentParser:
    """A command whose function stands under its name in `COMMANDS` of a module of this package."""
    command = commands.add_parser(name, help=about, description=about)
    command.set_defaults(module=module)
    command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return command


def _run(commands: Any) -> None:
    command = _command(commands, "training", "run", "train every run of a sweep; the same command again resumes")
    shared_options.spec(command)
    command.add_argument("--out", metavar="DIR", help="folder of the sweep (default: results/NAME)")
    command.add_argument("--name", metavar="NAME", help="name of the sweep, instead of the file's")
    command.add_argument(
        "--shard",
        type=shard,
        default=(0, 1),
        metavar="I/N",
        help="only every N-th run from the I-th on, I from 0 to N-1",
    )
    command.add_argument(
        "--workers",
        type=workers,
        metavar="ray[:N|:ADDRESS]",
        help="train in workers of Ray: of the cluster that runs here, of one with N workers, of the one at ADDRESS",
    )
    command.add_argument(
        "--worker-patience",
        type=seconds,
        metavar="S",
        help="give a worker up that has not come or answered for this time (default: 300)",
    )
    shared_options.training(command)


def _try(commands: Any) -> None:
    command = _command(
        commands, "looking_ahead", "try", "train one run alone and unmapped: shapes, losses, your own part's traceback"
    )
    shared_options.spec(command)
    command.add_argument("--cell", type=int, default=0, metavar="N", help="which cell (default: 0)")
    command.add_argument("--steps", type=positive, default=50, metavar="N", help="how many updates (default: 50)")


def _extend(commands: Any) -> None:
    command = _command(commands, "training", "extend", "more seeds, steps, values or draws; finished runs are reused")
    command.add_argument("folder", metavar="DIR")
    command.add_argument("--seeds", type=count_or_list, metavar="N|LIST", help="number of seeds, or all: '[0, 1, 7]'")
    command.add_argument("--steps", type=positive, metavar="N", help="budget of every run, in updates")
    command.add_argument(
        "--axis",
        action="append",
        default=[],
        metavar="KEY=FORM",
        help="new values of an axis; random.count=N, random={...}, zip={...} for settings that move together",
    )
    command.add_argument(
        "--retrain", action="store_true", help="your own code has changed: train the runs of before again by it"
    )
    command.add_argument("--exclude", metavar="LIST", help="conditions in place of those that are there: '[]' for none")
    shared_options.training(command)


def _plan(commands: Any) -> None:
    command = _command(commands, "looking_ahead", "plan", "what a sweep amounts to; trains nothing, stores nothing")
    shared_options.spec(command)
    command.add_argument("--json", action="store_true", help="for programs; see docs/formats.md")
    command.add_argument(
        "--no-probe", action="store_true", help="from shapes alone: no compilation, no forecast of time"
    )
    command.add_argument("--lanes", type=positive, metavar="N", help="lanes of one device")
    command.add_argument("--executor", choices=("map", "vmap"))
    command.add_argument("--device", metavar="cpu|gpu:N")


def _status(commands: Any) -> None:
    command = _command(commands, "reading", "status", "done, running, queued, diverged; safe while the sweep runs")
    command.add_argument("folder", metavar="DIR")
    command.add_argument("--json", action="store_true", help="for programs; see docs/formats.md")


def _table(commands: Any) -> None:
    command = _command(commands, "reading", "table", "one row per run")
    shared_options.folders(command)
    command.add_argument("--out", metavar="FILE.csv|.parquet", help="default: CSV on standard output")
    shared_options.rule(command)
    command.add_argument(
        "--with", default="", metavar="KEY[,KEY]", dest="settings", help="further settings as columns, by their paths"
    )
    shared_options.where(command)


def _phases(commands: Any) -> None:
    command = _command(commands, "reading", "phases", "the phase diagram over two axes")
    shared_options.folders(command)
    shared_options.rule(command)
    command.add_argument("--x", metavar="AXIS", help="horizontal axis (default: the first)")
    command.add_argument("--y", metavar="AXIS", help="vertical axis (default: the second)")
    command.add_argument(
        "--colour", metavar="COLUMN", help="in place of phases the median of a number of `grokjax table`, as a figure"
    )
    command.add_argument("--out", metavar="FILE.png|.svg|.pdf|.csv", help="write a figure or a table")
    shared_options.where(command)


def _curves(commands: Any) -> None:
    command = _command(commands, "reading", "curves", "learning curves with quantile bands over seeds")
    shared_options.folders(command)
    command.add_argument(
        "--what", metavar="NAME[,NAME]", help="measures, such as weight_norm/total (default: accuracy and loss)"
    )
    shared_options.where(command)
    command.add_argument("--out", metavar="FILE.png|.svg|.pdf", help="default: curves.png in the first DIR")


def _scatter(commands: Any) -> None:
    command = _command(
        commands, "reading", "scatter", "two numbers of each run against each other, with their rank correlation"
    )
    shared_options.folders(command)
    shared_options.rule(command)
    for option in ("--x", "--y"):
        command.add_argument(
            option,
            required=True,
            metavar="COLUMN",
            help="of `grokjax table`, or fall(MEASURE): the step of its steepest fall",
        )
    shared_options.where(command)
    command.add_argument("--out", metavar="FILE.png|.svg|.pdf", help="write a figure")


def _lines(commands: Any) -> None:
    command = _command(
        commands, "reading", "lines", "a number of the table along an axis: medians over seeds with their intervals"
    )
    shared_options.folders(command)
    shared_options.rule(command)
    command.add_argument("--x", required=True, metavar="AXIS", help="along which")
    command.add_argument("--y", required=True, metavar="COLUMN", help="a number of `grokjax table`")
    command.add_argument("--by", metavar="AXIS", help="a line for each of its values")
    shared_options.where(command)
    command.add_argument("--out", metavar="FILE.png|.svg|.pdf", help="write a figure")


def _report(commands: Any) -> None:
    command = _command(
        commands, "reporting", "report", "a sweep as one file of HTML that can be mailed and opens offline"
    )
    shared_options.folders(command)
    shared_options.rule(command)
    command.add_argument("--out", required=True, metavar="FILE.html", help="one file, figures included")


def _page(commands: Any) -> None:
    command = _command(
        commands, "paging", "page", "a live page of sweeps, and a form that writes sweep files; on this machine alone"
    )
    command.add_argument(
        "folders", metavar="DIR", nargs="*", help="folder of a sweep, or of several; without any only the form is there"
    )
    command.add_argument("--port", type=port, metavar="N", help="port of this machine (default: 8765, else any)")
    command.add_argument("--no-open", action="store_true", help="print the address and open no browser")
    command.add_argument(
        "--allow-start", action="store_true", help="let the form start sweeps, which go on by themselves"
    )


def _merge(commands: Any) -> None:
    command = _command(commands, "merging", "merge", "folders of one sweep, trained in shards, as one")
    command.add_argument("folders", metavar="DIR", nargs="+", help="folders of the same sweep; they stay as they are")
    command.add_argument("--out", required=True, metavar="DIR", help="a new folder, or one of the same sweep")


def _measure(commands: Any) -> None:
    command = _command(commands, "measuring", "measure", "any measure or probe, taken afterwards from stored weights")
    command.add_argument("folder", metavar="DIR")
    command.add_argument(
        "--what",
        required=True,
        metavar="NAME[,NAME]",
        help="as `grokjax list measures` and `grokjax list probes` have them",
    )
    command.add_argument(
        "--step", default="last", metavar="N|last|all", help="after how many updates; all: wherever weights are stored"
    )
    shared_options.where(command)


def _compare(commands: Any) -> None:
    command = _command(
        commands, "comparing", "compare", "arms of a sweep with `compare:`: tuned settings, intervals, costs"
    )
    command.add_argument("folder", metavar="DIR")
    command.add_argument("--json", action="store_true", help="for programs; see docs/formats.md")
    command.add_argument("--out", metavar="FILE.png|.svg|.pdf|.md", help="write a figure or a report")


def _replay(commands: Any) -> None:
    command = _command(commands, "looking_ahead", "replay", "train a stored run again, alone, and compare bit for bit")
    command.add_argument("folder", metavar="DIR")
    command.add_argument("run_id", metavar="RUN_ID")
    command.add_argument("--steps", type=positive, metavar="N", help="how far (default: as far as stored)")
    command.add_argument(
        "--trace", metavar="FILE.npz", help="write initial parameters, data and losses as plain arrays"
    )


def _verify(commands: Any) -> None:
    command = _command(commands, "reading", "verify", "checksums of everything that is committed")
    command.add_argument("folder", metavar="DIR")


def _events(commands: Any) -> None:
    command = _command(
        commands, "keeping", "events", "what happened to a sweep and its runs; while it runs and after a crash"
    )
    command.add_argument("folder", metavar="DIR")
    command.add_argument("--run", metavar="RUN_ID", dest="run_id", help="only of this run")
    command.add_argument("--json", action="store_true", help="one JSON object a line")


def _migrate(commands: Any) -> None:
    command = _command(
        commands, "keeping", "migrate", "bring a folder of an older grokjax up to date, so that it can go on"
    )
    command.add_argument("folder", metavar="DIR")


def _export(commands: Any) -> None:
    command = _command(commands, "exporting", "export", "weights of one run, or all results for another program")
    command.add_argument("folder", metavar="DIR")
    command.add_argument("run_id", metavar="RUN_ID", nargs="?", help="of the run whose weights are meant")
    formats = ("npz", "safetensors", "torch", "transformer_lens", "compressed")
    command.add_argument(
        "--format", choices=formats, help="of weights; torch, transformer_lens: a folder with what runs them"
    )
    command.add_argument(
        "--tolerance",
        type=float,
        default=1.0,
        metavar="E",
        help="compressed: by how many nats the train loss may rise, as description_length measured it (default: 1)",
    )
    command.add_argument("--step", type=int, metavar="N", help="after how many updates (default: the last)")
    command.add_argument("--with-optimizer", action="store_true", help="add the optimizer's state, as opt_state/...")
    programs = ("tensorboard", "wandb", "trackio", "optuna", "parquet")
    command.add_argument("--to", choices=programs, help="the program or format that results are for; nothing is sent")
    command.add_argument(
        "--by",
        choices=("summary", "cell", "run"),
        help="wandb, trackio: one entry for the sweep (default), and also one a cell or one a run",
    )
    shared_options.where(command)
    command.add_argument("--out", metavar="FILE|FOLDER", help="default for weights: RUN_ID.npz, RUN_ID-torch, ...")


def _list(commands: Any) -> None:
    command = _command(commands, "reading", "list", "the catalogue of parts and sweeps")
    command.add_argument("what", choices=(*PARTS, "sweeps"))


def _reproduce(commands: Any) -> None:
    command = _command(commands, "training", "reproduce", "run a sweep that ships with grokjax and print its claims")
    command.add_argument("spec", metavar="NAME")
    command.add_argument("--out", metavar="DIR", help="folder of the sweep (default: results/NAME)")
    shared_options.scale(command)
    command.set_defaults(overrides=[], name=None)
    shared_options.training(command)
