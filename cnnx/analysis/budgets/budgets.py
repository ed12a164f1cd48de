"""Budgets: the most that a figure may be, and whether it is; against a baseline, whether it grew.

A budget holds where the figure is at most its limit. Against a baseline without budgets the limits are the figures of
the baseline, and what a tolerance adds to them, for the weights, the multiply–adds and the peak of memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from cnnx.analysis.budgets.amounts import read_bytes, read_count
from cnnx.analysis.budgets.changes import Changes, LayerChange, find_changes
from cnnx.analysis.budgets.snapshot import LayerCost, Snapshot
from cnnx.errors import RuleError, UsageError

if TYPE_CHECKING:
    from cnnx.analysis.models.figures import ModelCount

OfLayer = Callable[[LayerCost], int]


@dataclass(frozen=True, slots=True)
class Limited:
    """A figure that can have a budget: the option that sets it, what tables call it, how an amount of it is read.

    `of_layer` is what one layer adds to it, in units that `in_layers` names; None for a figure that is no sum.
    """

    option: str
    called: str
    read: Callable[[str], int]
    of_layer: OfLayer | None = None
    in_layers: str = ""


# By the names that figures have in JSON, in the order in which they are shown.
LIMITED: Mapping[str, Limited] = {
    "params": Limited("--max-params", "params", read_count, lambda layer: layer.params, "params"),
    "macs": Limited("--max-macs", "MACs", read_count, lambda layer: layer.macs, "MACs"),
    "flops": Limited("--max-flops", "FLOPs", read_count, lambda layer: layer.flops, "FLOPs"),
    "weight_bytes": Limited("--max-weight-bytes", "weight bytes", read_bytes, lambda layer: layer.params, "params"),
    "activation_elements": Limited(
        "--max-activations", "activations", read_count, lambda layer: layer.activation_elements, "activations"
    ),
    "peak_inference_bytes": Limited("--max-peak", "peak bytes", read_bytes),
}
GROWTH = ("params", "macs", "peak_inference_bytes")


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a figure may be, and how that was written: `5.5M`, or `baseline + 1%`."""

    figure: str
    limit: int
    written: str


@dataclass(frozen=True, slots=True)
class Row:
    """A figure, the budget that it is held against, and what it was in the baseline (None: there is none)."""

    figure: str
    value: int
    budget: Budget | None = None
    baseline: int | None = None

    @property
    def over(self) -> int:
        """By how much it is over its budget; 0 where it holds."""
        return 0 if self.budget is None else max(0, self.value - self.budget.limit)

    @property
    def used(self) -> float | None:
        """The share of the budget that it takes; None without one, or of one of nothing."""
        return self.value / self.budget.limit if self.budget is not None and self.budget.limit else None


@dataclass(frozen=True, slots=True)
class Responsible:
    """The layer that adds most to a figure or, against a baseline, that made it grow most: from how much to how much.

    `before` is None where nothing is known of before; both are None of the layer at which a peak is.
    """

    layer: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of checking one model; `changes` are those since the baseline, if there is one.

    `counted` says of a model that cnnx did not build how its figures came about.
    """

    label: str
    snapshot: Snapshot
    rows: tuple[Row, ...]
    changes: Changes | None = None
    counted: ModelCount | None = None

    @property
    def failing(self) -> tuple[Row, ...]:
        """The figures that are over their budgets."""
        return tuple([row for row in self.rows if row.over])

    def responsible(self, figure: str) -> Responsible | None:
        """Give the layer that is to be looked at first where a figure is too large."""
        of_layer = LIMITED[figure].of_layer
        if of_layer is None:
            return Responsible(self.snapshot.peak_node, None, None) if self.snapshot.peak_node else None
        grown = _grown_most(() if self.changes is None else self.changes.layers or (), of_layer)
        return grown or _largest(self.snapshot.layers or (), of_layer)


def read_budgets(written: Mapping[str, str | None]) -> tuple[Budget, ...]:
    """Read budgets by the names of their figures, those that are given. Raises `UsageError`."""
    return tuple([_read(figure, text) for figure, text in written.items() if text is not None])


def _read(figure: str, text: str) -> Budget:
    try:
        return Budget(figure, LIMITED[figure].read(text), text.strip())
    except RuleError as error:
        raise UsageError(f"{LIMITED[figure].option}: {error.message}", hint=error.hint) from None


def growth_budgets(snapshot: Snapshot, baseline: Snapshot, tolerance: Fraction) -> tuple[Budget, ...]:
    """Give the budgets that forbid growth by more than a share of what was; a part of a whole one is cut off."""
    written = f"baseline + {float(100 * tolerance):g}%" if tolerance else "baseline"
    were = {name: baseline.figures[name] for name in GROWTH if name in {*snapshot.figures} & {*baseline.figures}}
    return tuple([Budget(name, int(were[name] * (1 + tolerance)), written) for name in were])


def check(label: str, snapshot: Snapshot, budgets: Sequence[Budget], baseline: Snapshot | None = None) -> Checked:
    """Hold the figures of a model against budgets; where there are none, show those that a baseline looks at.

    Raises `UsageError` for a budget of a figure that is not known of this model.
    """
    unknown = next((each for each in budgets if each.figure not in snapshot.figures), None)
    if unknown is not None:
        limited = LIMITED[unknown.figure]
        raise UsageError(f"{limited.option}: the {limited.called} of `{label}` are not known")
    were: Mapping[str, int] = {} if baseline is None else baseline.figures
    rows = [Row(each.figure, snapshot.figures[each.figure], each, were.get(each.figure)) for each in budgets]
    shown = rows or [Row(name, snapshot.figures[name]) for name in GROWTH if name in snapshot.figures]
    ordered = sorted(shown, key=lambda row: list(LIMITED).index(row.figure))
    return Checked(label, snapshot, tuple(ordered), None if baseline is None else find_changes(baseline, snapshot))


def growth(change: LayerChange, of_layer: OfLayer) -> int:
    """Give by how much what a layer adds to a figure grew."""
    before = 0 if change.before is None else of_layer(change.before)
    return (0 if change.after is None else of_layer(change.after)) - before


def _grown_most(changes: Sequence[LayerChange], of_layer: OfLayer) -> Responsible | None:
    there = [change for change in changes if change.after is not None]
    change = max(there, key=lambda each: growth(each, of_layer), default=None)
    if change is None or change.after is None or growth(change, of_layer) <= 0:
        return None
    before = 0 if change.before is None else of_layer(change.before)
    return Responsible(change.name, before, of_layer(change.after))


def _largest(layers: Sequence[LayerCost], of_layer: OfLayer) -> Responsible | None:
    layer = max(layers, key=of_layer, default=None)
    return Responsible(layer.name, None, of_layer(layer)) if layer is not None and of_layer(layer) else None
