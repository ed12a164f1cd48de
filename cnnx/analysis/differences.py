"""What a stated count may have left out or counted twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cnnx.analysis.claims.worked import FigureCheck


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much a stated count is off, and what in the graph is as much."""

    surplus: int  # stated less computed
    same_as: tuple[str, ...]


def explain_difference(check: FigureCheck) -> Difference | None:
    """Look for what a wrong count may have left out or counted twice: a node, or all nodes of an operation.

    None for a figure that is no count, and for one that is stated in rounded form.
    """
    if not check.shares or not check.expected.isdecimal():
        return None
    surplus = int(check.expected) - int(check.computed)
    nodes = [f"`{share.node}`" for share in check.shares if share.amount == abs(surplus)]
    kinds = [f"every {kind}" for kind, amount in _by_operation(check).items() if amount == abs(surplus)]
    return Difference(surplus, (*kinds, *nodes))


def _by_operation(check: FigureCheck) -> Mapping[str, int]:
    totals: dict[str, int] = {}
    for share in check.shares:
        totals[share.operation] = totals.get(share.operation, 0) + share.amount
    return totals
