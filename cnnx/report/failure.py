"""How errors and warnings look: a word, then what is wrong, line by line as it was written."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from cnnx.report.console import print_lines
from cnnx.report.text import plain

_STYLES = {"error": "bold red", "warning": "bold yellow", "bug": "bold red"}


LONGEST_LINE = 1_000


def print_failure(console: Console, word: str, message: str) -> None:
    """Print `word: message`; further lines of the message, such as an excerpt with its caret, as they stand."""
    first, *others = [_bounded(plain(part)) for part in message.split("\n")]
    lines = [Text.assemble((f"{word}:", _STYLES[word]), f" {first}"), *map(Text, others)]
    print_lines(console, lines)


def _bounded(text: str) -> str:
    """Cut a line that only a name or path of absurd length can make so long."""
    beyond = len(text) - LONGEST_LINE
    return text if beyond <= 0 else f"{text[:LONGEST_LINE]}… and {beyond:,} more characters"
