"""What every number that carries an expression has: its number, comparisons, and the ways back to plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from cnnx.analysis.formulas.conditions import Trail
from cnnx.analysis.formulas.polynomial import Polynomial, constant

Number: TypeAlias = int | float  # a pair is one too


class Carrying:
    """A number with its expression; what is decided by comparing it, the trail notes."""

    number: Number  # the plain one
    expression: Polynomial
    trail: Trail

    def __eq__(self, other: object) -> Any:
        return _decide(self, "==", other, lambda one, two: one == two)

    def __ne__(self, other: object) -> Any:
        return _decide(self, "!=", other, lambda one, two: one != two)

    def __lt__(self, other: object) -> Any:
        return _decide(self, "<", other, lambda one, two: one < two)

    def __le__(self, other: object) -> Any:
        return _decide(self, "<=", other, lambda one, two: one <= two)

    def __gt__(self, other: object) -> Any:
        return _decide(self, ">", other, lambda one, two: one > two)

    def __ge__(self, other: object) -> Any:
        return _decide(self, ">=", other, lambda one, two: one >= two)

    def __hash__(self) -> int:
        return hash(self.number)

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __int__(self) -> int:
        """Give the plain number: from here on the symbols in it are not carried, so they must stay numbers."""
        self.trail.taken |= self.expression.symbols
        return int(self.number)


def plain(number: Any) -> Any:
    """Give the plain number of a pair, and any other value as it is."""
    return number.number if isinstance(number, Carrying) else number


def expression_of(number: Number | Carrying) -> Polynomial:
    """Give the expression of a pair, and a plain number as one."""
    return number.expression if isinstance(number, Carrying) else constant(number)


def _decide(one: Carrying, relation: str, other: object, compare: Callable[[Any, Any], bool]) -> Any:
    """Compare the numbers, and note which way it went unless the two are the same expression."""
    if not isinstance(other, (int, float)):
        return NotImplemented
    outcome = compare(one.number, plain(other))
    left, right = one.expression, expression_of(other)
    whole = isinstance(one.number, int) and isinstance(plain(other), int)
    if relation in (">", ">="):
        left, right, relation = right, left, {">": "<", ">=": "<="}[relation]
    if left != right:
        one.trail.decide(left, relation, right, outcome, whole=whole)
    return outcome
