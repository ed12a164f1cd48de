"""Conditions under which a formula holds, and the trail that collects them while a spec is run on pairs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from cnnx.analysis.formulas.polynomial import Atom, Polynomial, Values, constant
from cnnx.spec.values import MAX_NUMBER

_OPPOSITE: Mapping[str, str] = {"==": "!=", "!=": "==", "<": "<=", "<=": "<"}  # the last two with the sides swapped


@dataclass(frozen=True, slots=True)
class Condition:
    """`left relation right`, where the relation is `divides`, `==`, `!=`, `<` or `<=`."""

    left: Polynomial
    relation: str
    right: Polynomial

    def holds(self, values: Values) -> bool:
        """Say whether it holds with numbers in the place of its symbols."""
        left, right = self.left.at(values), self.right.at(values)
        outcomes: Mapping[str, bool] = {
            "divides": left != 0 and right % left == 0,
            "==": left == right,
            "!=": left != right,
            "<": left < right,
            "<=": left <= right,
        }
        return outcomes[self.relation]


@dataclass(slots=True)
class Trail:
    """What a run on pairs met: conditions, each with whether both sides are integers, and what it took as a number."""

    met: dict[Condition, bool] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)  # symbols whose plain number was asked for

    def decide(self, left: Polynomial, relation: str, right: Polynomial, outcome: bool, *, whole: bool) -> None:
        """Note which way a comparison went; the limits of the language are no matter of a formula."""
        if not outcome:
            swaps, relation = relation in ("<", "<="), _OPPOSITE[relation]
            left, right = (right, left) if swaps else (left, right)
        if left != right and not _is_limit(left) and not _is_limit(right):
            self.met[Condition(left, relation, right)] = whole

    def divide(self, value: Polynomial, divisor: Polynomial) -> Polynomial:
        """Give the quotient of a division that leaves nothing; note what must divide what."""
        quotient = value / divisor
        if len(divisor.terms) == 1:
            self.expect_integer(quotient)
        elif not quotient.is_integral:
            self.met[Condition(divisor, "divides", value)] = True
        return quotient

    def expect_integer(self, expression: Polynomial) -> None:
        """Note that an expression is an integer, unless it always is one."""
        if not expression.is_integral:
            numerator, denominator = expression.parts()
            if denominator.number is not None:
                numerator = numerator.primitive()  # what is left out has no factor of the denominator
            self.met[Condition(denominator, "divides", numerator)] = True

    def conditions(self) -> tuple[Condition, ...]:
        """Give the conditions that can fail, those on divisors first, none that follows from another of these."""
        divisors = [condition for condition in self.met if condition.relation == "divides"]
        others = {condition: whole for condition, whole in self.met.items() if condition.relation != "divides"}
        counts = {atom for condition in others for atom in _counted(condition)}
        balanced = [_balanced(condition, whole, counts) for condition, whole in others.items()]
        return (*_strongest(divisors), *dict.fromkeys(condition for condition in balanced if condition is not None))


def _is_limit(expression: Polynomial) -> bool:
    number = expression.number
    return number is not None and not -MAX_NUMBER < number < MAX_NUMBER


def _counted(condition: Condition) -> frozenset[Atom]:
    """Give the call that a condition says to be at least 1, as every count is."""
    is_count = condition.relation == "<=" and condition.left.number == 1
    return condition.right.atoms if is_count and condition.right.is_atom else frozenset()


def _balanced(condition: Condition, whole: bool, counts: Collection[Atom]) -> Condition | None:
    """Write a comparison without fractions and without what stands on both sides; None where it cannot fail.

    `counts` are the calls that are at least 1 by another condition.
    """
    counts = () if _counted(condition) else counts
    difference = condition.right - condition.left
    equal = condition.relation in ("==", "!=")
    if not difference.terms or _is_certain(difference, condition.relation, whole, counts):
        return None
    left, right = difference.parts()[0].primitive().sides()  # the denominator is positive
    if equal and _place(right) < _place(left):
        left, right = right, left
    relation = condition.relation
    if relation == "<=" and whole and left.number is None and (left - constant(1)).sides()[0].number == 0:
        left, relation = left - constant(1), "<"  # of integers: not s + 1 ≤ w, but s < w
    return Condition(left, relation, right)


def _place(side: Polynomial) -> tuple[bool, list[str]]:
    """Sort the sides of an equation: by their symbols, a number last."""
    return side.number is not None, sorted(map(str, side.atoms))


def _is_certain(difference: Polynomial, relation: str, whole: bool, counts: Collection[Atom]) -> bool:
    """Say whether `0 relation difference` for all positive integers."""
    if relation == "!=":
        return difference.is_positive(counts) or (-difference).is_positive(counts)
    # Of two integers, the one is at most the other if it is below the other and one.
    above = difference + constant(1) if whole and relation == "<=" else difference
    return relation != "==" and above.is_positive(counts)


def _strongest(divisors: list[Condition]) -> Iterator[Condition]:
    """Leave out what follows from another: where 4·r divides c, r divides c and 2·c."""
    for number, one in enumerate(divisors):
        others = [*divisors[:number], *divisors[number + 1 :]]
        if not any(((one.right * other.left) / (one.left * other.right)).is_integral for other in others):
            yield one
