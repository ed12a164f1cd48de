"""The two consoles: data goes to standard output, everything else to standard error.

Whether to colour is settled here, since rich alone colours with `FORCE_COLOR=0` and with `TERM=dumb`. A stream
that is no terminal is never wrapped or shrunk.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TextIO

from rich.console import Console
from rich.text import Text


class Pipe(Console):
    """A console whose reader may go away: the caller is told, where rich would end the process with exit code 1."""

    def on_broken_pipe(self) -> None:
        """Raise what was raised."""
        raise BrokenPipeError


def is_terminal(stream: TextIO | None) -> bool:
    """Say whether a stream is a terminal."""
    return stream is not None and not stream.closed and stream.isatty()


def wants_colour(terminal: bool, environment: Mapping[str, str]) -> bool:
    """Say whether to colour: https://no-color.org and https://force-color.org, then what the terminal can do."""
    forced = environment.get("FORCE_COLOR", "")
    if environment.get("NO_COLOR") or forced == "0":
        return False
    return bool(forced) or (terminal and environment.get("TERM", "") not in ("dumb", "unknown", ""))


def make_console(stream: TextIO | None, environment: Mapping[str, str] | None = None) -> Console:
    """Make the console of a stream; one that is closed swallows what it is given."""
    environment = os.environ if environment is None else environment
    terminal = is_terminal(stream)
    colour = wants_colour(terminal, environment)
    return Pipe(
        file=io.StringIO() if stream is None else stream,
        color_system="auto" if colour else None,
        force_terminal=colour,
        no_color=not colour,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def out_console() -> Console:
    """Make the console for data."""
    return make_console(sys.stdout)


def error_console() -> Console:
    """Make the console for errors, warnings and remarks."""
    return make_console(sys.stderr)


def width_of(stream: TextIO | None) -> int | None:
    """Give how many columns a terminal has; None for a stream that is none."""
    if not is_terminal(stream) or stream is None:
        return None
    written = os.environ.get("COLUMNS", "")
    if written.isdigit() and int(written) > 0:
        return int(written)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return 80  # a terminal that does not tell its size


def print_lines(console: Console, lines: Iterable[Text]) -> None:
    """Print lines as they are, neither wrapped nor cut."""
    console.print(Text("\n").join(lines), soft_wrap=True)
