"""Reading a baseline: text of anybody's making, so every part of it is checked, and the first that is wrong is named.

Two schemas are read: that of `cnnx.analysis.budgets.baseline`, and the JSON in which commands answer (`cnnx/1`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from cnnx.analysis.budgets.baseline import SCHEMA, Baseline, Kept
from cnnx.analysis.budgets.budgets import GROWTH, LIMITED
from cnnx.analysis.budgets.snapshot import Asked, LayerCost, Snapshot
from cnnx.errors import UsageError, brief
from cnnx.graph.operation import Shape
from cnnx.spec.values import Value

ANSWER = "cnnx/1"
MAX_BYTES = 8 << 20  # every network and block of cnnx together takes 5 MiB, the largest of them 0.2
MAX_RESULTS = 2_000
MAX_LAYERS = 20_000  # of a result; the largest network of cnnx has 1,249
MAX_VALUES = 2_000  # of a result's settings and shapes
MAX_TEXT = 500
MAX_LIST_DEPTH = 8  # of a parameter's value
WRITE_ONE = "`cnnx check NAME --write-baseline FILE` writes one"
_OPEN = ("settings", "given_inputs", "parameters", "input", "output")  # these may hold any number of values
# What GitHub's runner would take for a command of a workflow if a name brought it into the log.
_COMMANDS = ("::", "##[")


def read_baseline(path: Path) -> Baseline:
    """Read a baseline. Raises `UsageError` for a file that cannot be read, or that does not hold one."""
    whole = _Place(str(path), (), _load(path))
    schema = whole.value.get("schema") if isinstance(whole.value, dict) else None
    if schema not in (SCHEMA, ANSWER):
        found = "it names no schema" if schema is None else f"its schema is {brief(json.dumps(schema), 60)}"
        raise UsageError(f"{path} is no baseline: {found}, not `{SCHEMA}`", hint=WRITE_ONE)
    read = _kept if schema == SCHEMA else partial(_answer, whole)
    results = whole.get("results")
    results.check_length(MAX_RESULTS)
    return Baseline(str(path), tuple([read(result) for result in results.items()]))


def _load(path: Path) -> Any:
    """Read JSON from a regular file of bounded size."""
    try:
        text = _text(path)
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"--baseline {brief(path, 200)}: {reason}") from None
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise UsageError(f"{path} is not JSON that can be read: it is nested too deep") from None
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {brief(error, 200)}", hint=WRITE_ONE) from None


def _text(path: Path) -> bytes:
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a baseline")
    if not path.exists():
        raise UsageError(f"{path}: no such file", hint=WRITE_ONE)
    if not path.is_file():
        raise UsageError(f"{path} is not a regular file")
    if path.stat().st_size > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES >> 20} MiB, which no baseline is")
    return path.read_bytes()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


class _Place(NamedTuple):  # which is made faster than a dataclass; there are hundreds of thousands
    """A value in the file, and where it stands: the keys and positions that lead to it."""

    file: str
    path: tuple[str | int, ...]
    value: Any

    @property
    def where(self) -> str:
        """Write where it stands: `results[0].layers[3].name`."""
        parts = [f"[{part}]" if isinstance(part, int) else f".{brief(part, 60)}" for part in self.path]
        return "".join(parts).removeprefix(".")

    def wrong(self, needed: str) -> UsageError:
        """Say what is needed here."""
        found = brief(json.dumps(self.value, ensure_ascii=False), 60)
        return UsageError(f"{self.file}: {self.where or 'the whole'} is {found}, where {needed} is needed")

    def has(self, key: str) -> bool:
        """Say whether there is an entry of this name that is not null."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def get(self, key: str) -> _Place:
        """Give the entry of this name."""
        if not isinstance(self.value, dict):
            raise self.wrong("a mapping")
        found = _Place(self.file, (*self.path, key), self.value.get(key))
        if found.value is None:
            raise UsageError(f"{self.file} lacks {found.where}", hint=WRITE_ONE)
        return found

    def items(self) -> Iterator[_Place]:
        """Give the items of a list, one by one: there may be millions, and the first may be wrong."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        for number, item in enumerate(self.value):
            yield _Place(self.file, (*self.path, number), item)

    def check_length(self, most: int) -> None:
        """Check that a list has no more items than any honest one."""
        if isinstance(self.value, list) and len(self.value) > most:
            raise UsageError(f"{self.file}: {self.where} has more than {most:,} items, which no baseline has")

    def entries(self) -> dict[str, _Place]:
        """Give the entries of a mapping."""
        if not isinstance(self.value, dict):
            raise self.wrong("a mapping")
        return {name: _Place(self.file, (*self.path, name), value) for name, value in self.value.items()}

    def integer(self) -> int:
        """Read a count."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.wrong("an integer of at least 0")
        return self.value

    def text(self) -> str:
        """Read a name or the like."""
        value = self.value
        if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
            raise self.wrong("a short text")
        if _has_command(value):
            raise self.wrong("a text without :: or ##[")
        return value

    def texts(self) -> tuple[str, ...]:
        """Read a list of texts."""
        return tuple([item.text() for item in self.items()])

    def setting(self, depth: int = 0) -> Value:
        """Read the value of a parameter: a number, true or false, a word, or a list of such."""
        if isinstance(self.value, list) and depth < MAX_LIST_DEPTH:
            return [item.setting(depth + 1) for item in self.items()]
        if isinstance(self.value, (int, float)):
            return self.value
        return self.text()

    def shape(self) -> Shape:
        """Read a shape."""
        return tuple([size.integer() for size in self.items()])

    def shapes(self) -> dict[str, Shape]:
        """Read the shapes of streams by their names."""
        return {name: place.shape() for name, place in self.entries().items()}


def _has_command(text: str) -> bool:
    return _COMMANDS[0] in text or _COMMANDS[1] in text


def _kept(result: _Place) -> Kept:
    asked = Asked(
        settings=_values(result.get("settings")),
        inputs=result.get("given_inputs").texts() if result.has("given_inputs") else None,
        dtype=result.get("dtype").text(),
        batch=result.get("batch").integer(),
        convention=result.get("convention").text(),
    )
    return Kept(_snapshot(result, asked, result.get("figures"), "layers"), knows_asked=True)


def _answer(whole: _Place, result: _Place) -> Kept:
    """Read one result of the JSON in which a command answers."""
    measured = next((place for place in _measured(whole, result) if place.has("dtype") and place.has("batch")), None)
    asked = Asked(
        settings={},
        dtype="float32" if measured is None else measured.get("dtype").text(),
        batch=1 if measured is None else measured.get("batch").integer(),
        convention=whole.get("convention").text(),
    )
    return Kept(_snapshot(result, asked, result, "nodes"), knows_asked=False)


def _measured(whole: _Place, result: _Place) -> Iterator[_Place]:
    """Give the places at which the commands say for which numbers and how many images the bytes are."""
    yield whole
    yield from [place.get(key) for place, key in ((result, "memory"), (whole, "environment")) if place.has(key)]


def _snapshot(result: _Place, asked: Asked, figures: _Place, layers: str) -> Snapshot:
    _check_size(result, layers)
    needed = [name for name in LIMITED if name in GROWTH or figures.has(name)]
    memory = result.get("memory") if result.has("memory") else result
    return Snapshot(
        name=result.get("name").text(),
        asked=asked,
        parameters=_values(result.get("parameters")),
        input=result.get("input").shapes(),
        output=result.get("output").shapes(),
        figures={name: figures.get(name).integer() for name in needed},
        peak_node=memory.get("peak_node").text() if memory.has("peak_node") else "",
        layers=tuple(map(_layer, result.get(layers).items())) if result.has(layers) else None,
    )


def _check_size(result: _Place, layers: str) -> None:
    """Check that a result has no more layers, and no more settings and sizes, than any honest one."""
    if result.has(layers):
        result.get(layers).check_length(MAX_LAYERS)
    waiting, values = [result.value.get(key) for key in _OPEN], 0
    while waiting and values <= MAX_VALUES:
        value = waiting.pop()
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        values += 1
        waiting += islice(inside, MAX_VALUES)
    if values > MAX_VALUES:
        raise UsageError(f"{result.file}: {result.where} has more than {MAX_VALUES:,} settings and sizes")


def _layer(place: _Place) -> LayerCost:
    name, settings = _text_of(place, "name"), _text_of(place, "settings") if place.has("settings") else ""
    return LayerCost(
        name,
        f"{_text_of(place, 'operation')} {settings}".rstrip(),
        output=place.get("output").shape(),
        params=_count_of(place, "params"),
        macs=_count_of(place, "macs"),
        flops=_count_of(place, "flops"),
        activation_elements=_count_of(place, "activation_elements"),
    )


# There may be many layers: what is as it should be is read without saying where it stands.
def _text_of(place: _Place, key: str) -> str:
    value = place.value.get(key) if isinstance(place.value, dict) else None
    if isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable() and not _has_command(value):
        return value
    return place.get(key).text()


def _count_of(place: _Place, key: str) -> int:
    value = place.value.get(key)
    return value if type(value) is int and value >= 0 else place.get(key).integer()


def _values(place: _Place) -> dict[str, Value]:
    """Read settings or parameters by their names."""
    return {_Place(place.file, place.path, name).text(): value.setting() for name, value in place.entries().items()}
