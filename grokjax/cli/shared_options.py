"""Options that several commands have."""

import argparse

from grokjax.cli.typed_values import positive, seconds


def spec(command: argparse.ArgumentParser) -> None:
    """A sweep file, and what of it is set otherwise."""
    command.add_argument("spec", metavar="SPEC", help="a sweep file, or the name of one that ships with grokjax")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="override a key of the sweep file",
    )
    scale(command)


def scale(command: argparse.ArgumentParser) -> None:
    """A smaller version of a sweep."""
    command.add_argument("--scale", metavar="NAME", help="a smaller version that the sweep file states, such as cpu")


def training(command: argparse.ArgumentParser) -> None:
    """How a sweep is trained."""
    command.add_argument(
        "--lanes", type=positive, metavar="N", help="lanes of one device (default: chosen from memory)"
    )
    command.add_argument("--executor", choices=("map", "vmap"), help="how lanes are mapped (default: map on a CPU)")
    command.add_argument("--device", metavar="cpu|gpu:N", help="where to train (default: what JAX prefers)")
    command.add_argument("--max-seconds", type=seconds, metavar="S", help="stop after this time; exit status 75")
    command.add_argument(
        "--save-seconds", type=seconds, default=30.0, metavar="S", help="time between saves (default: 30)"
    )
    command.add_argument("--fail-on-diverged", action="store_true", help="exit status 3 if a run diverged")


def folders(command: argparse.ArgumentParser) -> None:
    """One folder or several."""
    command.add_argument("folders", metavar="DIR", nargs="+", help="folder of a sweep; several are shown as one sweep")


def rule(command: argparse.ArgumentParser) -> None:
    """The rule that labels runs with phases."""
    command.add_argument(
        "--rule", metavar="NAME", help="phase rule: default, liu2022, pair2023, doshi2024 (default: the sweep's own)"
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="thresholds",
        help="another threshold of the rule, such as generalized=0.9",
    )


def where(command: argparse.ArgumentParser) -> None:
    """A selection of runs."""
    command.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="'KEY OP VALUE'",
        help="only these runs; OP is = != < <= > >= in",
    )
