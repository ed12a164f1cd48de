"""What `profile` draws: the summary of a network, then what each block takes of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.text import Text

from cnnx.analysis.profile import Profile
from cnnx.graph.operation import show_shape
from cnnx.report.document import Object, document, latency_object, result
from cnnx.report.notes import convention_note, draw_notes, environment_note, memory_note, warning_notes
from cnnx.report.numbers import aligned, bar, exact, interval, percent, significant
from cnnx.report.table import Column, draw_folded, width_of_columns
from cnnx.report.text import line, show_shapes

# From the widest to the narrowest: how long the bars can be.
_BARS = (16, 8, 4)


def draw_profile(profile: Profile, width: int | None) -> list[Text]:
    """Draw the summary, the table by block, in parts where it is wider than `width`, and the notes."""
    lead = Column("block", (*[block.name for block in profile.blocks], "all"), left=True, style="bold")
    candidates = [_groups(profile, bars) for bars in _BARS]
    fitting = (groups for groups in candidates if width is None or _width(lead, groups) <= width)
    table = draw_folded(lead, next(fitting, candidates[0]), width)
    return [*_summary(profile), Text(), *table, Text(), *draw_notes(profile_notes(profile), width)]


def _width(lead: Column, groups: Sequence[Sequence[Column]]) -> int:
    return width_of_columns([lead, *[column for group in groups for column in group]])


def _summary(profile: Profile) -> list[Text]:
    figures, latency = profile.figures, profile.measurement.latencies[0]
    entering = show_shapes(figures.input.values())
    leaving = show_shapes(figures.output.values())
    quartiles = f"{interval(latency.p25, latency.p75)} ms in the middle half of {latency.rounds} rounds"
    told = {
        "shapes": f"{entering} → {leaving}",
        "params": exact(figures.params),
        "MACs": exact(figures.macs),
        "FLOPs": exact(figures.flops),
        "weight bytes": f"{exact(figures.weight_bytes)} and {exact(figures.buffer_bytes)} of buffers",
        "peak memory": f"{exact(profile.memory.peak.bytes)} bytes at {profile.memory.peak.node or 'the input'}",
        "training": f"{exact(profile.memory.training.bytes)} bytes",
        "latency": f"{significant(latency.median)} ms on {latency.device} ({quartiles})",
    }
    head = line((profile.title or profile.label, "bold"), f"  {profile.label}" if profile.title else "")
    return [head, *[line((f"{name:14}", "dim"), text) for name, text in told.items()]]


def _groups(profile: Profile, bars: int) -> list[list[Column]]:
    blocks, figures = profile.blocks, profile.figures
    moved = sum(block.moved_bytes for block in blocks)
    times = aligned([*[significant(block.milliseconds) for block in blocks], significant(profile.times.sum_ms)])

    def numbers(header: str, parts: Iterable[int], whole: int) -> Column:
        return Column(header, (*map(exact, parts), exact(whole)))

    return [
        [Column("output", (*[show_shape(block.output) for block in blocks], ""))],
        _shared(
            numbers("params", [block.params for block in blocks], figures.params),
            [block.params_share for block in blocks],
            bars,
        ),
        _shared(
            numbers("MACs", [block.macs for block in blocks], figures.macs),
            [block.macs_share for block in blocks],
            bars,
        ),
        _shared(
            numbers("bytes moved", [block.moved_bytes for block in blocks], moved),
            [block.moved_share for block in blocks],
            bars,
        ),
        _shared(Column("ms", times), [block.time_share for block in blocks], bars),
    ]


def _shared(column: Column, shares: Sequence[float | None], bars: int) -> list[Column]:
    """Put beside a column each block's share of the whole, as a number and as a bar."""
    return [
        column,
        Column("share", (*map(percent, shares), "")),
        Column("", (*[bar(share, bars) for share in shares], ""), left=True, style="green"),
    ]


def profile_notes(profile: Profile) -> list[str]:
    """Say what the figures and measurements rest on."""
    times, environment = profile.times, profile.environment
    return [
        f"{convention_note([profile.figures])} Bytes moved: what the nodes read and write "
        f"({profile.figures.dtype}), for one image.",
        f"ms: the mean of each node over the middle half of {times.rounds} rounds, added up by block, for the whole "
        f"batch of {environment.batch or 1}; the nodes add up to {significant(times.sum_ms)} ms, and the whole takes "
        f"{significant(times.whole_ms)} ms without clocks in between.",
        memory_note(profile.memory.dtype, profile.memory.batch),
        f"Environment: {environment_note(environment)}.",
        *warning_notes(dict.fromkeys((*profile.measurement.warnings, *environment.warnings))),
    ]


def profile_document(profile: Profile) -> Object:
    """Give one result, with what each block takes and the measured time of each node."""
    told = {
        "label": profile.label,
        "title": profile.title,
        "latency_ms": latency_object(profile.measurement.latencies[0]),
        "blocks": [{**asdict(block), "output": list(block.output)} for block in profile.blocks],
        "time_by_node_ms": {node.name: node.milliseconds for node in profile.times.nodes},
        "sum_of_nodes_ms": profile.times.sum_ms,
        "whole_ms": profile.times.whole_ms,
        "rounds_by_node": profile.times.rounds,
    }
    return document(
        profile.environment, [{**result(profile.figures, profile.memory), **told}], profile.figures.convention
    )
