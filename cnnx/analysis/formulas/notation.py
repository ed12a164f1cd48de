"""Expressions as people write them: `c²·(2/r + 9/r²)`, `⌊c/3⌋`; as text or LaTeX, with names or with numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cnnx.analysis.formulas.polynomial import Atom, Call, Monomial, Polynomial

Names = Mapping[str, str]  # what is written for each symbol

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly what was written holds together
Written = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Writer:
    """Puts together what is written of an expression, and adds the brackets that it needs."""

    names: Names
    latex: bool = False

    def name(self, symbol: str) -> Written:
        """Write a symbol."""
        text = self.names.get(symbol, symbol)
        return (_latex_name(text) if self.latex else text), ATOM

    def sum(self, terms: Sequence[tuple[bool, Written]]) -> Written:
        """Write terms, each with whether it is taken away."""
        minus = "-" if self.latex else "−"
        text = ""
        for negative, (written, _) in terms:
            text += f" {minus if negative else '+'} {written}" if text else f"{minus if negative else ''}{written}"
        return (text, SUM) if len(terms) > 1 or terms[0][0] else terms[0][1]

    def product(self, factors: Sequence[Written]) -> Written:
        """Write factors one after the other; none of them is 1."""
        if len(factors) < 2:
            return factors[0] if factors else ("1", ATOM)
        return (r" \cdot " if self.latex else "·").join([self.held(factor, POWER) for factor in factors]), PRODUCT

    def fraction(self, above: Sequence[Written], below: Sequence[Written]) -> Written:
        """Write factors over others."""
        over, under = self.product(above), self.product(below)
        if not below:
            return over
        if self.latex:
            return rf"\frac{{{over[0]}}}{{{under[0]}}}", POWER
        return f"{self.held(over, PRODUCT)}/{self.held(under, POWER)}", PRODUCT

    def power(self, base: Written, exponent: int) -> Written:
        """Write a power with a positive exponent."""
        if exponent == 1:
            return base
        raised = f"^{{{exponent}}}" if self.latex else str(exponent).translate(_SUPERSCRIPT)
        return self.held(base, ATOM) + raised, POWER

    def call(self, function: str, arguments: Sequence[str]) -> Written:
        """Write a function of what its arguments are written as."""
        left, right = _BRACKETS[self.latex].get(function, _BRACKETS[self.latex][""])
        if function == "mod":
            between = r" \bmod " if self.latex else " mod "
            return f"{left}{between.join(arguments)}{right}", ATOM
        named = "" if function in ("floor", "ceil") else function
        if self.latex and named:
            named = rf"\operatorname{{{named}}}".replace("_", r"\_")
        return f"{named}{left}{', '.join(arguments)}{right}", ATOM

    def held(self, written: Written, level: int) -> str:
        """Put brackets around what holds less tightly than it must."""
        text, own = written
        if own >= level:
            return text
        return rf"\left({text}\right)" if self.latex else f"({text})"

    def polynomial(self, expression: Polynomial) -> Written:
        """Write an expression term by term."""
        if not expression.terms:
            return "0", ATOM
        ordered = sorted(expression.terms, key=_order)
        coefficients = [expression.terms[each] for each in ordered]
        terms = [
            (each < 0, self._term(term, abs(Fraction(each)))) for term, each in zip(ordered, coefficients, strict=True)
        ]
        return self.sum(sorted(terms, key=lambda term: term[0]))  # what is added before what is taken away

    def _term(self, monomial: Monomial, coefficient: Fraction) -> Written:
        above, below = coefficient.as_integer_ratio()
        over = [(str(above), ATOM)] if above != 1 else []
        under = [(str(below), ATOM)] if below != 1 else []
        for atom, exponent in sorted(monomial, key=lambda power: _atom_order(power[0])):
            inverse = isinstance(atom, Call) and atom.function == "inverse"
            written = self.polynomial(atom.arguments[0]) if isinstance(atom, Call) and inverse else self.atom(atom)
            (over if (exponent > 0) != inverse else under).append(self.power(written, abs(exponent)))
        return self.fraction(over, under)

    def atom(self, atom: Atom) -> Written:
        """Write a symbol or a call."""
        if isinstance(atom, str):
            return self.name(atom)
        arguments = [self.polynomial(argument) for argument in atom.arguments]
        if atom.function == "inverse":
            return self.fraction([], arguments)
        return self.call(atom.function, [text for text, _ in arguments])


_BRACKETS = {
    False: {"": ("(", ")"), "floor": ("⌊", "⌋"), "ceil": ("⌈", "⌉")},
    True: {
        "": (r"\left(", r"\right)"),
        "floor": (r"\left\lfloor ", r"\right\rfloor"),
        "ceil": (r"\left\lceil ", r"\right\rceil"),
    },
}


def _order(monomial: Monomial) -> tuple[int, list[tuple[tuple[bool, str], int]]]:
    """Sort terms by degree, the highest first, then by their symbols."""
    degree = sum([exponent for _, exponent in monomial if exponent > 0])
    return -degree, sorted([(_atom_order(atom), -exponent) for atom, exponent in monomial])


def _atom_order(atom: Atom) -> tuple[bool, str]:
    return not isinstance(atom, str), str(atom)  # calls behind symbols


def _latex_name(name: str) -> str:
    """One letter as it is, letter and number as an index, anything longer upright."""
    bare, prime = name.rstrip("′"), "'" * name.count("′")
    letter, rest = bare[:1], bare[1:]
    if not rest or bare.isdigit():
        return bare + prime
    return (f"{letter}_{{{rest}}}" if rest.isdigit() else rf"\mathrm{{{bare}}}".replace("_", r"\_")) + prime


def short_names(parameters: Sequence[str]) -> dict[str, str]:
    """Give parameters the names of their symbols: the initial, to the first that has it, else the whole name."""
    names: dict[str, str] = {}
    for name in parameters:
        taken = name[0] in parameters or name[0] in names.values()
        names[name] = name if len(name) <= 3 or taken else name[0]
    return names
