"""What `show` draws: what a spec is and where it comes from, then its structure as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import NamedTuple

from rich.text import Text

from cnnx.analysis.about import About
from cnnx.analysis.environment import Environment
from cnnx.analysis.figures import CONVENTION, Figures
from cnnx.analysis.memory.inference import Memory
from cnnx.analysis.tree import Layer
from cnnx.graph.operation import Shape, show_shape
from cnnx.report.document import Object, document, node_object, result
from cnnx.report.grid import Grid, Series, percent_cell
from cnnx.report.memory import memory_object
from cnnx.report.notes import MACS, convention_note, draw_notes
from cnnx.report.numbers import bar, exact, percent, short
from cnnx.report.receptive_field import field_sentences
from cnnx.report.table import Column, draw, fit, left_out_note
from cnnx.report.text import headline, paragraph, show_shapes


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a tree."""

    name: str
    layer: Layer


FOLDED = "× n: so many equal layers in a row; figures there and below are of all of them together."


class _Layout(NamedTuple):
    """A form of the tree: numbers in full or short, how long bars can be, and whether operations are named."""

    in_full: bool
    bars: int
    operations: bool = True
    shares: bool = True
    outputs: bool = True


_FROM_WIDE_TO_NARROW = (
    _Layout(True, 20),
    _Layout(True, 10),
    _Layout(True, 6),
    _Layout(False, 10),
    _Layout(False, 4),
    _Layout(False, 2),
    _Layout(False, 2, operations=False),
)
_NARROW = (
    _Layout(False, 0, operations=False),
    _Layout(False, 0, operations=False, shares=False),
    _Layout(False, 0, operations=False, shares=False, outputs=False),
)


def draw_structure(about: About, figures: Figures, layers: Sequence[Layer], width: int | None) -> list[Text]:
    """Draw the head, the tree in the widest form that fits, and the notes."""
    rows = list(_rows(layers, ""))
    form = partial(_columns, rows, figures)
    columns = fit(map(form, _FROM_WIDE_TO_NARROW), width, map(form, _NARROW))
    notes = left_out_note(columns, ("operation", "output", "share"))
    notes += [FOLDED] if any(row.layer.times > 1 for row in rows) else []
    styles = ["bold", *["" for _ in rows]]
    return [
        *draw_head(about, figures, width),
        *draw(columns, styles),
        Text(),
        *draw_notes([*notes, *field_sentences(figures.receptive_field), *_flops_notes(figures)], width),
    ]


def _flops_notes(figures: Figures) -> list[str]:
    """Say what the figures are; where another convention was asked for, the FLOPs by it too."""
    if figures.convention == CONVENTION:
        return [f"{MACS} Figures are for one image."]
    parts = ", ".join(f"{category} {exact(flops)}" for category, flops in figures.flops_by_category.items())
    return [f"FLOPs: {exact(figures.flops)} ({parts}).", convention_note([figures])]


def draw_head(about: About, figures: Figures, width: int | None) -> list[Text]:
    """Draw what a spec is called, what it is, where it comes from, its parameters and its shapes."""
    lines = headline(about.title or about.name, about.name if about.title else "", width)
    for text, style in ((about.summary, ""), (about.source, "dim"), (about.path, "dim")):
        lines += paragraph(text, width, style) if text else []
    if figures.parameters:
        settings = ", ".join(f"{name}={show_value(value)}" for name, value in figures.parameters.items())
        lines += paragraph(f"parameters  {settings}", width)
    if about.variants:
        lines += paragraph(f"variants  {', '.join(about.variants)}", width)
    return [*lines, *paragraph(f"{_streams(figures.input)} → {_streams(figures.output)}", width), Text()]


def _streams(shapes: Mapping[str, Shape]) -> str:
    """Write the shapes of streams, with their names where there are several."""
    several = len(shapes) > 1
    return " + ".join(f"{name} {show_shape(shape)}" if several else show_shape(shape) for name, shape in shapes.items())


def show_value(value: object) -> str:
    """Write a parameter's value as the language has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(show_value, value))}]"
    return str(value)


def _rows(layers: Sequence[Layer], before: str) -> Iterator[_Row]:
    for number, layer in enumerate(layers):
        last = number == len(layers) - 1
        times = f" × {layer.times}" if layer.times > 1 else ""
        yield _Row(f"{before}{'╰╴' if last else '├╴'}{layer.name}{times}", layer)
        yield from _rows(layer.children, before + ("  " if last else "│ "))


def _columns(rows: Sequence[_Row], figures: Figures, layout: _Layout) -> list[Column]:
    write = exact if layout.in_full else short
    layers = [row.layer for row in rows]
    whole = show_shapes(figures.output.values())
    unit = "" if layout.in_full else "\nK M G"
    operations = Column("operation", ("", *[layer.operation for layer in layers]), left=True, style="cyan")
    outputs = Column("output", (whole, *[show_shape(layer.output) for layer in layers]))
    return [
        Column("layer", (figures.name, *[row.name for row in rows]), left=True),
        *([operations] if layout.operations else []),
        *([outputs] if layout.outputs else []),
        Column(f"params{unit}", (write(figures.params), *[write(layer.params) for layer in layers])),
        Column(f"MACs{unit}", (write(figures.macs), *[write(layer.macs) for layer in layers])),
        *(_shares(layers, layout.bars) if layout.shares else []),
    ]


def _shares(layers: Sequence[Layer], bars: int) -> Iterator[Column]:
    # Where bars are long enough, they stand beneath a part of the header.
    share, rest = ("share", "of MACs") if bars >= len("of MACs") else ("share\nof MACs", "")
    yield Column(share, ("", *["" if layer.share is None else percent(layer.share) for layer in layers]))
    if bars:
        yield Column(rest, ("", *[bar(layer.share, bars) for layer in layers]), left=True, style="green")


def structure_document(label: str, about: About, figures: Figures, memory: Memory, environment: Environment) -> Object:
    """Give one result, with what the spec says of itself and the figures of every node; `label` is how it was named."""
    told = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(about).items()}
    told |= {"nodes": [node_object(node) for node in figures.by_node], "memory": memory_object(memory)}
    return document(environment, [{**result(figures, memory), "label": label, **told}], figures.convention)


def structure_grid(figures: Figures) -> Grid:
    """Give a row for each node, in execution order."""
    nodes, whole = figures.by_node, figures.macs
    return Grid(
        (
            Series("name", "layer", tuple(node.name for node in nodes)),
            Series("operation", "operation", tuple(node.op.word for node in nodes)),
            Series("settings", "settings", tuple(node.op.describe() for node in nodes)),
            Series("input", "input", tuple(" + ".join(map(show_shape, node.inputs)) for node in nodes)),
            Series("output", "output", tuple(show_shape(node.output) for node in nodes)),
            Series("params", "params", tuple(node.params for node in nodes)),
            Series("macs", "MACs", tuple(node.macs for node in nodes)),
            Series("macs_share", "share", tuple(node.macs / whole if whole else None for node in nodes), percent_cell),
            Series("flops", "FLOPs", tuple(node.flops for node in nodes)),
            Series("activation_elements", "activations", tuple(node.activation_elements for node in nodes)),
        ),
        (f"Figures are for one image; FLOPs by the convention {figures.convention}.",),
    )
