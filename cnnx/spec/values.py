"""The values of the spec language, their bounds, and the functions that expressions can call."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from cnnx.errors import ExpressionError, brief

Value = Any  # int, float, bool, a word (str), or a list of these: what a parameter can be

MAX_NUMBER = 10**18


def bounded(value: Value) -> Value:
    """Give back a value that is a finite number of at most 10^18 in size, a word, or a list of such.

    Raises `ExpressionError` for any other.
    """
    if isinstance(value, (int, float)) and not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise ExpressionError("a number that is not finite or larger than 10^18")
    return value


def show_value(value: object, most: int = 60) -> str:
    """Write a value in the words of the language and of YAML: `true`, `null`, `[1, 2]`, a word in backticks."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return brief(f"[{', '.join([show_value(item) for item in value[:most]])}]", most)
    if isinstance(value, dict):
        return "{…}"
    return f"`{brief(value, most)}`" if isinstance(value, str) else str(value)


_KINDS: Mapping[type, str] = {bool: "a boolean", str: "a word", list: "a list", dict: "a mapping"}


def describe(value: object) -> str:
    """Say what a value is: `true is a boolean`, `[1, 2] is a list`, `null is no value`."""
    kinds = [kind for type_, kind in _KINDS.items() if isinstance(value, type_)]
    return f"{show_value(value)} is {'no value' if value is None else kinds[0] if kinds else 'a number'}"


def is_number(value: Value) -> bool:
    """Say whether a value is a number; a boolean is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def alike(one: Value, other: Value) -> Value:
    """Give a float as a number of the other's kind, where that has one, so that the other's operators answer."""
    return other.__alike__(one) if type(one) is float and hasattr(other, "__alike__") else one


def all_alike(values: list[Value]) -> list[Value]:
    """Give the floats among values as numbers of the kind of another that has one of its own."""
    kin = next((value for value in values if hasattr(value, "__alike__")), 0)
    return [alike(value, kin) for value in values]


def make_divisible(value: float, divisor: int) -> int:
    """Round to the nearest multiple of `divisor`, at least one, never below 90 % of `value`.

    A value of a kind of its own may answer itself, as `__round__` lets it. Source: MobileNet's reference code
    (TF-slim, `mobilenet.py`), used by MobileNet v2, v3 and EfficientNet.
    """
    if hasattr(value, "__make_divisible__"):
        answer: int = value.__make_divisible__(divisor)
        return answer
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "len": len,
    "min": min,
    "max": max,
    "round": round,
    "ceil": math.ceil,
    "floor": math.floor,
    "abs": abs,
    "make_divisible": make_divisible,
}
ARITIES = {"min": (1, 32), "max": (1, 32), "make_divisible": (2, 2)}
