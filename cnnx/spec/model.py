"""A spec as a frozen, validated model: what the YAML file says, with every place compiled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from cnnx.errors import Problem, RuleError
from cnnx.spec.actions import Step
from cnnx.spec.expressions import Expression, compile_expression
from cnnx.spec.names import check_free_name, check_name
from cnnx.spec.options import Appended, Strict
from cnnx.spec.places import Data, Reader, StreamNames, check_count, read_count
from cnnx.spec.values import show_value
from cnnx.spec.yaml_reader import Mark, MarkedDict, Source

_FIGURE = re.compile(r"([0-9]+)(?:\.([0-9]+))?([KMG])?")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True, slots=True)
class Figure:
    """A published figure with the rounding that its writing states: `1.8G` is known to 0.1·10⁹."""

    written: str
    value: Decimal
    step: Decimal

    def matches(self, exact: int | Decimal) -> bool:
        """Say whether an exact figure, rounded as this one is, gives this one."""
        rounded = (Decimal(exact) / self.step).quantize(Decimal(1), ROUND_HALF_UP) * self.step
        return rounded == self.value


def read_figure(written: Any) -> Figure:
    """Read an exact integer, or a rounded one such as `5.48M` or `1.8G`."""
    if isinstance(written, int) and not isinstance(written, bool) and written >= 0:
        return Figure(str(written), Decimal(written), Decimal(1))
    match = _FIGURE.fullmatch(written) if isinstance(written, str) else None
    if match is None or (match[2] and not match[3]):
        raise RuleError(f"{show_value(written)} is not a figure: an integer, or a rounded one such as 5.48M or 1.8G")
    whole, decimals, unit = match[1], match[2] or "", match[3] or ""
    step = Decimal(_UNITS[unit]).scaleb(-len(decimals))
    return Figure(str(written), Decimal(f"{whole}.{decimals or 0}") * _UNITS[unit], step)


def read_percentage(written: Any) -> float:
    """Read an accuracy in percent."""
    if isinstance(written, bool) or not isinstance(written, (int, float)) or not 0 <= written <= 100:
        raise RuleError(f"{show_value(written)} is not a percentage, from 0 to 100")
    return float(written)


def read_shape(written: Any) -> tuple[int, ...]:
    """Read the shape of a map, [channels, height, width], or of a vector, [length]."""
    if not isinstance(written, list) or len(written) not in (1, 3):
        raise RuleError("a shape is [channels, height, width], or [length] for a vector")
    return tuple(check_count(size) for size in written)


def read_extent(written: Any) -> tuple[int, int]:
    """Read a receptive field: one integer for both axes, or [height, width]."""
    pair = written if isinstance(written, list) else [written, written]
    if len(pair) != 2:
        raise RuleError("a receptive field is one integer, or [height, width]")
    return check_count(pair[0]), check_count(pair[1])


def read_working(written: Any) -> Expression:
    """Read a working: an expression in which · and × multiply."""
    if isinstance(written, int) and not isinstance(written, bool):
        written = str(written)
    if not isinstance(written, str):
        raise RuleError("a working is an expression, such as 256·1·1·64 + 64")
    return compile_expression(written.replace("·", "*").replace("×", "*").replace("−", "-"))


def _read_input(written: Any) -> tuple[Reader[int], Reader[int], Reader[int]]:
    if not isinstance(written, list) or len(written) != 3:
        raise RuleError("an input is [channels, height, width]")
    channels, height, width = (read_count(size) for size in written)
    return channels, height, width


def _named(what: str) -> PlainValidator:
    return PlainValidator(lambda name: check_name(name, what))


def _freely_named(what: str) -> PlainValidator:
    return PlainValidator(lambda name: check_free_name(name, what))


Text = Annotated[str, Field(min_length=1)]
FigurePlace = Annotated[Figure, PlainValidator(read_figure)]
ShapePlace = Annotated[tuple[int, ...], PlainValidator(read_shape)]
InputPlace = Annotated[tuple[Reader[int], Reader[int], Reader[int]], PlainValidator(_read_input)]
ParameterName = Annotated[str, _freely_named("a parameter")]


class Origin(Strict):
    """Where a spec comes from: a paper, a page, or an implementation."""

    paper: Text | None = None
    arxiv: Text | None = None
    year: int | None = Field(None, ge=1900, le=2100)
    title: Text | None = None
    url: Text | None = None
    code: Text | None = None
    note: Text | None = None


class Worked(Strict):
    """A figure that a text works out; `working` must give it."""

    arguments: Annotated[dict[str, Data], Field(alias="with")] = {}
    of: Annotated[str | None, _named("a variant")] = None
    input: ShapePlace | None = None
    params: FigurePlace | None = None
    macs: FigurePlace | None = None
    output: ShapePlace | None = None
    receptive_field: Annotated[tuple[int, int] | None, PlainValidator(read_extent)] = None
    working: Annotated[Expression | None, PlainValidator(read_working)] = None
    source: Text | None = None
    note: Text | None = None


class Published(Strict):
    """Figures of a paper or an implementation, as exact or as rounded as they were published."""

    arguments: Annotated[dict[str, Data], Field(alias="with")] = {}
    of: Annotated[str | None, _named("a variant")] = None
    input: ShapePlace | None = None
    params: FigurePlace | None = None
    macs: FigurePlace | None = None
    flops: FigurePlace | None = None
    top1: Annotated[float | None, PlainValidator(read_percentage)] = None
    top5: Annotated[float | None, PlainValidator(read_percentage)] = None
    source: Text
    note: Text | None = None


class Body(Strict):
    """Parameters, inputs, steps and outputs: what a spec and a local block have in common."""

    parameters: dict[ParameterName, Data] = {}
    input: dict[Annotated[str, _freely_named("an input")], InputPlace]
    layers: list[Step]
    outputs: StreamNames | None = None


class Block(Body):
    """A block local to a file; without `input` it takes whatever stream enters."""

    title: Text | None = None
    summary: Text | None = None
    input: dict[Annotated[str, _freely_named("an input")], InputPlace] = {}


class Spec(Body):
    """A block, a network, or a family of them."""

    title: Text | None = None
    summary: Text | None = None
    source: Origin | None = None
    family: Text | None = None
    tags: list[Text] = []
    defaults: dict[str, dict[str, Any]] = {}
    blocks: dict[Annotated[str, _named("a block")], Block] = {}
    variants: dict[Annotated[str, _named("a variant")], dict[ParameterName, Data]] = {}
    default: Annotated[str | None, _named("a variant")] = None
    published: list[Published] = []
    worked: list[Worked] = []


@dataclass(frozen=True, slots=True)
class SpecFile:
    """A spec with its name and its text, so that later errors can show where they come from."""

    name: str
    path: Path
    text: Source = field(repr=False)
    data: MarkedDict = field(repr=False)
    spec: Spec = field(repr=False)
    appended: Appended = field(repr=False)

    def problem(self, at: Mark, message: str, hint: str = "") -> Problem:
        """Make a problem at a place of this file."""
        return self.text.problem(at, message, hint)

    def mark(self, *keys: str | int) -> Mark:
        """Give the place of the entry that is reached by `keys`, or of the nearest one above it."""
        return find_mark(self.data, keys)


def find_mark(data: Any, keys: tuple[str | int, ...] | list[str | int], *, of_key: bool = False) -> Mark:
    """Walk marked data along `keys`, past what is not in it, and give the place of the last one found."""
    mark = Mark(1, 1)
    for key in keys:
        if isinstance(data, MarkedDict) and key in data.values_at:
            name = str(key)
            mark = data.keys_at[name] if of_key and key == keys[-1] else data.values_at[name]
            data = data[name]
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            mark = data.items_at[key] if hasattr(data, "items_at") else mark
            data = data[key]
        elif isinstance(data, Mapping) and key in data:
            data = data[str(key)]
    return mark
