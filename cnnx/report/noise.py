"""What `compare --aa` draws: how often a difference would be claimed, and the smallest that would be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.text import Text

from cnnx.analysis.noise import NoiseFloor
from cnnx.report.document import Object, document
from cnnx.report.grid import Grid, Series, percent_cell
from cnnx.report.notes import draw_notes, environment_note, warning_notes
from cnnx.report.numbers import counted, exact, interval, percent, significant
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import line

_MOST_WARNINGS = 3


def draw_noise(floors: Sequence[NoiseFloor], width: int | None) -> list[Text]:
    """Draw a row for each device, and what the numbers mean."""
    lead = Column("device", tuple(floor.device for floor in floors), left=True, style="bold")
    lows = [min(ratio.ci95[0] for ratio in floor.ratios) for floor in floors]
    highs = [max(ratio.ci95[1] for ratio in floor.ratios) for floor in floors]
    groups = [
        [Column("median ms", tuple(significant(floor.median_ms) for floor in floors))],
        [Column("comparisons", tuple(exact(floor.comparisons) for floor in floors))],
        [Column("claimed", tuple(exact(floor.claimed) for floor in floors))],
        [Column("intervals within", tuple(interval(low, high) for low, high in zip(lows, highs, strict=True)))],
        [Column("smallest\ndifference", tuple(percent(floor.smallest_difference) for floor in floors))],
    ]
    head = line((f"{floors[0].label} against itself", "bold"))
    return [head, Text(), *draw_folded(lead, groups, width), Text(), *draw_notes(_notes(floors), width)]


def _notes(floors: Sequence[NoiseFloor]) -> list[str]:
    notes = [
        "Claimed: comparisons that claim a difference where there is none. Smallest difference: so much more time "
        "would have been shown by at least 9 of 10 of these comparisons."
    ]
    for floor in floors:
        each = f"{counted(floor.rounds, 'round')} at the least, {significant(floor.seconds)} s on average"
        notes.append(f"A comparison on {floor.device}: {each}.")
        notes.append(f"Environment: {environment_note(floor.environment)}.")
        notes += warning_notes(floor.warnings[:_MOST_WARNINGS])
        more = len(floor.warnings) - _MOST_WARNINGS
        notes += [f"And {counted(more, 'warning')} more."] if more > 0 else []
    return notes


def noise_grid(floors: Sequence[NoiseFloor]) -> Grid:
    """Give a row for each device."""
    differences = tuple(floor.smallest_difference for floor in floors)
    return Grid(
        (
            Series("label", "", tuple(floor.label for floor in floors)),
            Series("device", "device", tuple(floor.device for floor in floors)),
            Series("median_ms", "median ms", tuple(floor.median_ms for floor in floors)),
            Series("comparisons", "comparisons", tuple(floor.comparisons for floor in floors)),
            Series("claimed", "claimed", tuple(floor.claimed for floor in floors)),
            Series("smallest_difference", "smallest difference", differences, percent_cell),
        ),
        tuple(_notes(floors)),
    )


def noise_document(floors: Sequence[NoiseFloor], name: str) -> Object:
    """Give one result for each device, with the ratio of every comparison; `name` is the spec's own."""
    results = [
        {
            "name": name,
            "label": floor.label,
            "device": floor.device,
            "median_ms": floor.median_ms,
            "comparisons": floor.comparisons,
            "claimed": floor.claimed,
            "smallest_difference": floor.smallest_difference,
            "rounds": floor.rounds,
            "seconds": floor.seconds,
            "ratios": [
                {"ratio": ratio.ratio, "ci95": list(ratio.ci95), "difference_shown": ratio.shown}
                for ratio in floor.ratios
            ],
            "environment": asdict(floor.environment),
            "warnings": list(floor.warnings),
        }
        for floor in floors
    ]
    return document(floors[0].environment, results)
