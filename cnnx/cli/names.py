"""What a user wrote on the command line, as the language's data: names with settings, parameters, input shapes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnx.errors import ExpressionError, RuleError, UsageError, brief

if TYPE_CHECKING:
    from cnnx.graph.graph import Graph
    from cnnx.graph.operation import Shape
    from cnnx.spec.library import Library, Target
    from cnnx.spec.values import Value

_INPUT = re.compile(r"[0-9]{1,18}([x×X*,][0-9]{1,18}){2}")
_PYTHONS: Mapping[str, bool | None] = {"None": None, "True": True, "False": False}  # as Python writes them
_OPENING, _CLOSING = "[(", "])"
MAX_LIST_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Loaded:
    """A spec as it was named, found and expanded."""

    label: str
    target: Target
    graph: Graph


def load(name: str, library: Library, shared: Mapping[str, Value], input_shape: Shape | None) -> Loaded:
    """Find and expand `NAME` or `NAME@k=v,k=v`; `shared` settings hold where the name gives none of its own."""
    from cnnx.graph.expand import expand

    bare, own = split_name(name)
    target = library.open(bare)
    return Loaded(name, target, expand(target, library, {**shared, **own}, input_shape))


def bare_name(name: str) -> str:
    """Give a name or path without the settings or arguments behind its @. Raises `UsageError`."""
    return _cut(name)[0]


def split_name(name: str) -> tuple[str, dict[str, Value]]:
    """Split `NAME@k=v,k=v` into the name or path of a spec and its settings. Raises `UsageError`."""
    bare, settings = _cut(name)
    return bare, read_settings(settings, f"{bare}@")


def split_model_name(name: str) -> tuple[str, dict[str, Any]]:
    """Split the name of a model in Python from its arguments in the same way. Raises `UsageError`."""
    bare, arguments = _cut(name)
    return bare, read_arguments(arguments, f"{bare}@")


def _cut(name: str) -> tuple[str, list[str]]:
    bare, at, settings = name.rpartition("@")
    if not at or ("=" not in settings and os.path.exists(name)):  # noqa: PTH110 - False for any text
        return name, []
    if not bare:
        raise UsageError(f"`{brief(name)}` names no spec before the @")
    return bare, [*_parts(settings)]


def read_settings(written: Iterable[str], where: str = "--set ") -> dict[str, Value]:
    """Read `k=v` by `k=v`; values are numbers, booleans, words, expressions without names, or lists of such.

    Raises `UsageError`.
    """
    return _read(written, where, _value)


def read_arguments(written: Iterable[str], where: str = "--arg ") -> dict[str, Any]:
    """Read the same for a function in Python: None, True and False too, and what is no expression is a text.

    `efficientnet-b0` is one, and so is whatever stands in quotes. Raises `UsageError`.
    """
    return _read(written, where, _argument)


def _read(written: Iterable[str], where: str, read: Callable[[str], Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for setting in written:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            what = "an argument is written k=v, such as width=2"
            if read is _value:
                what = "a setting is written k=v, such as r=8"
            raise UsageError(f"{where}{brief(setting)}: {what}")
        if name.strip() in values:
            raise UsageError(f"{where}{brief(setting)}: `{brief(name.strip(), 64)}` is set twice")
        try:
            values[name.strip()] = read(text.strip())
        except (RuleError, ValueError) as error:
            raise UsageError(f"{where}{brief(setting)}: {error}") from None
    return values


def _argument(text: str) -> Any:
    if text in _PYTHONS:
        return _PYTHONS[text]
    if len(text) > 1 and text[0] in "'\"" and text[0] == text[-1]:
        return text[1:-1]
    try:
        return _value(text)
    except RuleError:
        if text.startswith("[") or not any(map(str.isalpha, text)):
            raise
        return text


def _value(text: str) -> Value:
    from cnnx.spec.expressions import Scope
    from cnnx.spec.places import read_data

    return read_data(_written(text, 0)).read(Scope({}, {}))


def _written(text: str, depth: int) -> object:
    """Read a scalar or a list of them as the YAML of a spec would give it."""
    from cnnx.spec.yaml_reader import read_scalar

    if depth > MAX_LIST_DEPTH:
        raise ExpressionError(f"lists nested more than {MAX_LIST_DEPTH} deep")
    if not text:
        raise ExpressionError("no value")
    if not text.startswith("["):
        return read_scalar(text)
    if not text.endswith("]"):
        raise ExpressionError("a list that is not closed")
    return [_written(part.strip(), depth + 1) for part in _parts(text[1:-1])] if text[1:-1].strip() else []


def _parts(text: str) -> Iterator[str]:
    """Split at the commas that stand in no brackets."""
    depth, start = 0, 0
    for number, character in enumerate(text):
        depth += (character in _OPENING) - (character in _CLOSING)
        if character == "," and depth == 0:
            yield text[start:number]
            start = number + 1
    yield text[start:]


def read_input(text: str | None) -> Shape | None:
    """Read an input shape, `256x56x56`: channels, height, width of one image. Raises `UsageError`."""
    from cnnx.graph.binding import check_input

    if text is None:
        return None
    if _INPUT.fullmatch(text) is None:
        raise UsageError(f"--input {brief(text, 60)}: an input is channels, height and width, such as 256x56x56")
    return check_input([int(size) for size in re.split(r"[x×X*,]", text)])
