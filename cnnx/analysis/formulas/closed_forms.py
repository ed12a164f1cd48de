"""The simplest ways to write a sum: multiplied out, with what is common drawn out, over one denominator.

Here sympy does the work. It takes half a second to import, which is done where it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

from cnnx.analysis.formulas.notation import ATOM, Writer, Written
from cnnx.analysis.formulas.polynomial import Atom, Call, Polynomial

Form = Any  # an expression of sympy's, in which a symbol stands for each atom

MOST_FACTORED = 24  # beyond so many terms, factoring could take long


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """An expression in up to three forms, to be written with names or numbers."""

    expanded: Polynomial  # 2·c²/r + 9·c²/r²
    simplest: Form  # c²·(2/r + 9/r²); the expanded one if nothing is shorter
    fraction: Form  # c²·(2·r + 9)/r²; the simplest form where there is no denominator
    atoms: Mapping[str, Atom]  # by the names of sympy's symbols

    def write(self, form: Form, writer: Writer) -> str:
        """Write one of its forms."""
        if isinstance(form, Polynomial):
            return writer.polynomial(form)[0]
        return _Forms(writer, self.atoms).write(form)[0]


def close(expression: Polynomial, writer: Writer) -> ClosedForm:
    """Find the simplest forms of an expression, by what is shortest as `writer` writes it."""
    atoms = _numbered(expression.atoms)
    found = ClosedForm(expression, expression, expression, atoms)
    if expression.number is not None or len(expression.terms) > MOST_FACTORED:
        return found
    expanded = _form(expression, atoms)
    factored = _factored(expanded)
    whole = _denominator(factored) == 1
    candidates = [expression, *_candidates(expanded), *([factored] if whole else [])]
    simplest = min(candidates, key=lambda form: (len(found.write(form, writer)), _rank(form)))
    return replace(found, simplest=simplest, fraction=simplest if whole else factored)


def _rank(form: Form) -> int:
    """Of equally long forms prefer a product, then the expanded one."""
    if isinstance(form, Polynomial):
        return 1
    return 2 if form.is_Add else 0


def close_quotient(above: Polynomial, below: Polynomial) -> ClosedForm | None:
    """Give a quotient in lowest terms, factored; None where there is nothing below or there are too many terms."""
    import sympy

    if not below.terms or max(len(above.terms), len(below.terms)) > MOST_FACTORED:
        return None
    atoms = _numbered(above.atoms | below.atoms)
    form = sympy.factor(sympy.cancel(_form(above, atoms) / _form(below, atoms)))
    return ClosedForm(above, form, form, atoms)


def _numbered(atoms: frozenset[Atom]) -> dict[str, Atom]:
    """Name sympy's symbols: after ours, and calls by number, to be sorted behind them."""
    calls = sorted([atom for atom in atoms if isinstance(atom, Call)], key=str)
    symbols = [atom for atom in atoms if isinstance(atom, str)]
    return {**{name: name for name in symbols}, **{f"~{number}": atom for number, atom in enumerate(calls)}}


def _form(expression: Polynomial, atoms: Mapping[str, Atom]) -> Form:
    """Give an expression as sympy's."""
    import sympy

    symbols = {atom: sympy.Symbol(name, integer=True, positive=True) for name, atom in atoms.items()}
    terms = []
    for monomial, coefficient in expression.terms.items():
        number = sympy.Rational(*coefficient.as_integer_ratio())
        terms.append(sympy.Mul(number, *[symbols[atom] ** exponent for atom, exponent in monomial]))
    return sympy.Add(*terms)


def _factored(form: Form) -> Form:
    import sympy

    return sympy.factor(form)


def _denominator(form: Form) -> Form:
    import sympy

    return sympy.fraction(sympy.together(form))[1]


def _candidates(expanded: Form) -> Iterator[Form]:
    """Give forms of a sum with what its terms have in common drawn out, in several ways."""
    import sympy

    common, rest = _drawn_out(expanded)
    yield _times(common, rest)
    for symbol in sorted(rest.free_symbols, key=str):
        yield _times(common, sympy.collect(rest, symbol))
        yield _times(common, sympy.collect(rest, symbol, _inner))


def _inner(coefficient: Form) -> Form:
    return _factored(coefficient) if _denominator(coefficient) == 1 else coefficient


def _drawn_out(expanded: Form) -> tuple[Form, Form]:
    """Split a sum into what all terms have as a factor, denominators left where they stand, and the rest."""
    import sympy

    terms = sympy.Add.make_args(expanded)
    powers = [term.as_powers_dict() for term in terms]
    shared = [base for base in powers[0] if not base.is_Number and all(each.get(base, 0) > 0 for each in powers)]
    common = sympy.Mul(*[base ** min(each[base] for each in powers) for base in shared])
    numbers = [term.as_coeff_Mul()[0] for term in terms]
    if all(number.is_Integer for number in numbers):
        common *= gcd(*[int(number) for number in numbers])
    return common, sympy.expand(expanded / common)


def _times(common: Form, rest: Form) -> Form:
    """Write a product whose number is not multiplied into the sum."""
    import sympy

    if common == 1 or not rest.is_Add:
        return common * rest
    return sympy.Mul(*sympy.Mul.make_args(common), rest, evaluate=False)


@dataclass(frozen=True, slots=True)
class _Forms:
    """Writes sympy's trees."""

    writer: Writer
    atoms: Mapping[str, Atom]

    def write(self, form: Form) -> Written:
        if form.is_Symbol:
            return self.writer.atom(self.atoms[form.name])
        if form.is_Integer and form >= 0:
            return str(form), ATOM
        if form.is_Add:
            return self.sum(form)
        if form.could_extract_minus_sign():
            return self.writer.sum([(True, self.write(-form))])
        return self.fraction(form)

    def sum(self, form: Form) -> Written:
        terms = [(term.could_extract_minus_sign(), term) for term in form.as_ordered_terms()]
        return self.writer.sum([(negative, self.write(-term if negative else term)) for negative, term in terms])

    def fraction(self, form: Form) -> Written:
        above: list[Written] = []
        below: list[Written] = []
        for factor in form.as_ordered_factors():
            if factor.is_Rational:
                over, under = factor.as_numer_denom()
                above += [self.write(over)] if over != 1 else []
                below += [self.write(under)] if under != 1 else []
                continue
            base, exponent = factor.as_base_exp()
            (above if exponent > 0 else below).append(self.writer.power(self.write(base), abs(int(exponent))))
        return self.writer.fraction(above, below)
