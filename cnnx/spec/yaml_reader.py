"""YAML text → plain data that knows where it stands, in one pass over PyYAML's events.

The reader is bounded (size, depth, nodes) and refuses what a spec has no use for: aliases, merge keys,
tags and duplicate keys. Plain scalars are those of YAML 1.2's core schema: `no` is a word, `017` is 17.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from cnnx.errors import Problem, SpecError, UsageError

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_DIGITS = 40
MAX_PROBLEMS = 100

Scalar = str | int | float | bool | None

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


class Mark(NamedTuple):
    """A place in a text: line and column count from 1; `length` characters belong to it."""

    line: int
    column: int
    length: int = 1


class MarkedDict(dict[str, Any]):
    """A mapping that knows the marks of its keys and of their values."""

    __slots__ = ("keys_at", "values_at")

    def __init__(self) -> None:
        super().__init__()
        self.keys_at: dict[str, Mark] = {}
        self.values_at: dict[str, Mark] = {}

    def put(self, key: str, value: Any, key_at: Mark, value_at: Mark) -> None:
        """Add one entry with its marks."""
        self[key] = value
        self.keys_at[key] = key_at
        self.values_at[key] = value_at

    def without(self, *keys: str) -> MarkedDict:
        """Give a copy without some of its entries."""
        copy = MarkedDict()
        for key, value in self.items():
            if key not in keys:
                copy.put(key, value, self.keys_at[key], self.values_at[key])
        return copy


class MarkedList(list[Any]):
    """A list that knows the marks of its items."""

    __slots__ = ("items_at",)

    def __init__(self) -> None:
        super().__init__()
        self.items_at: list[Mark] = []

    def put(self, value: Any, at: Mark) -> None:
        """Add one item with its mark."""
        self.append(value)
        self.items_at.append(at)


class Source(NamedTuple):
    """A text and the name under which its errors are reported."""

    file: str
    text: str

    def problem(self, at: Mark, message: str, hint: str = "") -> Problem:
        """Make a problem that shows the line it stands in."""
        lines = self.text.split("\n", at.line)
        line = lines[at.line - 1] if 0 < at.line <= len(lines) else ""
        return Problem(self.file, at.line, at.column, message, hint, at.length, line.rstrip("\r"))

    def note(self, problems: list[Problem], at: Mark, message: str, hint: str = "") -> None:
        """Add a problem to those of this text. Raises `SpecError` with all of them once they are very many."""
        problems.append(self.problem(at, message, hint))
        if len(problems) >= MAX_PROBLEMS:
            raise SpecError([Problem(self.file, 0, 0, f"{MAX_PROBLEMS} errors or more; the first are told"), *problems])


def read_source(path: Path) -> Source:
    """Read a spec's text: a regular file, strict UTF-8, at most 1 MiB.

    Raises `UsageError` where there is no such file and `SpecError` where it holds no such text.
    """
    name = str(path)
    try:
        if path.is_dir():
            raise UsageError(f"{name}: a folder, not a spec")
        if not path.exists():
            raise UsageError(f"{name}: no such file")
        if not path.is_file():
            raise UsageError(f"{name}: not a regular file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SpecError([Problem(name, 0, 0, f"{size} bytes; a spec has at most {MAX_BYTES} (1 MiB)")])
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{name}: {reason}") from None
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError([Problem(name, line, 1, f"not UTF-8: byte 0x{data[error.start]:02x}")]) from None


def read_yaml(source: Source) -> MarkedDict:
    """Read one YAML document whose root is a mapping.

    Raises `SpecError` with the place of the first thing that is not allowed.
    """
    return _Reader(source).read()


def read_scalar(text: str) -> Scalar:
    """Read a plain scalar as YAML 1.2's core schema does.

    Raises `ValueError` for a number of more than 40 digits.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise ValueError(f"a number of {len(text)} digits; at most {MAX_DIGITS} are read")
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _mark(event: Any) -> Mark:
    start, end = event.start_mark, event.end_mark
    length = end.index - start.index if end.line == start.line else 1
    return Mark(start.line + 1, start.column + 1, max(1, length))


class _Reader:
    """The state of one reading: the containers that are open and how much was read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.nodes = 0
        self.depth = 0

    def read(self) -> MarkedDict:
        loader = getattr(yaml, "CLoader", yaml.Loader)
        try:
            return self._document(yaml.parse(self.source.text, Loader=loader))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
            reason = str(error.problem or error.context)
            hint = "an expression with a bracket stands in quotes here" if reason.endswith("',' or '}'") else ""
            raise self._error(at, f"not valid YAML: {reason}", hint) from None
        except yaml.reader.ReaderError as error:
            raise self._error(self._place(error.position), f"not valid YAML: {error.reason}") from None
        except yaml.YAMLError as error:
            raise self._error(Mark(1, 1), f"not valid YAML: {str(error).splitlines()[0]}") from None

    def _place(self, position: int) -> Mark:
        """Give the place of a byte of the text."""
        before = self.source.text.encode()[:position].decode(errors="ignore").split("\n")
        return Mark(len(before), len(before[-1]) + 1)

    def _error(self, at: Mark, message: str, hint: str = "") -> SpecError:
        return SpecError([self.source.problem(at, message, hint)])

    def _document(self, events: Iterator[Any]) -> MarkedDict:
        root: MarkedDict | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise self._error(_mark(event), "a second document; a spec is one")
            if isinstance(event, yaml.MappingStartEvent):
                root = self._mapping(events, event)
            elif isinstance(event, yaml.NodeEvent):
                if isinstance(event, yaml.ScalarEvent) and _CONSTANTS.get(event.value, 0) is None:
                    break
                raise self._error(_mark(event), "a spec is a mapping of keys, such as `input:` and `layers:`")
        if root is None:
            raise SpecError([Problem(self.source.file, 0, 0, "the file is empty; a spec has `input` and `layers`")])
        return root

    def _value(self, events: Iterator[Any], event: Any, in_flow: bool) -> Any:
        self._check(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, in_flow)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, event)
        return self._sequence(events, event)

    def _mapping(self, events: Iterator[Any], start: Any) -> MarkedDict:
        self._enter(start)
        data = MarkedDict()
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key, key_at = self._key(event), _mark(event)
            if key in data:
                first = data.keys_at[key].line
                raise self._error(key_at, f"`{key}` is written twice; first in line {first}")
            value_event = next(events)
            data.put(key, self._value(events, value_event, bool(start.flow_style)), key_at, _mark(value_event))
        self.depth -= 1
        return data

    def _sequence(self, events: Iterator[Any], start: Any) -> MarkedList:
        self._enter(start)
        data = MarkedList()
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            data.put(self._value(events, event, bool(start.flow_style)), _mark(event))
        self.depth -= 1
        return data

    def _enter(self, event: Any) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(_mark(event), f"nested more than {MAX_DEPTH} levels deep")

    def _check(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._error(_mark(event), f"more than {MAX_NODES} values in one spec")
        if isinstance(event, yaml.AliasEvent):
            raise self._error(_mark(event), f"an alias (*{event.anchor}); write the value out")
        if event.anchor is not None:
            raise self._error(_mark(event), f"an anchor (&{event.anchor}); specs have no aliases")
        if event.tag is not None:
            raise self._error(_mark(event), f"a tag ({event.tag}); specs have none")

    def _key(self, event: Any) -> str:
        self._check(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._error(_mark(event), "a key is a word, not a list or a mapping")
        if event.value == "<<" and event.implicit[0]:
            raise self._error(_mark(event), "a merge key (<<); write the entries out")
        return str(event.value)

    def _scalar(self, event: Any, in_flow: bool) -> Scalar:
        text = str(event.value)
        if not event.implicit[0]:  # quoted or a block: text as it stands
            return text
        if in_flow and text.count("(") != text.count(")"):
            hint = f'write "{text}, …)" in quotes' if "(" in text else "put the whole expression in quotes"
            raise self._error(_mark(event), "a comma ends the value inside { } and [ ]; quote the expression", hint)
        try:
            return read_scalar(text)
        except ValueError as error:
            raise self._error(_mark(event), str(error)) from None
