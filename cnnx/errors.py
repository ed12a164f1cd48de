"""Every error that cnnx raises on purpose, and how it reads.

    CnnxError                     exit 2
    ├── UsageError                a wrong option, name or path on the command line or in a call
    │   └── InputError            inputs that a model cannot be run on
    ├── RuleError                 values that break a rule; raised low, without a place
    │   └── ExpressionError       an expression that cannot be read or evaluated
    ├── SpecError                 one or more problems in a spec, each with file, line and column
    ├── MemoryBudgetError         a tensor or model larger than the memory; refused before it is built
    ├── CheckError                exit 1: a check that was asked for failed
    └── DeviceError               exit 3: the device that was asked for is missing

The reason is raised low, where it is known. Context is added as it rises: a `RuleError` becomes a
`SpecError` in the step that caused it. One place, the command line, prints it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field


def printable(text: object) -> str:
    r"""Write text in one line that does nothing to a terminal: a line's end as `\n`, an escape code as `\x1b`."""
    written = str(text)
    if written.isprintable():
        return written
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in written)


def brief(text: object, most: int = 80) -> str:
    """Write text with at most so many letters; an ellipsis stands for the rest."""
    written = str(text)
    return written if len(written) <= most else f"{written[: most - 1]}…"


class CnnxError(Exception):
    """The root of the tree: a message for people in one line and, where there is one, a hint at the remedy.

    What a user wrote may stand in both, whatever it is; `more` are further lines.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", more: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = printable(message)
        self.hint = printable(hint)
        self.more = tuple(map(printable, more))

    def __str__(self) -> str:
        return "\n".join([f"{self.message}; {self.hint}" if self.hint else self.message, *self.more])


class UsageError(CnnxError):
    """A wrong option, name or path."""


class InputError(UsageError):
    """Inputs that a model cannot be run on: too few, too many, or of a shape or type that it does not take."""


class MemoryBudgetError(CnnxError):
    """Something larger than the memory of this machine, refused before it is built."""


class CheckError(CnnxError):
    """A check that the user asked for did not hold."""

    exit_code = 1


class DeviceError(CnnxError):
    """The device that was asked for cannot be used here."""

    exit_code = 3


class RuleError(CnnxError, ValueError):
    """Values that break a rule of the language or of an operation.

    `option` names the option to blame, so that the step can point at it.
    """

    def __init__(self, message: str, *, hint: str = "", option: str = "") -> None:
        super().__init__(message, hint=hint)
        self.option = option


class ExpressionError(RuleError):
    """An expression that cannot be read or evaluated."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a spec, and where (lines and columns count from 1; 0 is unknown).

    `file` is empty where the message names it.
    """

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    length: int = 1
    source_line: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Give the problem as `file:line:column: message`, with the line and a caret beneath."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        head = printable(f"{where}: {self.message}" if where else self.message)
        if not self.line or not self.source_line.strip():
            return f"{head}; {printable(self.hint)}" if self.hint else head
        return f"{head}\n{self._excerpt()}"

    def _excerpt(self) -> str:
        # A long line is shown around the column, so that the caret stays in sight.
        start = max(0, self.column - 60)
        shown = self.source_line[start : start + 100]
        gutter = f"{self.line:5d} | "
        caret = "^" * max(1, min(self.length, len(shown) - (self.column - 1 - start)))
        pointer = " " * 5 + " | " + " " * (self.column - 1 - start) + caret
        return f"{gutter}{shown}\n{pointer}" + (f"  {printable(self.hint)}" if self.hint else "")


class SpecError(CnnxError):
    """One or more problems in a spec, in the order of their places."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        told = "\n".join(map(str, self.problems))
        super().__init__(told)
        self.message = told  # in as many lines as it has


def nearest(word: str, choices: Iterable[str]) -> str:
    """Give the hint ``did you mean `x`?`` for the choice most like `word`, or nothing."""
    by_lower = {choice.lower(): choice for choice in sorted(choices)}
    found = difflib.get_close_matches(word[:64].lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean `{by_lower[found[0]]}`?" if found else ""
