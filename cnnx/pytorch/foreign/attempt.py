"""The boundary to code that is not cnnx's own, which may raise anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from cnnx.errors import CnnxError, UsageError, brief

LONGEST_MESSAGE = 300


class Attempt:
    """A context that ends where an exception is raised, and keeps it: `error` is None if all went well.

    A model's own `sys.exit` is such an exception too, and whatever else it may raise; Ctrl-C is not.
    """

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None or isinstance(error, KeyboardInterrupt):
            return False
        self.error = error
        return True


@contextmanager
def as_usage_error(what: str) -> Iterator[None]:
    """Raise what is raised as a `UsageError` that says that `what` raised it; cnnx's own errors pass as they are."""
    with Attempt() as attempt:
        yield
    if isinstance(attempt.error, CnnxError):
        raise attempt.error
    if attempt.error is not None:
        raise UsageError(f"{what} raised {told(attempt.error)}") from attempt.error


def told(error: BaseException | None) -> str:
    """Say what was raised, with its type: `ValueError: width is 0`; the first line, where it has several."""
    message = ""
    with Attempt():  # what a model raises may fail to say what it is
        message = next(iter(str(error).strip().splitlines()), "").rstrip(".")
    return brief(f"{type(error).__name__}: {message}" if message else type(error).__name__, LONGEST_MESSAGE)
