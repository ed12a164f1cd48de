"""What becomes of claims: the figures that they are about, the values over them, and whether the verdict stands.

A value differs only where it is not what was written down beside it. That a claim does not hold is no difference: it
is a verdict, and verdicts are checked too, against what the source states.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cnnx.analysis.about import cite
from cnnx.analysis.claims.claim_figures import Counted, FigureOfSpec
from cnnx.errors import RuleError, SpecError, UsageError
from cnnx.spec.claim_files import Keys, NamedClaim
from cnnx.spec.claims import VERDICTS, ClaimFile, Computed, Verdict
from cnnx.spec.expressions import Expression, Scope
from cnnx.spec.library import Library
from cnnx.spec.values import Value

_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """A computed value beside the one that was written down and the one that the source states."""

    what: str
    expression: str  # over the figures: `plain / thin`
    working: str  # the same in numbers, by hand where it is written so: `589824 / 69632`
    value: Value
    recorded: str
    as_recorded: bool
    stated: str | None
    agreement: str | None  # with what is stated: `exact`, `rounded` or `none`; null where nothing is


@dataclass(frozen=True, slots=True)
class ClaimCheck:
    """A claim with its verdict, and what came out."""

    name: str
    claim: str
    source: str  # title, year, address
    where: str
    verdict: Verdict
    finding: str
    instead: str  # what holds, where the claim does not
    figures: tuple[FigureOfSpec, ...]
    values: tuple[ValueCheck, ...]

    @property
    def differing(self) -> tuple[ValueCheck, ...]:
        """The values that are not what was written down."""
        return tuple([value for value in self.values if not value.as_recorded])


def check_claims(claims: Iterable[NamedClaim], library: Library) -> tuple[ClaimCheck, ...]:
    """Compute everything that claims are about, and hold it against what is written down.

    Raises `SpecError`, with the place in the file of claims, where a figure cannot be had, an expression cannot be
    evaluated, or a verdict is not what the values say.
    """
    counted = Counted(library)
    return tuple([_check(named, counted) for named in claims])


def _check(named: NamedClaim, counted: Counted) -> ClaimCheck:
    claim, file, keys = named.claim, named.file, ("claims", named.name)
    figures = []
    for name, quantity in claim.figures.items():
        with _located(file, (*keys, "figures", name)):
            figures.append(counted.figure(name, quantity))
    scope = Scope({figure.name: figure.value for figure in figures}, {})
    values = []
    for number, row in enumerate(claim.computed):
        with _located(file, (*keys, "computed", number)):
            values.append(_check_value(row, scope))
    with _located(file, (*keys, "verdict")):
        _check_verdict(claim.verdict, values)
    return ClaimCheck(
        named.name,
        claim.claim,
        cite(file.body.source),
        claim.where,
        claim.verdict,
        claim.finding or "",
        claim.instead or "",
        tuple(figures),
        tuple(values),
    )


def _check_value(row: Computed, scope: Scope) -> ValueCheck:
    value, shown = row.compute.run(scope), _in_numbers(row.compute, scope)
    by_hand = value if row.working is None else row.working.run(Scope({}, {}))
    agreement = None
    if row.stated is not None:
        agreement = "exact" if row.stated.equals(value) else "rounded" if row.stated.matches(value) else "none"
    return ValueCheck(
        what=row.what or "",
        expression=_written(row.compute.text),
        working=shown if row.working is None else _written(row.working.text),
        value=value,
        recorded=row.value.written,
        as_recorded=row.value.matches(value) and row.value.matches(by_hand),
        stated=None if row.stated is None else row.stated.written,
        agreement=agreement,
    )


def _in_numbers(expression: Expression, scope: Scope) -> str:
    """Write an expression with the figures' values in place of their names."""
    return _written(_NAME.sub(lambda name: str(scope.names.get(name[0], name[0])), expression.text))


def _written(text: str) -> str:
    return text.replace("**", "^").replace("*", "·").replace("^", "**").replace("-", "−")


def _check_verdict(verdict: Verdict, values: Sequence[ValueCheck]) -> None:
    """Refuse a verdict that the values speak against. Raises `RuleError`.

    A claim does not hold where one stated value does not come out; it holds only rounded where one comes out to its
    rounding only. Where some values are stated in words, not in numbers, the rest of the verdict is a judgement.
    """
    agreements = {value.agreement for value in values}
    if not values or not all(value.as_recorded for value in values):
        return  # no cost; or what was recorded is to be looked at first
    if "none" in agreements:
        possible: tuple[Verdict, ...] = ("does not hold",)
    elif None in agreements:
        possible = VERDICTS[1:] if "rounded" in agreements else VERDICTS
    else:
        possible = ("holds rounded",) if "rounded" in agreements else ("holds",)
    if verdict not in possible:
        told = "; ".join(f"{value.stated} stated, {value.working} = {value.value}" for value in values if value.stated)
        raise RuleError(f"the verdict is `{verdict}`, but the values say `{possible[0]}`: {told:.300}")


@contextmanager
def _located(file: ClaimFile, keys: Keys) -> Iterator[None]:
    """Turn what is wrong with an entry itself into an error at its place in the file of claims."""
    try:
        yield
    except (RuleError, UsageError) as error:
        raise SpecError([file.problem(keys, error.message, error.hint)]) from None
