"""From the multiply–adds of convolutions and linear layers to what each tool says: every addend, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cnnx.analysis.conventions.presets import Convention
from cnnx.analysis.conventions.quantities import QUANTITIES, Quantity
from cnnx.analysis.figures import Figures, NodeFigures
from cnnx.graph.operation import Category

MULTIPLIERS = "conv and linear"


@dataclass(frozen=True, slots=True)
class Term:
    """One addend: `factor` for each of `amount` of a quantity, over all nodes of a kind."""

    part: str  # the word of an operation, or `MULTIPLIERS`
    quantity: Quantity
    factor: int
    amount: int

    @property
    def gives(self) -> int:
        """What it adds."""
        return self.factor * self.amount


@dataclass(frozen=True, slots=True)
class Bridge:
    """What one convention makes of a graph."""

    convention: Convention
    terms: tuple[Term, ...]

    @property
    def total(self) -> int:
        """The FLOPs by this convention."""
        return sum([term.gives for term in self.terms])


def bridge(figures: Figures, convention: Convention) -> Bridge:
    """Add up what a convention counts, by kind of operation, multiply–adds first; what is nothing is left out."""
    amounts: dict[tuple[str, Quantity, int], int] = {}
    for node in figures.by_node:
        for key, amount in _counted(node, convention):
            amounts[key] = amounts.get(key, 0) + amount
    terms = [Term(*key, amount) for key, amount in amounts.items() if amount]
    return Bridge(convention, tuple(sorted(terms, key=lambda term: term.quantity is not Quantity.MACS)))


def _counted(node: NodeFigures, convention: Convention) -> Iterator[tuple[tuple[str, Quantity, int], int]]:
    multiplies = node.op.category in (Category.CONV, Category.LINEAR)
    for quantity, factor in convention.factors_of(type(node.op)).items():
        part = MULTIPLIERS if multiplies and quantity in (Quantity.MACS, Quantity.BIAS) else node.op.word
        yield (part, quantity, factor), QUANTITIES[quantity](node)
