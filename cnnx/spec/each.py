"""The forms of `each`, a table: rows of a single column, and a call in place of layers."""

from __future__ import annotations

from collections.abc import Callable

from cnnx.spec.yaml_reader import Mark, MarkedDict, MarkedList


def rows_of(columns: MarkedList, rows: MarkedList, problem: Callable[[Mark, str], None]) -> MarkedList:
    """Make every row a list, as those of a single column take plain values; a row of another length is a problem."""
    normal = MarkedList()
    for row, at in zip(rows, rows.items_at, strict=True):
        cells = row
        if not isinstance(row, MarkedList):
            cells = MarkedList()
            cells.put(row, at)
        if len(cells) != len(columns):
            problem(at, f"{len(cells)} values in a row of {len(columns)} columns")
        normal.put(cells, at)
    return normal


def with_a_call(options: MarkedDict, columns: MarkedList) -> MarkedDict:
    """Make `call: spec` the one step of the loop, with every column handed on by name."""
    at, value_at = options.keys_at["call"], options.values_at["call"]
    call, handed = MarkedDict(), MarkedDict()
    for column in columns:
        handed.put(str(column), column, at, at)
    call.put("call", options["call"], at, value_at)
    call.put("with", handed, at, at)
    layers = MarkedList()
    layers.put(call, at)
    rest = options.without("call")
    rest.put("layers", layers, at, at)
    return rest
