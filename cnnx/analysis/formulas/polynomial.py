"""The expressions that pairs carry: sums of products of powers, exact, of symbols that stand for positive integers.

Exponents may be negative, coefficients are integers or fractions. What is no such sum, `⌊c/3⌋` or
`make_divisible(c, 8)`, is a `Call` and takes part as a symbol does. Two equal expressions are equal objects, however
they came about. sympy could do all of this; at 0.1 to 1 ms an operation, ten thousand layers would take minutes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from cnnx.spec.values import make_divisible

Coefficient: TypeAlias = int | Fraction
Values: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of expressions: a key of `FUNCTIONS`."""

    function: str
    arguments: tuple[Polynomial, ...]

    def at(self, values: Values) -> Fraction:
        """Give its value with numbers in the place of the symbols."""
        return Fraction(FUNCTIONS[self.function](*[argument.at(values) for argument in self.arguments]))


Atom: TypeAlias = str | Call  # a symbol's name, or a call
Monomial: TypeAlias = frozenset[tuple[Atom, int]]  # atoms with their exponents, none of which is 0

_ONE: Monomial = frozenset()


class Polynomial:
    """A sum of coefficients times powers of atoms; it is never changed."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: Mapping[Monomial, Coefficient]) -> None:
        self.terms = terms
        self._hash: int | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.terms == other.terms

    def __repr__(self) -> str:
        return f"Polynomial({dict(self.terms)})"

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __add__(self, other: Polynomial) -> Polynomial:
        return _collect([*self.terms.items(), *other.terms.items()])

    def __neg__(self) -> Polynomial:
        return Polynomial({monomial: -coefficient for monomial, coefficient in self.terms.items()})

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + -other

    def __mul__(self, other: Polynomial) -> Polynomial:
        return _collect(
            [
                (_together(one, two), left * right)
                for one, left in self.terms.items()
                for two, right in other.terms.items()
            ]
        )

    def __pow__(self, exponent: int) -> Polynomial:
        return math.prod([self] * exponent, start=constant(1))

    def __truediv__(self, other: Polynomial) -> Polynomial:
        """Give the exact quotient; one by a sum is a product with its inverse."""
        if self == other:
            return constant(1)
        if len(other.terms) != 1:
            return self * _atom(Call("inverse", (other,)))
        ((monomial, coefficient),) = other.terms.items()
        inverse = frozenset([(atom, -exponent) for atom, exponent in monomial])
        return self * Polynomial({inverse: Fraction(1) / coefficient})

    @property
    def number(self) -> Coefficient | None:
        """Its value, if no symbol is in it."""
        if not self.terms:
            return 0
        return self.terms.get(_ONE) if len(self.terms) == 1 else None

    @property
    def is_atom(self) -> bool:
        """Whether it is one symbol or call alone."""
        return len(self.atoms) == 1 and self.terms == _atom(*self.atoms).terms

    @property
    def atoms(self) -> frozenset[Atom]:
        """The symbols and calls that stand in it, not those within calls."""
        return frozenset([atom for monomial in self.terms for atom, _ in monomial])

    @property
    def symbols(self) -> frozenset[str]:
        """All its symbols, those within calls too."""
        found: set[str] = set()
        for atom in self.atoms:
            found |= {atom} if isinstance(atom, str) else _symbols_of(atom)
        return frozenset(found)

    @property
    def is_integral(self) -> bool:
        """Whether it is an integer for all integers in the place of its symbols, as far as can be seen."""
        return all(
            type(coefficient) is int and all(exponent > 0 and _is_integer(atom) for atom, exponent in monomial)
            for monomial, coefficient in self.terms.items()
        )

    def is_positive(self, at_least_one: Collection[Atom] = ()) -> bool:
        """Say whether it is above 0 for all positive integers, as far as can be seen.

        Symbols are at least 1, and so is `make_divisible`; other calls, none of which is below 0, where they are
        among `at_least_one`.
        """

        def is_large(atom: Atom) -> bool:
            return isinstance(atom, str) or atom.function == "make_divisible" or atom in at_least_one

        def moved(atom: Atom) -> Polynomial | None:
            """Write it as 1 + n with n ≥ 0: if no coefficient is below 0 then, the constant one settles it."""
            return _atom(atom) + constant(1) if is_large(atom) else None

        if self.terms and all(each > 0 for each in self.terms.values()) and all(map(is_large, self.atoms)):
            return True
        terms = self.parts()[0].replaced(moved).terms
        return all(coefficient > 0 for coefficient in terms.values()) and _ONE in terms

    def at(self, values: Values) -> Fraction:
        """Give its exact value with numbers in the place of the symbols."""
        terms = [
            coefficient * math.prod([_value(atom, values) ** exponent for atom, exponent in monomial])
            for monomial, coefficient in self.terms.items()
        ]
        return Fraction(sum(terms))

    def parts(self) -> tuple[Polynomial, Polynomial]:
        """Give a numerator without fractions and its denominator, a product."""
        lowest: dict[Atom, int] = {}
        for monomial in self.terms:
            for atom, exponent in monomial:
                lowest[atom] = min(lowest.get(atom, 0), exponent)
        powers = frozenset([(atom, -exponent) for atom, exponent in lowest.items() if exponent < 0])
        scale = math.lcm(*[Fraction(coefficient).denominator for coefficient in self.terms.values()])
        denominator = Polynomial({powers: scale})
        return self * denominator, denominator

    def replaced(self, replacement: Callable[[Atom], Polynomial | None]) -> Polynomial:
        """Put something else in the place of atoms whose exponents are positive; None leaves one as it is."""
        whole = constant(0)
        for monomial, coefficient in self.terms.items():
            powers = [(replacement(atom) or _atom(atom)) ** exponent for atom, exponent in monomial]
            whole += math.prod(powers, start=constant(coefficient))
        return whole

    def primitive(self) -> Polynomial:
        """Give an integral sum, freed from the largest number that divides all of it."""
        common = math.gcd(*[int(coefficient) for coefficient in self.terms.values()]) or 1
        return Polynomial({monomial: int(coefficient) // common for monomial, coefficient in self.terms.items()})

    def sides(self) -> tuple[Polynomial, Polynomial]:
        """Split a sum into what it takes away and what it adds."""
        away = {monomial: -coefficient for monomial, coefficient in self.terms.items() if coefficient < 0}
        return Polynomial(away), Polynomial({key: value for key, value in self.terms.items() if value > 0})


def constant(number: float | Fraction) -> Polynomial:
    """Give a number as an expression: a decimal as the fraction that it is written as."""
    exact = Fraction(repr(number)) if isinstance(number, float) else number
    return Polynomial({_ONE: _lowest(exact)} if exact else {})


def symbol(name: str) -> Polynomial:
    """Make the symbol of a parameter."""
    return _atom(name)


def call(function: str, *arguments: Polynomial) -> Polynomial:
    """Apply one of `FUNCTIONS`; of numbers it is a number."""
    applied = Call(function, arguments)
    if all(argument.number is not None for argument in arguments):
        return constant(applied.at({}))
    return _atom(applied)


def add_up(summands: Iterable[Polynomial]) -> Polynomial:
    """Add many expressions up."""
    return _collect([term for summand in summands for term in summand.terms.items()])


def _atom(atom: Atom) -> Polynomial:
    return Polynomial({frozenset([(atom, 1)]): 1})


def _collect(terms: Iterable[tuple[Monomial, Coefficient]]) -> Polynomial:
    """Add like terms up."""
    found: dict[Monomial, Coefficient] = {}
    for monomial, coefficient in terms:
        found[monomial] = found.get(monomial, 0) + coefficient
    return Polynomial({monomial: _lowest(coefficient) for monomial, coefficient in found.items() if coefficient})


def _lowest(number: Coefficient) -> Coefficient:
    return number.numerator if number.denominator == 1 else number


def _together(one: Monomial, two: Monomial) -> Monomial:
    if not one or not two:
        return one or two
    powers = dict(one)
    for atom, exponent in two:
        powers[atom] = powers.get(atom, 0) + exponent
    return frozenset([(atom, exponent) for atom, exponent in powers.items() if exponent])


def _symbols_of(atom: Call) -> set[str]:
    return {name for argument in atom.arguments for name in argument.symbols}


def _value(atom: Atom, values: Values) -> Fraction:
    return Fraction(values[atom]) if isinstance(atom, str) else atom.at(values)


def _is_integer(atom: Atom) -> bool:
    return isinstance(atom, str) or atom.function != "inverse"


def _made_divisible(value: Fraction, divisor: Fraction) -> int:
    return make_divisible(int(value) if value.denominator == 1 else float(value), int(divisor))


# What an expression can be a function of: how each is computed from exact numbers.
FUNCTIONS: Mapping[str, Callable[..., int | Fraction]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "mod": lambda value, divisor: value % divisor,
    "make_divisible": _made_divisible,
    "inverse": lambda value: 1 / value,
}
