"""What `show --memory` draws: the peak of inference, what is alive there, and what training holds."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from cnnx.analysis.memory.inference import Memory
from cnnx.report.document import Object
from cnnx.report.grid import Grid, Series, percent_cell
from cnnx.report.notes import draw_notes, memory_note
from cnnx.report.numbers import bar, exact, percent
from cnnx.report.table import Column, draw_folded, width_of_columns
from cnnx.report.text import side_by_side

_BARS = (20, 10, 4, 0)  # from the widest to the narrowest


def draw_memory(head: Sequence[Text], memory: Memory, width: int | None) -> list[Text]:
    """Draw, under the head of a spec, the storages that are alive at the peak, the parts of training, and the notes."""
    peak, training = memory.peak, memory.training
    where = f" at {peak.node}" if peak.node else ""
    trained = [
        ("weights", training.weight_bytes),
        ("gradients", training.gradient_bytes),
        ("kept for backward", training.saved_bytes),
    ]
    return [
        *head,
        *side_by_side(("peak of inference", "dim"), (f"{exact(peak.bytes)} bytes{where}", "bold"), width, "  "),
        Text(),
        *draw_shares("alive there", alive_parts(memory), peak.bytes, width),
        Text(),
        *draw_shares("training", trained, training.bytes, width),
        Text(),
        *draw_notes([memory_note(memory.dtype, memory.batch)], width),
    ]


def alive_parts(memory: Memory) -> list[tuple[str, int]]:
    """Give what makes up the peak: storages by what made them, the largest first, and the node's own scratch."""
    parts = [(alive.name, alive.bytes) for alive in memory.peak.alive]
    if memory.peak.scratch_bytes:
        parts.append((f"scratch of {memory.peak.node}", memory.peak.scratch_bytes))
    return sorted(parts, key=lambda part: -part[1])


def draw_shares(head: str, parts: Sequence[tuple[str, int]], whole: int, width: int | None) -> list[Text]:
    """Draw parts of a whole, in bytes, with their shares; in a narrow terminal each beneath its name."""
    lead = Column(head, (*[name for name, _ in parts], "all"), left=True)
    forms = [_columns(parts, whole, bars) for bars in _BARS]
    fitting = (columns for columns in forms if width is None or width_of_columns([lead, *columns]) <= width)
    return draw_folded(lead, [next(fitting, forms[-1])], width)


def _columns(parts: Sequence[tuple[str, int]], whole: int, bars: int) -> list[Column]:
    shares = [_share(count, whole) for _, count in parts]
    return [
        Column("bytes", (*[exact(count) for _, count in parts], exact(whole))),
        Column("share", (*map(percent, shares), "")),
        *([Column("", (*[bar(share, bars) for share in shares], ""), left=True, style="green")] if bars else []),
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def memory_object(memory: Memory) -> Object:
    """Give the peak with what is alive there, and the parts of training, in bytes."""
    peak, training = memory.peak, memory.training
    return {
        "dtype": memory.dtype,
        "batch": memory.batch,
        "peak_node": peak.node or None,
        "alive": [
            {"name": alive.name, "bytes": alive.bytes, "share": _share(alive.bytes, peak.bytes)} for alive in peak.alive
        ],
        "scratch_bytes": peak.scratch_bytes,
        "training": {
            "weight_bytes": training.weight_bytes,
            "gradient_bytes": training.gradient_bytes,
            "saved_bytes": training.saved_bytes,
        },
    }


def memory_grid(memory: Memory) -> Grid:
    """Give a row for each storage that is alive at the peak of inference."""
    parts, whole = alive_parts(memory), memory.peak.bytes
    return Grid(
        (
            Series("alive", "alive", tuple(name for name, _ in parts)),
            Series("bytes", "bytes", tuple(count for _, count in parts)),
            Series("share", "share", tuple(count / whole for _, count in parts), percent_cell),
        ),
        (f"The peak of inference, at {memory.peak.node or 'the input'}.", memory_note(memory.dtype, memory.batch)),
    )
