"""What `check` gives other programs: JSON, and the rows of CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from cnnx.analysis.budgets.budgets import LIMITED, Checked, Row
from cnnx.analysis.budgets.changes import Changes, LayerChange
from cnnx.analysis.environment import Environment
from cnnx.report.budgets import check_notes
from cnnx.report.document import RESULT_FIELDS, Object, document
from cnnx.report.grid import Cell, Grid, Series, percent_cell
from cnnx.report.model import model_object


def check_document(found: Sequence[Checked], environment: Environment, baseline: str) -> Object:
    """Give one result for each model: its figures, each budget and whether it holds, and what changed."""
    asked = found[0].snapshot.asked
    told = document(environment, [_result(checked) for checked in found], asked.convention)
    return {**told, "dtype": asked.dtype, "batch": asked.batch, "baseline": baseline or None}


def _result(checked: Checked) -> Object:
    snapshot = checked.snapshot
    return {
        **dict.fromkeys(RESULT_FIELDS),  # what a snapshot does not know is null
        "name": snapshot.name,
        "parameters": dict(snapshot.parameters),
        "input": {name: list(shape) for name, shape in snapshot.input.items()},
        "output": {name: list(shape) for name, shape in snapshot.output.items()},
        **snapshot.figures,
        "label": checked.label,
        "model": None if checked.counted is None else model_object(checked.counted),
        "holds": not checked.failing,
        "budgets": [_budget(checked, row) for row in checked.rows if row.budget is not None],
        "changes": None if checked.changes is None else _changes(checked.changes),
    }


def _budget(checked: Checked, row: Row) -> Object:
    assert row.budget is not None  # only such rows are asked for
    responsible = checked.responsible(row.figure) if row.over else None
    return {
        "figure": row.figure,
        "value": row.value,
        "limit": row.budget.limit,
        "written": row.budget.written,
        "baseline": row.baseline,
        "used": row.used,
        "over": row.over,
        "holds": not row.over,
        "layer": None if responsible is None else responsible.layer,
    }


def _changes(changes: Changes) -> Object:
    return {
        "whole": [asdict(each) for each in changes.whole],
        "layers": None if changes.layers is None else [_layer_change(each) for each in changes.layers],
    }


def _layer_change(change: LayerChange) -> Object:
    before, after = (None if layer is None else asdict(layer) for layer in (change.before, change.after))
    return {"name": change.name, "change": change.kind, "before": before, "after": after}


def check_grid(found: Sequence[Checked]) -> Grid:
    """Give a row for each figure of each model."""
    rows = [(checked.label, row, row.budget) for checked in found for row in checked.rows]
    return Grid(
        (
            Series("label", "", tuple(label for label, _, _ in rows)),
            Series("figure", "figure", tuple(row.figure for _, row, _ in rows), _called),
            Series("value", "value", tuple(row.value for _, row, _ in rows)),
            Series("baseline", "baseline", tuple(row.baseline for _, row, _ in rows)),
            Series("limit", "budget", tuple(None if budget is None else budget.limit for _, _, budget in rows)),
            Series("used", "used", tuple(row.used for _, row, _ in rows), percent_cell),
            Series("over", "over by", tuple(None if budget is None else row.over for _, row, budget in rows)),
            Series("holds", "holds", tuple(None if budget is None else not row.over for _, row, budget in rows)),
        ),
        tuple(check_notes(found)),
    )


def _called(cell: Cell) -> str:
    return LIMITED[str(cell)].called
