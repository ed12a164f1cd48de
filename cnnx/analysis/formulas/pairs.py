"""Numbers that carry their formula: the rules of cnnx, run on them unchanged, give both.

A `Pair` is an int, and a `RealPair` a float, beside an expression over symbols. The number decides conditions, loops,
`max` and divisibility, as ever; the expression runs along, and the trail notes what was decided. Where `a // b` leaves
nothing the expression is the exact quotient, under the condition that b divides a; else it is a floor.

A pair also remembers the products of which it was added up, so that a figure can be shown as it came about.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from cnnx.analysis.formulas.carrying import Carrying, Number, expression_of, plain
from cnnx.analysis.formulas.conditions import Trail
from cnnx.analysis.formulas.polynomial import Polynomial, call, constant
from cnnx.spec import values

Factor: TypeAlias = tuple[Polynomial, Number]  # an expression and its number
Product: TypeAlias = tuple[Factor, ...]

MOST_PRODUCTS = 12  # a longer sum is one factor from then on


class _Arithmetic(Carrying):
    """What int and float pairs have in common: every operator works on the number and on the expression."""

    _products: tuple[Product, ...]

    @property
    def products(self) -> tuple[Product, ...]:
        """The products whose sum this is."""
        return self._products or (((self.expression, self.number),),)

    @property
    def factors(self) -> Product:
        """The factors whose product this is; a sum is one factor."""
        return self._products[0] if len(self._products) == 1 else ((self.expression, self.number),)

    def __add__(self, other: Number) -> Any:
        if not _is_number(other):
            return NotImplemented
        return self if _is_plain(other, 0) else _plus(self, other)

    def __radd__(self, other: Number) -> Any:
        if not _is_number(other):
            return NotImplemented
        return self if _is_plain(other, 0) else _plus(other, self)

    def __mul__(self, other: Number) -> Any:
        if not _is_number(other):
            return NotImplemented
        return self if _is_plain(other, 1) else _times(self, other)

    def __rmul__(self, other: Number) -> Any:
        if not _is_number(other):
            return NotImplemented
        return self if _is_plain(other, 1) else _times(other, self)

    def __sub__(self, other: Number) -> Any:
        return _make(self.trail, self.number - plain(other), self.expression - expression_of(other))

    def __rsub__(self, other: Number) -> Any:
        return _make(self.trail, plain(other) - self.number, expression_of(other) - self.expression)

    def __neg__(self) -> Any:
        return _make(self.trail, -self.number, -self.expression)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return -self if self < 0 else self

    def __truediv__(self, other: Number) -> Any:
        return _over(self, other)

    def __rtruediv__(self, other: Number) -> Any:
        return _over(other, self)

    def __floordiv__(self, other: Number) -> Any:
        return _floored(self, other)

    def __rfloordiv__(self, other: Number) -> Any:
        return _floored(other, self)

    def __mod__(self, other: Number) -> Any:
        return _left_over(self, other)

    def __rmod__(self, other: Number) -> Any:
        return _left_over(other, self)

    def __pow__(self, other: Number) -> Any:
        exponent = int(other)  # an exponent stays a number
        return _make(self.trail, self.number**exponent, self.expression**exponent)

    def __rpow__(self, other: Number) -> Any:
        return plain(other) ** int(self)

    def __floor__(self) -> Any:
        return _rounded(self, math.floor, "floor")

    def __ceil__(self) -> Any:
        return _rounded(self, math.ceil, "ceil")

    def __round__(self, digits: int | None = None) -> Any:
        return _rounded(self, round, "round")

    def __make_divisible__(self, divisor: Number) -> Any:
        """Answer for `make_divisible`: the number itself where it is divisible already."""
        result = values.make_divisible(self.number, int(plain(divisor)))
        if result != self.number:
            return _make(self.trail, result, call("make_divisible", self.expression, expression_of(divisor)))
        self.trail.divide(self.expression, expression_of(divisor))
        return _make(self.trail, result, self.expression)

    def __alike__(self, number: float) -> RealPair:
        """Carry a float too, which would else answer in the place of an int pair to its right."""
        return RealPair(number, constant(number), self.trail)


class Pair(_Arithmetic, int):  # type: ignore[misc]  # its operators take and give pairs
    """An int with its expression."""

    def __new__(cls, number: int, expression: Polynomial, trail: Trail, products: tuple[Product, ...] = ()) -> Pair:
        """Make the int; `products` are those that it was added up from, where it was."""
        made = super().__new__(cls, number)
        made.number, made.expression, made.trail, made._products = number, expression, trail, products
        return made

    __hash__ = Carrying.__hash__


class RealPair(_Arithmetic, float):  # type: ignore[misc]  # the same
    """A float with its expression."""

    def __new__(cls, number: float, expression: Polynomial, trail: Trail) -> RealPair:
        """Make the float."""
        made = super().__new__(cls, number)
        made.number, made.expression, made.trail, made._products = number, expression, trail, ()
        return made

    __hash__ = Carrying.__hash__


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def _is_plain(value: object, number: int) -> bool:
    return type(value) is int and value == number


def _make(trail: Trail, number: Number, expression: Polynomial, products: tuple[Product, ...] = ()) -> Carrying:
    if isinstance(number, int):
        return Pair(number, expression, trail, products)
    return RealPair(number, expression, trail)


Operand: TypeAlias = Number | Carrying


def _trail(one: Operand, other: Operand) -> Trail:
    carrying = one if isinstance(one, Carrying) else other
    assert isinstance(carrying, Carrying)  # one of the two is a pair
    return carrying.trail


def _plus(one: Operand, other: Operand) -> Carrying:
    products = (*products_of(one), *products_of(other))
    return _make(
        _trail(one, other),
        plain(one) + plain(other),
        expression_of(one) + expression_of(other),
        products if len(products) <= MOST_PRODUCTS else (),
    )


def _times(one: Operand, other: Operand) -> Carrying:
    product = (*_factors(one), *_factors(other))
    return _make(
        _trail(one, other),
        plain(one) * plain(other),
        expression_of(one) * expression_of(other),
        (product,),
    )


def products_of(number: Operand) -> tuple[Product, ...]:
    """Give the products whose sum a number is; a plain one is a product of itself."""
    return number.products if isinstance(number, _Arithmetic) else (((expression_of(number), plain(number)),),)


def _factors(number: Operand) -> Product:
    return number.factors if isinstance(number, _Arithmetic) else ((expression_of(number), plain(number)),)


def _over(one: Operand, other: Operand) -> Carrying:
    """Divide: the number is a float, as in Python, and the expression the exact quotient."""
    return _make(_trail(one, other), plain(one) / plain(other), expression_of(one) / expression_of(other))


def _floored(one: Operand, other: Operand) -> Carrying:
    if _is_plain(other, 1) and isinstance(one, Pair):
        return one
    trail, value, divisor = _trail(one, other), expression_of(one), expression_of(other)
    whole, rest = divmod(plain(one), plain(other))
    if rest == 0:
        return _make(trail, whole, trail.divide(value, divisor))
    return _make(trail, whole, call("floor", value / divisor))


def _left_over(one: Operand, other: Operand) -> Any:
    """Give the remainder; that there is none is a condition, and 0 then for all that meets it."""
    if _is_plain(other, 1) and isinstance(one, Pair):
        return 0
    trail, value, divisor = _trail(one, other), expression_of(one), expression_of(other)
    rest = plain(one) % plain(other)
    if rest == 0:
        trail.divide(value, divisor)
        return rest
    return _make(trail, rest, call("mod", value, divisor))


def _rounded(pair: Carrying, compute: Callable[[Number], int], function: str) -> Any:
    """Round a float pair; one that is an integer already is so under a condition."""
    if isinstance(pair.number, int):
        return pair
    number = compute(pair.number)
    if number != pair.number:
        return _make(pair.trail, number, call(function, pair.expression))
    pair.trail.expect_integer(pair.expression)
    return _make(pair.trail, number, pair.expression)
