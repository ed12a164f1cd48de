"""A stated figure that does not come out: both values, and what the computed one is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from cnnx.analysis.claims.worked import FigureCheck, NodeShare
from cnnx.analysis.differences import explain_difference
from cnnx.report.numbers import exact
from cnnx.report.table import Column, draw
from cnnx.report.text import listed, paragraph

MOST_NODES = 12


def draw_wrong(label: str, check: FigureCheck, width: int | None) -> Iterator[Text]:
    """Draw a stated figure that does not come out, and what the computed one is made of, the largest first."""
    source = f" ({check.source})" if check.source else ""
    yield from paragraph(f"{label}: {check}{source}", width, "bold red")
    difference = explain_difference(check)
    if difference is not None:
        alike = f", as much as {listed(difference.same_as[:3])}" if difference.same_as else ""
        more = "more" if difference.surplus > 0 else "less"
        yield from paragraph(f"stated {exact(abs(difference.surplus))} {more} than computed{alike}", width)
    if check.shares:
        yield from _draw_shares(check.figure, check.shares)
    yield Text()


def _draw_shares(figure: str, shares: Sequence[NodeShare]) -> Iterator[Text]:
    largest = sorted(shares, key=lambda share: -share.amount)[:MOST_NODES]
    rest = len(shares) - len(largest)
    yield from draw(
        [
            Column("node", (*[share.node for share in largest], *["the others"] * bool(rest), "all"), left=True),
            Column("", (*[share.operation for share in largest], *[f"{rest:,} nodes"] * bool(rest), ""), left=True),
            Column(figure, tuple(map(exact, _amounts(largest, shares)))),
        ]
    )


def _amounts(shown: Sequence[NodeShare], shares: Sequence[NodeShare]) -> list[int]:
    amounts, whole = [share.amount for share in shown], sum(share.amount for share in shares)
    return [*amounts, *([whole - sum(amounts)] if len(shown) < len(shares) else []), whole]
