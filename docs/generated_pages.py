"""Pages of the site that are made from the code: the catalogue, a page for each kind of part, and the command line."""

import argparse
import inspect
import re
from pathlib import Path

from grokjax.cli.parser import make_parser
from grokjax.core.catalogue import KINDS, catalogue
from grokjax.core.part import Part
from grokjax.report.catalogue_text import setting_rows

HEADS = ("setting", "swept or static", "default", "unit", "bounds", "meaning")
_CODE = re.compile(r"(`[^`]*`)")
_MARKUP = re.compile(r"([\\*_<>\[\]$#|~])")
_BAR = re.compile(r"(?<!\\)\|")  # inside code it would end a cell all the same


def write_pages(folder: Path) -> None:
    """Write all pages into `folder`; one that says the same as before is left as it is."""
    pages = {
        "catalogue": index_page(),
        **{kind: kind_page(kind) for kind in KINDS},
        "command-line": command_line_page(),
    }
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text() != text:  # Sphinx builds a page again when its file is newer
            path.write_text(text)


def command_line_page() -> str:
    """What `grokjax --help` and `grokjax COMMAND --help` print."""
    parser = make_parser()
    helps = {"# Command line": parser, **{f"## {name}": command for name, command in parser.commands.items()}}
    return "\n\n".join(f"{heading}\n\n```text\n{_help_of(shown)}```" for heading, shown in helps.items()) + "\n"


def _help_of(parser: argparse.ArgumentParser) -> str:
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=80)  # not as wide as this terminal
    return parser.format_help()


def index_page() -> str:
    """Which kinds there are, and what their parts are called."""
    lines = [f"| [{kind}]({kind}.md) | {', '.join(f'`{name}`' for name in catalogue(kind))} |" for kind in KINDS]
    toctree = "\n".join(["```{toctree}", ":hidden:", "", *KINDS, "```"])
    return "\n".join([_INTRODUCTION, "| | |", "|---|---|", *lines, "", toctree, ""])


def kind_page(kind: str) -> str:
    """All parts of one kind: `tasks`, `models`, ..."""
    parts = [part_section(name, cls) for name, cls in catalogue(kind).items()]
    return "\n\n".join([f"# {kind.capitalize()}", markdown(inspect.getdoc(KINDS[kind]) or ""), *parts]) + "\n"


def part_section(name: str, cls: type[Part]) -> str:
    """One part: its documentation, its paper, its presets and a table of its settings."""
    paragraphs = [f"## {name}", markdown(inspect.getdoc(cls) or "")]
    if cls.paper:
        paragraphs.append(f"Paper: {markdown(cls.paper)}")
    if cls.presets:
        paragraphs.append(f"Presets: {', '.join(f'`{preset}`' for preset in cls.presets)}")
    if rows := setting_rows(cls):
        paragraphs.append(_table(rows))
    return "\n\n".join(paragraphs)


def markdown(text: str) -> str:
    """A docstring as Markdown: paragraphs, lists, code and indented pictures stay, a lone * or _ means itself."""
    lines = (line if line.startswith("    ") else _escaped(line) for line in text.splitlines())
    return "\n".join(lines)


def _escaped(line: str) -> str:
    return "".join(part if _CODE.fullmatch(part) else _MARKUP.sub(r"\\\1", part) for part in _CODE.split(line))


def _table(rows: list[tuple[str, str, str, str, str, str]]) -> str:
    used = [column for column in range(len(HEADS)) if any(row[column] for row in rows)]  # most parts have no units
    cells = [[HEADS[column] for column in used], ["---"] * len(used)]
    for row in rows:
        texts = [f"`{row[column]}`" if column == 0 else _escaped(row[column]) for column in used]
        cells.append([_BAR.sub(r"\|", text) for text in texts])
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


_INTRODUCTION = """# Catalogue

Every part that a sweep file may name by its `kind`, with its settings. A *swept* setting is a number that the compiled
program takes as data: runs that differ in it train together. A *static* one shapes the program, so each of its values
is compiled anew. `grokjax list KIND` prints the same in a terminal.
"""
