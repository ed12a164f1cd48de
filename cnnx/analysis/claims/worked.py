"""The figures that specs state, held against those that cnnx computes.

A `worked` figure is one that a text works out; its `working` must give it too. A `published` figure is one of a
paper or an implementation, compared to the rounding in which it is written. Every row is expanded with its
own `with`, `of` and `input`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter

from cnnx.analysis.figures import Figures, count
from cnnx.errors import RuleError, SpecError, UsageError
from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.graph.operation import show_shape
from cnnx.spec.expressions import Scope
from cnnx.spec.library import Library, Target
from cnnx.spec.model import Figure, Published, SpecFile, Worked
from cnnx.spec.values import Value, is_number

Row = Worked | Published
Stated = Figure | tuple[int, ...]
Comparison = tuple[str, str, str, bool]  # figure, expected, computed, whether they agree


@dataclass(frozen=True, slots=True)
class NodeShare:
    """What one node adds to a count."""

    node: str
    operation: str
    amount: int


@dataclass(frozen=True, slots=True)
class FigureCheck:
    """One stated figure beside the computed one; both are written out, a shape as `256×56×56`."""

    spec: str  # as it was named: the file's name, or the variant's
    row: str  # `worked 2`, `published 1`: which list and, from 1, which row of it
    settings: str  # `channels=16, out=32, input=16×28×28`; empty where the row sets nothing
    figure: str  # `params`, `macs`, `flops`, `output`, `receptive_field`, or one of these `by its working`
    expected: str
    computed: str
    holds: bool
    source: str = ""  # who states it, where the row says so
    shares: tuple[NodeShare, ...] = field(default=(), repr=False)  # of a count that does not come out: node by node

    def __str__(self) -> str:
        """Say `bottleneck, worked 1: params: 69632 stated, 69632 computed`."""
        settings = f" ({self.settings})" if self.settings else ""
        values = f"{self.expected} stated, {self.computed} computed"
        return f"{self.spec}{settings}, {self.row}: {self.figure}: {values}"


def check_figures(file: SpecFile, library: Library) -> tuple[FigureCheck, ...]:
    """Check every worked and published figure of a spec, in the order in which they are written.

    Of several outputs the first is meant. Accuracies are measured, not computed, and are left out. Raises
    `SpecError`, with the place of the row, where a row cannot be expanded or its working cannot be evaluated.
    """
    tables: Mapping[str, Sequence[Row]] = {"worked": file.spec.worked, "published": file.spec.published}
    checks: list[FigureCheck] = []
    for kind, rows in tables.items():
        for position, row in enumerate(rows):
            with _located(file, kind, position):
                checks += _check_row(file, library, row, f"{kind} {position + 1}")
    return tuple(checks)


def _check_row(file: SpecFile, library: Library, row: Row, label: str) -> Iterator[FigureCheck]:
    arguments = {name: value.read(Scope({}, {})) for name, value in row.arguments.items()}
    variant = file.spec.default if row.of is None else row.of
    graph = expand(Target(row.of or file.name, file, variant), library, arguments, row.input)
    settings = _show_settings(arguments, row.input)
    if isinstance(row, Worked) and not _worked_figures(row):
        raise RuleError("a worked row without a figure", hint="give params, macs, output or receptive_field")
    figures = count(graph)
    for figure, expected, computed, holds in [*_compare(row, figures), *_compare_working(row, graph)]:
        shares = () if holds else _shares(figures, figure)
        yield FigureCheck(graph.name, label, settings, figure, expected, computed, holds, row.source or "", shares)


def _shares(figures: Figures, figure: str) -> tuple[NodeShare, ...]:
    """Give what each node adds to a count, in execution order; nothing of a figure that is no sum."""
    counts = {"params": attrgetter("params"), "macs": attrgetter("macs"), "flops": attrgetter("flops")}
    if figure not in counts:
        return ()
    amounts = [(node, counts[figure](node)) for node in figures.by_node]
    return tuple([NodeShare(node.name, node.op.word, amount) for node, amount in amounts if amount])


def _compare(row: Row, figures: Figures) -> Iterator[Comparison]:
    """Compare every figure of a row with the computed one."""
    flops = row.flops if isinstance(row, Published) else None
    counts = {"params": (row.params, figures.params), "macs": (row.macs, figures.macs), "flops": (flops, figures.flops)}
    for name, (stated, exact) in counts.items():
        if stated is not None:
            yield name, stated.written, str(exact), stated.matches(exact)
    if isinstance(row, Worked) and row.output is not None:
        shape = next(iter(figures.output.values()))
        yield "output", show_shape(row.output), show_shape(shape), row.output == shape
    if isinstance(row, Worked) and row.receptive_field is not None:
        field = figures.only_field
        size = None if field is None else field.size
        computed = "no single one" if size is None else show_shape(size)
        yield "receptive_field", show_shape(row.receptive_field), computed, row.receptive_field == size


def _compare_working(row: Row, graph: Graph) -> Iterator[Comparison]:
    """Evaluate the working of a row, which sees the spec's parameters, and compare it with the figure it is for."""
    if not isinstance(row, Worked) or row.working is None:
        return
    (name, stated), *others = _worked_figures(row)
    if others:
        names = " and ".join([name, *(other for other, _ in others)])
        raise RuleError(f"a working is for one figure; this row has {names}", hint="give each figure a row of its own")
    value = row.working.run(Scope(dict(graph.parameters), {}))
    yield f"{name} by its working", _show(stated), _show(value), _gives(value, stated)


def _worked_figures(row: Worked) -> list[tuple[str, Stated]]:
    """Give the figures that a worked row states, by name."""
    stated = {
        "params": row.params,
        "macs": row.macs,
        "output": row.output,
        "receptive_field": row.receptive_field,
    }
    return [(name, value) for name, value in stated.items() if value is not None]


def _gives(value: Value, stated: Stated) -> bool:
    """Say whether a working's value is the figure.

    A list is a whole shape. A number stands for a count, a shape's channels, or a field's height and width alike.
    """
    if isinstance(stated, Figure):
        return is_number(value) and value == int(value) and stated.matches(int(value))
    if isinstance(value, list):
        return tuple(value) == stated
    return bool(value == stated[0] and (len(stated) != 2 or stated[0] == stated[1]))


def _show(value: Value) -> str:
    if isinstance(value, Figure):
        return value.written
    return show_shape(tuple(value)) if isinstance(value, (list, tuple)) else str(value)


def _show_settings(arguments: Mapping[str, Value], input_shape: tuple[int, ...] | None) -> str:
    shown = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in arguments.items()}
    if input_shape is not None:
        shown["input"] = show_shape(input_shape)
    return ", ".join(f"{name}={value}" for name, value in shown.items())


@contextmanager
def _located(file: SpecFile, kind: str, position: int) -> Iterator[None]:
    """Turn what is wrong with a row's own settings into an error at its place in the file."""
    try:
        yield
    except (RuleError, UsageError) as error:
        raise SpecError([file.problem(file.mark(kind, position), error.message, error.hint)]) from None
