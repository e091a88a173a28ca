"""The command line: what was typed, which command that is, and how it ends."""

from grokjax.cli.main import main

__all__ = ["main"]
