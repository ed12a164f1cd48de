"""Places: what may stand where a spec wants a count, a flag, a word … and how it is read.

A place takes what was written, checks at once what can be checked at once, and gives a `Reader`, which is
read in a scope when its step runs. Literal values cost nothing then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import PlainValidator

from cnnx.errors import RuleError, nearest
from cnnx.spec.expressions import INCOMING, RESERVED, Expression, Scope, compile_expression
from cnnx.spec.names import read_sources, read_stream_names
from cnnx.spec.values import Value, bounded, describe

T = TypeVar("T")

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Reader(Generic[T]):
    """An option's value as it was written, and how to read it in a scope."""

    written: Any
    read: Callable[[Scope], T]
    names: frozenset[str] = frozenset()


Padding = tuple[int, int] | str  # (height, width) on each side, or `same` or `tf_same`


def check_count(value: Value, least: int = 1) -> int:
    """Check an integer of at least `least`; booleans, words, 32.0 and NaN are none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise RuleError(_not_an_integer(value))
    if value < least:
        raise RuleError(f"{value} is too small; at least {least} is needed here")
    bounded(value)
    return value


def _not_an_integer(value: Value) -> str:
    if isinstance(value, float):
        return f"{value} is not an integer; write an integer, or use // to divide"
    return f"{describe(value)}; an integer is needed here"


def _number_place(written: Any, check: Callable[[Value], T]) -> Reader[T]:
    """Read a literal or an expression; check a literal at once."""
    if isinstance(written, str):
        expression = compile_expression(written)
        return Reader(written, _checked(expression, check), expression.names)
    value = check(written)
    return Reader(written, lambda scope: value)


def _checked(expression: Expression, check: Callable[[Value], T]) -> Callable[[Scope], T]:
    def read(scope: Scope) -> T:
        value = expression.run(scope)
        try:
            return check(value)
        except RuleError as error:
            raise _explained(error, expression, value, scope) from None

    return read


def _explained(error: RuleError, expression: Expression, value: Value, scope: Scope) -> RuleError:
    """Say which expression gave the value; offer the nearest parameter where the value is a word."""
    hint = error.hint
    if isinstance(value, str):
        hint = nearest(value, [*scope.names, *INCOMING]) or hint
        message = error.message
    else:
        message = f"`{expression.text}`: {error.message}"
    return RuleError(message, hint=hint)


def _pair(written: Any, check: Callable[[Value], int]) -> Reader[tuple[int, int]]:
    """Read `n` or `[height, width]`."""
    if not isinstance(written, list):
        return _number_place(written, lambda value: _as_pair(value, check))
    if len(written) != 2:
        raise RuleError(f"{len(written)} numbers; one, or [height, width], is needed here")
    height, width = (_number_place(item, check) for item in written)
    names = height.names | width.names
    return Reader(written, lambda scope: (height.read(scope), width.read(scope)), names)


def _as_pair(value: Value, check: Callable[[Value], int]) -> tuple[int, int]:
    if isinstance(value, list):
        if len(value) != 2:
            raise RuleError(f"{len(value)} numbers; one, or [height, width], is needed here")
        return check(value[0]), check(value[1])
    number = check(value)
    return number, number


def _not_negative(value: Value) -> int:
    return check_count(value, 0)


def read_count(written: Any) -> Reader[int]:
    """An integer of at least 1."""
    return _number_place(written, check_count)


def read_index(written: Any) -> Reader[int]:
    """An integer of at least 0."""
    return _number_place(written, _not_negative)


def read_pair(written: Any) -> Reader[tuple[int, int]]:
    """One integer of at least 1 for both axes, or [height, width]."""
    return _pair(written, check_count)


def read_padding(written: Any) -> Reader[Padding]:
    """`same`, `valid`, `tf_same`, an integer of at least 0, or [height, width]."""
    words: Mapping[str, Padding] = {"same": "same", "tf_same": "tf_same", "valid": (0, 0)}
    if isinstance(written, str) and written in words:
        padding = words[written]
        return Reader(written, lambda scope: padding)
    if isinstance(written, list):
        pair = _pair(written, _not_negative)
        return Reader(written, pair.read, pair.names)

    def check(value: Value) -> Padding:
        if isinstance(value, str):
            if value in words:
                return words[value]
            raise RuleError(f"`{value}` is no padding; same, valid, tf_same or a number is", hint=nearest(value, words))
        return _as_pair(value, _not_negative)

    return _data_place(written, check) if is_word(written) else _number_place(written, check)


def read_sides(written: Any) -> Reader[tuple[int, int, int, int]]:
    """Four integers of at least 0: [top, bottom, left, right]."""
    if not isinstance(written, list) or len(written) != 4:
        raise RuleError("four numbers are needed here: [top, bottom, left, right]")
    top, bottom, left, right = (read_index(item) for item in written)
    names = top.names | bottom.names | left.names | right.names
    return Reader(
        written,
        lambda scope: (top.read(scope), bottom.read(scope), left.read(scope), right.read(scope)),
        names,
    )


def read_flag(written: Any) -> Reader[bool]:
    """True or false, or an expression that is one of them."""

    def check(value: Value) -> bool:
        if not isinstance(value, bool):
            raise RuleError(f"{describe(value)}; true or false is needed here")
        return value

    return _number_place(written, check)


def read_condition(written: Any) -> Reader[bool]:
    """An expression whose truth decides; 0 and an empty list are false, a word is an error."""

    def check(value: Value) -> bool:
        if isinstance(value, str | dict) or value is None:
            raise RuleError(f"{describe(value)}; a condition is needed here")
        return bool(value)

    return _number_place(written, check)


def read_number(written: Any) -> Reader[float]:
    """A finite number."""

    def check(value: Value) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise RuleError(f"{describe(value)}; a number is needed here")
        bounded(value)
        return value

    return _number_place(written, check)


def fixed_word(word: str) -> Reader[str]:
    """A word that is no parameter's name, whatever parameters there are: the key of a step."""
    return Reader(word, lambda scope: word)


def read_word(written: Any) -> Reader[str]:
    """A word, or a parameter that holds one; a fixed word stays as it is."""
    if isinstance(written, Reader):
        return written

    def check(value: Value) -> str:
        if not isinstance(value, str):
            raise RuleError(f"{describe(value)}; a word is needed here")
        return value

    return _data_place(written, check)


def read_data(written: Any) -> Reader[Value]:
    """A value of a parameter, row, variant or argument: a number, a boolean, a word, an expression, a list."""
    return _data_place(written, lambda value: value)


def _data_place(written: Any, check: Callable[[Value], T]) -> Reader[T]:
    if isinstance(written, list):
        items = [read_data(item) for item in written]
        names = frozenset[str]().union(*(item.names for item in items))
        return Reader(written, lambda scope: check([item.read(scope) for item in items]), names)
    if written is None or isinstance(written, dict):
        raise RuleError("a value is needed here: a number, a word, true or false, an expression or a list")
    if isinstance(written, str) and _WORD.fullmatch(written) and written not in RESERVED and written not in INCOMING:
        return Reader(written, lambda scope: check(scope.names.get(written, written)))
    return _number_place(written, lambda value: check(bounded(value)))


def is_word(written: Any) -> bool:
    """Say whether a lone identifier was written, which may be a parameter's name."""
    return isinstance(written, str) and _WORD.fullmatch(written) is not None


# pydantic takes what a validator gives and asks no further. Told the true types, it would build schemas of
# them, which took most of the time that a command needs to start.
if TYPE_CHECKING:
    Count = Reader[int]
    Index = Reader[int]
    Pair = Reader[tuple[int, int]]
    PaddingPlace = Reader[Padding]
    Sides = Reader[tuple[int, int, int, int]]
    Flag = Reader[bool]
    Condition = Reader[bool]
    Number = Reader[float]
    Word = Reader[str]
    Data = Reader[Value]
    Sources = tuple[str, ...]
    StreamNames = tuple[str, ...]
else:
    Count = Annotated[Any, PlainValidator(read_count)]
    Index = Annotated[Any, PlainValidator(read_index)]
    Pair = Annotated[Any, PlainValidator(read_pair)]
    PaddingPlace = Annotated[Any, PlainValidator(read_padding)]
    Sides = Annotated[Any, PlainValidator(read_sides)]
    Flag = Annotated[Any, PlainValidator(read_flag)]
    Condition = Annotated[Any, PlainValidator(read_condition)]
    Number = Annotated[Any, PlainValidator(read_number)]
    Word = Annotated[Any, PlainValidator(read_word)]
    Data = Annotated[Any, PlainValidator(read_data)]
    Sources = Annotated[Any, PlainValidator(read_sources)]
    StreamNames = Annotated[Any, PlainValidator(read_stream_names)]
