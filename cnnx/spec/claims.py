"""Claims of articles and papers as data: what is claimed and where, how it is computed, and what came of it.

A file in a folder named `claims` has one `source` and its `claims`, each under a name of its own:

    bottleneck_saves:
      claim: A bottleneck has nearly one ninth of the weights of the 3×3 convolution that it replaces.
      where: the section on 1×1 convolutions
      figures:
        plain: {figure: params, of: plain3x3}
        thin: {figure: params, of: bottleneck, with: {r: 4}}
      computed:
        - {compute: plain / thin, working: 589824 / 69632, value: 8.47}
      verdict: holds rounded
      finding: 17/144, half-way between one ninth and one eighth.

A figure is one number of one spec; `at` takes the nodes under a name, `inception.0` or `unit.*.depthwise`, instead of
all. `compute` is an expression over
the figures, `value` what it gave when it was written down, `working` the same by hand, and `stated` what the source
says. Where a claim does not hold, `instead` says what does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, PlainValidator

from cnnx.errors import Problem
from cnnx.spec.expressions import Expression
from cnnx.spec.model import Figure, Origin, ShapePlace, Text, find_mark, read_figure, read_working
from cnnx.spec.names import check_free_name, check_name
from cnnx.spec.options import Strict
from cnnx.spec.places import Data
from cnnx.spec.values import Value, is_number
from cnnx.spec.yaml_reader import Mark, MarkedDict, Source

Verdict = Literal["holds", "holds rounded", "does not hold", "not a cost"]
FigureName = Literal[
    "params",
    "buffers",
    "macs",
    "flops",
    "activation_elements",
    "memory_access_elements",
    "channels",
    "height",
    "width",
    "receptive_field",
    "covered",
    "nodes",
    "paths",
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is written down: true or false, a number with the rounding that its writing states, or several."""

    written: str
    numbers: tuple[Figure, ...] = ()
    truth: bool | None = None

    def matches(self, value: Value) -> bool:
        """Say whether a value, rounded as this one is, gives this one."""
        return self._holds(value, exact=False)

    def equals(self, value: Value) -> bool:
        """Say whether a value is this one, without any rounding."""
        return self._holds(value, exact=True)

    def _holds(self, value: Value, *, exact: bool) -> bool:
        if self.truth is not None:
            return value is self.truth
        values = value if isinstance(value, list) else [value]
        if len(values) != len(self.numbers) or not all(map(is_number, values)):
            return False
        # The shortest decimal that means the number: 0.1 is 0.1, not what its bits come to.
        pairs = zip(self.numbers, (Decimal(repr(each)) for each in values), strict=True)
        return all(known.value == each if exact else known.matches(each) for known, each in pairs)


def read_known(written: Any) -> Known:
    """Read true, false, a number such as 69632, 8.47, 5.48M or 1.8G, or a list of numbers."""
    if isinstance(written, bool):
        return Known(str(written).lower(), truth=written)
    if isinstance(written, list) and written:
        numbers = tuple([_read_number(each) for each in written])
        return Known(f"[{', '.join(number.written for number in numbers)}]", numbers)
    number = _read_number(written)
    return Known(number.written, (number,))


def _read_number(written: Any) -> Figure:
    """Read a number; one with a decimal point, quoted or not, is known to its last digit."""
    decimal = isinstance(written, float) and isfinite(written)
    if not decimal and not (isinstance(written, str) and _DECIMAL.fullmatch(written)):
        return read_figure(written)
    value = Decimal(str(written))
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # neither infinite nor NaN
    return Figure(str(written), value, Decimal(1).scaleb(min(exponent, 0)))


def _read_claim_name(name: Any) -> str:
    return check_name(name, "the name of a claim")


def _read_figure_name(name: Any) -> str:
    return check_free_name(name, "a figure")


KnownPlace = Annotated[Known, PlainValidator(read_known)]
ExpressionPlace = Annotated[Expression, PlainValidator(read_working)]


class Quantity(Strict):
    """One figure of one spec, at its own parameters or at others."""

    figure: FigureName
    of: Text
    arguments: Annotated[dict[str, Data], Field(alias="with")] = {}
    input: ShapePlace | None = None
    at: Text | None = None


class Computed(Strict):
    """A value over the figures of a claim; what it was when it was written down, and what the source states."""

    what: Text | None = None
    compute: ExpressionPlace
    working: Annotated[Expression | None, PlainValidator(read_working)] = None
    value: KnownPlace
    stated: Annotated[Known | None, PlainValidator(read_known)] = None


class Claim(Strict):
    """What a source claims, and what is to be said of it."""

    claim: Text
    where: Text
    figures: dict[Annotated[str, PlainValidator(_read_figure_name)], Quantity] = {}
    computed: list[Computed] = []
    verdict: Verdict
    finding: Text | None = None
    instead: Text | None = None

    def problem_of_verdict(self) -> str:
        """Say what the verdict lacks, or has too much of; nothing where it is well founded."""
        if (self.verdict == "not a cost") != (not self.computed):
            return "a claim that is `not a cost` computes nothing, and any other computes something"
        if (self.verdict == "does not hold") != (self.instead is not None):
            return "where a claim `does not hold`, and only there, `instead` says what does"
        return ""


class Claims(Strict):
    """A source and its claims."""

    source: Origin
    claims: Annotated[dict[Annotated[str, PlainValidator(_read_claim_name)], Claim], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class ClaimFile:
    """The claims of one source with their text, so that errors can show where they come from."""

    name: str
    text: Source = field(repr=False)
    data: MarkedDict = field(repr=False)
    body: Claims = field(repr=False)

    def problem(self, keys: tuple[str | int, ...], message: str, hint: str = "") -> Problem:
        """Make a problem at the entry that is reached by `keys`."""
        return self.text.problem(self.mark(*keys), message, hint)

    def mark(self, *keys: str | int) -> Mark:
        """Give the place of the entry that is reached by `keys`, or of the nearest one above it."""
        return find_mark(self.data, keys)


def known_keys(keys: tuple[str | int, ...]) -> list[str]:
    """Name the keys that may stand where `keys` lead, for a hint."""
    within = [key for key in keys[:-1] if isinstance(key, str)]
    parts: dict[str, type[Strict]] = {"source": Origin, "figures": Quantity, "computed": Computed, "claims": Claim}
    part = next((parts[key] for key in reversed(within) if key in parts), Claims)
    return [entry.alias or name for name, entry in part.model_fields.items()]
