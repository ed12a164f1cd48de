"""The one place that tells what went wrong, and settles the exit code.

0    done, or the reader of the output went away     3    the device is missing
1    a check did not hold                             70   a bug in cnnx
2    a wrong command line, spec or file               130  interrupted
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from contextlib import suppress
from types import TracebackType

import typer
from typer.exceptions import TyperException

from cnnx.errors import CnnxError, SpecError, printable

INTERRUPTED = 130
BUG = 70
# How Typer says something, and how we do.
_IN_OUR_STYLE = (
    (re.compile(r"Value error, "), ""),
    (re.compile(r"\. Did you mean (.*)\?$"), r"; did you mean \1?"),
    (re.compile(r" \(Possible options: (.*)\)$"), r"; did you mean \1?"),
    (re.compile(r"argument\(s\) \((.*)\)$"), r"argument '\1'"),
)


class Told:
    """A context in which every exception is told on standard error; `exit_code` has what it comes to."""

    def __init__(self, *, debug: bool) -> None:
        self.debug = debug
        self.exit_code = 0

    def __enter__(self) -> Told:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is None:
            return True
        if isinstance(error, SystemExit | GeneratorExit):
            return False
        if self.debug and not isinstance(error, typer.Exit | BrokenPipeError):
            traceback.print_exception(error)
        self.exit_code = _tell(error)
        return True


def _tell(error: BaseException) -> int:
    """Tell what went wrong and give the exit code."""
    match error:
        case typer.Exit():
            return error.exit_code
        case BrokenPipeError():
            return _leave_quietly()
        case KeyboardInterrupt() | typer.Abort():
            _print("error", "interrupted")
            return INTERRUPTED
        case SpecError():
            for problem in error.problems:
                _print("error", str(problem))
            return error.exit_code
        case CnnxError():
            _print("error", str(error))
            return error.exit_code
        case TyperException():
            _print("error", _usage(error))
            return 2
        case OSError():
            named = f"{printable(error.filename)}: " if error.filename else "the output cannot be written: "
            _print("error", f"{named}{error.strerror or error}")
            return 2
    _print("bug", f"{type(error).__name__}: {error}; this is a mistake in cnnx; --debug shows where")
    return BUG


def _usage(error: TyperException) -> str:
    """Say what is wrong with the command line in our words' style, and where help is."""
    message = printable(error.format_message()).rstrip(".")
    for found, written in _IN_OUR_STYLE:
        message = found.sub(written, message)
    told = f"{message[:1].lower()}{message[1:]}"
    if told.endswith("?"):
        return told
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "cnnx"
    return f"{told}; `{command} --help` shows what can be given"


def _leave_quietly() -> int:
    """Let nothing more be written to the pipe that was closed, when the streams are flushed at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return 0


def _print(word: str, message: str) -> None:
    from cnnx.report.console import error_console
    from cnnx.report.failure import print_failure

    with suppress(OSError):  # nobody reads standard error: then nobody can be told
        print_failure(error_console(), word, message)
