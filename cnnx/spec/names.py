"""The names of specs, parameters, counters and streams: how they are written."""

from __future__ import annotations

import re
from typing import Any

from cnnx.errors import RuleError
from cnnx.spec.expressions import INCOMING, RESERVED
from cnnx.spec.values import show_value

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def check_name(name: object, what: str = "a name") -> str:
    """Check the name of a spec, parameter or stream: lower case, digits, underscores, at most 64 characters.

    Raises `RuleError` otherwise.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise RuleError(
            f"{what} has lower-case letters, digits and underscores, a letter first, at most 64, not {show_value(name)}"
        )
    return name


def check_free_name(name: object, what: str) -> str:
    """Check the name of a parameter, a counter or an input, which expressions or Python code will use."""
    checked = check_name(name, what)
    if checked in RESERVED or checked in INCOMING or checked.startswith("in_"):
        raise RuleError(f"`{checked}` cannot name {what}: the language has another use for it")
    return checked


def read_sources(written: Any) -> tuple[str, ...]:
    """The streams of `from`: a name, or a list of names; one may stand in it twice."""
    names = written if isinstance(written, list) else [written]
    if not names:
        raise RuleError("a stream is needed here")
    return tuple([check_name(name, "a stream") for name in names])


def read_stream_names(written: Any) -> tuple[str, ...]:
    """The names that streams get: a name, or a list of different ones."""
    names = read_sources(written)
    if len(set(names)) != len(names):
        raise RuleError("different names are needed here")
    return names
