"""Conventions in words and in numbers: what each adds up, and the addends of each for one graph."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rich.text import Text

from cnnx.analysis.conventions.bridge import MULTIPLIERS, Bridge
from cnnx.analysis.conventions.presets import Convention, find_convention
from cnnx.analysis.figures import Figures
from cnnx.graph.operation import Operation
from cnnx.report.document import Object
from cnnx.report.grid import Grid, Series
from cnnx.report.numbers import exact
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import listed


def flops_note(name: str, figures: Sequence[Figures] = ()) -> str:
    """Say what the FLOPs of a convention are, and whose; where `figures` are given, of the operations in them."""
    convention = find_convention(name)
    present = {type(node.op) for each in figures for node in each.by_node}
    told = f"FLOPs, by the convention `{name}`: the {convention.calls} of {convention.tool}, "
    return f"{told}{adds_up(convention, present)}. {convention.beyond}".rstrip()


def adds_up(convention: Convention, present: Collection[type[Operation]] = ()) -> str:
    """Write what a convention adds up: `multiply–adds of conv and linear + 2 × input elements of batchnorm`.

    Of the operations in `present` only, where any are given.
    """
    words: dict[tuple[int, str], list[str]] = {}
    for operation, factors in convention.factors.items():
        if present and not any(issubclass(kind, operation) for kind in present):
            continue
        for quantity, factor in factors.items():
            words.setdefault((factor, quantity), []).append(operation.word)
    terms = [_signed(factor, f"{quantity} of {listed(names)}") for (factor, quantity), names in words.items()]
    return " ".join(terms).removeprefix("+ ") or "nothing of what is here"


def _signed(factor: int, what: str) -> str:
    times = "" if abs(factor) == 1 else f"{abs(factor)} × "
    return f"{'−' if factor < 0 else '+'} {times}{what}"


def convention_source(convention: Convention) -> str:
    """Say whose convention it is, where its rules stand, and what of a tool's answer it cannot give."""
    beyond = f" {convention.beyond}" if convention.beyond else ""
    return f"{convention.name}: the {convention.calls} of {convention.tool} ({convention.source}).{beyond}"


def draw_bridges(label: str, macs: int, bridges: Sequence[Bridge], width: int | None) -> Iterator[Text]:
    """Draw the multiply–adds that all share, then what each convention makes of them, addend by addend."""
    names, factors, amounts, sums = [f"{MULTIPLIERS}, multiply–adds"], [""], [""], [exact(macs)]
    for bridge in bridges:
        names += [f"{bridge.convention.name}: {bridge.convention.calls}"]
        names += [f"  {term.part}, {term.quantity}" for term in bridge.terms]
        factors += ["", *[f"{term.factor} ×" for term in bridge.terms]]
        amounts += ["", *[exact(term.amount) for term in bridge.terms]]
        sums += [exact(bridge.total), *[exact(term.gives) for term in bridge.terms]]
    counted = [Column("", tuple(factors)), Column("amount", tuple(amounts))]
    groups = [counted, [Column("gives", tuple(sums))]]
    yield from draw_folded(Column(label, tuple(names), left=True), groups, width, _bold_rows(bridges))


def _bold_rows(bridges: Sequence[Bridge]) -> list[str]:
    """Set the totals off from their addends."""
    return ["bold", *[style for bridge in bridges for style in ("bold", *[""] * len(bridge.terms))]]


def bridge_grid(bridges: Sequence[tuple[str, Bridge]]) -> Grid:
    """Give a row for each addend of each convention, of specs by their labels."""
    rows = [(label, bridge, term) for label, bridge in bridges for term in bridge.terms]
    return Grid(
        (
            Series("name", "name", tuple(label for label, _, _ in rows)),
            Series("convention", "convention", tuple(bridge.convention.name for _, bridge, _ in rows)),
            Series("total", "total", tuple(bridge.total for _, bridge, _ in rows)),
            Series("part", "part", tuple(term.part for *_, term in rows)),
            Series("quantity", "quantity", tuple(str(term.quantity) for *_, term in rows)),
            Series("factor", "factor", tuple(term.factor for *_, term in rows)),
            Series("amount", "amount", tuple(term.amount for *_, term in rows)),
            Series("gives", "gives", tuple(term.gives for *_, term in rows)),
        )
    )


def bridge_object(bridge: Bridge) -> Object:
    """Give one convention's total and its addends."""
    convention = bridge.convention
    terms = [
        {
            "part": term.part,
            "quantity": str(term.quantity),
            "factor": term.factor,
            "amount": term.amount,
            "gives": term.gives,
        }
        for term in bridge.terms
    ]
    return {
        "total": bridge.total,
        "tool": convention.tool,
        "calls": convention.calls,
        "source": convention.source,
        "beyond": convention.beyond or None,
        "terms": terms,
    }
