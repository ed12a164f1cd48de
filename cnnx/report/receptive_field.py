"""A receptive field in words: its size, where it starts, how far it moves; or why there is no single one."""

from __future__ import annotations

from collections.abc import Mapping

from cnnx.analysis.receptive_field import Field, ReceptiveField
from cnnx.graph.operation import show_pair, show_shape


def describe_fields(fields: Mapping[str, ReceptiveField]) -> str:
    """Say what one output position sees of each input."""
    if len(fields) == 1:
        (field,) = fields.values()
        return describe_field(field)
    return ". ".join([f"Of `{name}`: {describe_field(field)}" for name, field in fields.items()]) or "none"


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
