"""A receptive field in words: its size, where it starts, how far it moves; or why there is no single one."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from cnnx.analysis.receptive_field import Field, ReceptiveField
from cnnx.graph.operation import show_pair, show_shape
from cnnx.report.text import listed, paragraph


def field_sentences(fields: Mapping[str, ReceptiveField]) -> list[str]:
    """Say what one output position sees of each input, of those together of which it sees the same."""
    if len(fields) == 1:
        (field,) = fields.values()
        return [f"Receptive field: {describe_field(field)}."]
    inputs: dict[str, list[str]] = {}
    for name, field in fields.items():
        inputs.setdefault(describe_field(field), []).append(f"`{name}`")
    return [f"Receptive field in {listed(names)}: {told}." for told, names in inputs.items()]


def draw_fields(fields: Mapping[str, ReceptiveField], width: int | None) -> list[Text]:
    """Draw the same, a paragraph each."""
    return [drawn for sentence in field_sentences(fields) for drawn in paragraph(sentence, width)]


def describe_field(field: ReceptiveField) -> str:
    """Say what one output position sees of an input, unclipped: `3×3, from −1 to 1; each step moves it by 1`."""
    if field.is_global:
        return "everything, as a global pooling or a flattening lies before the output"
    if field.height is None or field.width is None:
        return f"no single one, as {field.reason}"
    height, width = field.height, field.width
    size = show_shape((height.size, width.size))
    extent = _extent(height) if height[:2] == width[:2] else f"rows {_extent(height)}, columns {_extent(width)}"
    jump = show_pair((height.jump, width.jump))
    return f"{size}, {extent} for output position 0; each step moves it by {jump}"


def _extent(field: Field) -> str:
    return f"from {signed(field.low)} to {signed(field.high)}"


def signed(number: int) -> str:
    """Write an integer with a true minus sign."""
    return f"{number}".replace("-", "−")
