"""Every error that cnnx raises on purpose, and how it reads.

    CnnxError                     exit 2
    ├── UsageError                a wrong option, name or path on the command line or in a call
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


class CnnxError(Exception):
    """The root of the tree: a message for people and, where there is one, a hint at the remedy."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(CnnxError):
    """A wrong option, name or path."""


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
    """One thing that is wrong in a spec, and where (lines and columns count from 1; 0 is unknown)."""

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
        head = f"{where}: {self.message}"
        if not self.line or not self.source_line.strip():
            return f"{head}; {self.hint}" if self.hint else head
        return f"{head}\n{self._excerpt()}"

    def _excerpt(self) -> str:
        # A long line is shown around the column, so that the caret stays in sight.
        start = max(0, self.column - 60)
        shown = self.source_line[start : start + 100]
        gutter = f"{self.line:5d} | "
        caret = "^" * max(1, min(self.length, len(shown) - (self.column - 1 - start)))
        pointer = " " * 5 + " | " + " " * (self.column - 1 - start) + caret
        return f"{gutter}{shown}\n{pointer}" + (f"  {self.hint}" if self.hint else "")


class SpecError(CnnxError):
    """One or more problems in a spec, in the order of their places."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(word: str, choices: Iterable[str]) -> str:
    """Give the hint ``did you mean `x`?`` for the choice most like `word`, or nothing."""
    found = difflib.get_close_matches(word[:64], sorted(set(choices)), n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else ""
