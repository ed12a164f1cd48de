"""The pages of `--help`: Typer's own, which on a terminal of fewer columns put what is told beneath what it is of."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

NARROW = 52  # columns; Typer's two columns need as many
LEAST = 20
# What Typer writes behind an argument's name, in words of Python.
_TYPE = re.compile(r" <(?:list\[)?str\]?>$")
_EXAMPLE = re.compile(r"^( *)(.*?)(?: {2,}(.*))?$")  # its indent, the command, what is told of it
_KEPT = "\N{NO-BREAK SPACE}"  # nothing is divided here
_Formatter: Any = typer.Context.formatter_class


class Page(_Formatter):  # type: ignore[misc]  # Typer's formatter is not exported: its type is not known here
    """A page as wide as the terminal, and no wider than `max_width`."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        columns = min(shutil.get_terminal_size().columns, max_width or NARROW)
        super().__init__(indent_increment, max(LEAST, columns - 2) if width is None else width, max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write names and what is told of them, beside each other where there is room for it."""
        plain = [(_TYPE.sub("", name), told) for name, told in rows]
        if self.width >= NARROW - 2:
            super().write_dl(plain, col_max, col_spacing)
            return
        for name, told in plain:
            self.write_text(name)
            with self.indentation(), self.indentation():
                self.write_text(told)

    def write_text(self, text: str) -> None:
        """Write paragraphs; examples, which keep their lines, are divided only where they are wider than the page."""
        room = self.width + 2 - self.current_indent  # what keeps its lines may reach up to the edge
        parts = ["\n".join(_divided(part, room)) if part[:1] == "\b" else part for part in text.split("\n\n")]
        super().write_text("\n\n".join(parts))


def _divided(examples: str, room: int) -> Iterator[str]:
    """Divide examples that are too wide as a shell lets them be, and put beneath them what is told of them."""
    for line in examples.split("\n"):
        if len(line) <= room:
            yield line
            continue
        indent, command, told = _EXAMPLE.findall(line)[0]
        fits = len(indent) + len(command) <= room or not command.startswith("cnnx")
        yield from [indent + command] if fits else _continued(command, indent, room)
        yield from textwrap.wrap(told, room, initial_indent=f"{indent}    ", subsequent_indent=f"{indent}    ")


def _continued(command: str, indent: str, room: int) -> Iterator[str]:
    """Divide a command into lines that a shell joins again; an option stays with its value."""
    kept = re.sub(r"(-\S+|>) (?=[^\s-])", rf"\1{_KEPT}", command)
    parts = textwrap.wrap(kept, room - len(indent) - 4, break_long_words=False, break_on_hyphens=False)
    for number, part in enumerate(parts, 1):
        more = "" if number == len(parts) else " \\"
        yield f"{indent}{'  ' if number > 1 else ''}{part.replace(_KEPT, ' ')}{more}"


class _Context(typer.Context):
    formatter_class = Page


class Command(TyperCommand):
    """A command whose help is such a page."""

    context_class = _Context


class Group(TyperGroup):
    """The application, whose help is such a page."""

    context_class = _Context
