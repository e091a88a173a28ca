"""The command line: what was typed, which command that is, and how it ends."""

from grokjax.cli.main import end_process, main

__all__ = ["end_process", "main"]
