"""A profile for other programs: JSON with a result for each run, and a grid with a row for each run and part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from cnnx.analysis.profiling.profile import Profile, ProfiledRun, Row
from cnnx.analysis.profiling.roofline import Limits
from cnnx.analysis.profiling.runs import Run
from cnnx.analysis.records import LatencyRatio
from cnnx.graph.operation import show_shape
from cnnx.report.document import Object, document, latency_object, result
from cnnx.report.grid import Cell, Grid, Series, percent_cell
from cnnx.report.memory import memory_object
from cnnx.report.model import counters_object, model_object
from cnnx.report.profile import profile_notes
from cnnx.report.profile_memory import memory_parts_grid, observed_by_node
from cnnx.report.profile_summary import images_per_second
from cnnx.report.profile_training import training_object


def profile_document(profile: Profile) -> Object:
    """Give one result for each run, in the order in which they were asked for."""
    measured = profile.measured
    run = measured[0].run if measured else None
    environment = profile.environment if run is None else run.environment
    return document(environment, [_result(profile, each) for each in profile.runs], profile.figures.convention)


def _result(profile: Profile, profiled: ProfiledRun) -> Object:
    run = profiled.run
    return {
        **result(profile.figures, profiled.predicted),
        "crosscheck": None if profile.model is None else counters_object(profile.model),
        "label": profile.label,
        "title": profile.title,
        "device": profiled.device,
        "batch": profiled.batch,
        "dtype": profile.figures.dtype,
        "failure": None if profiled.failure is None else asdict(profiled.failure),
        **(_NOTHING_MEASURED if run is None else _measured(profiled, run)),
        "limits": None if profiled.limits is None else _limits(profiled.limits),
        "memory": _memory(profiled),
        "moved_bytes": profiled.whole.moved_bytes,
        **asdict(profiled.whole.placement),
        "training": None if profiled.training is None else training_object(profiled.training),
        "by": profile.by,
        "parts": [_part(row) for row in profiled.rows],
        "model": None if profile.model is None else model_object(profile.model),
        "environment": None if run is None else asdict(run.environment),
    }


_NOTHING_MEASURED: Object = dict.fromkeys(
    (
        "mode", "layout", "latency_ms", "images_per_second", "eager_latency_ms", "eager_ratio", "prepare_seconds",
        "sum_of_parts_ms", "whole_ms", "sum_to_whole", "clocked_to_whole", "time_by_node_ms",
        "observed_peak_inference_bytes",
    )
)  # fmt: skip


def _measured(profiled: ProfiledRun, run: Run) -> Object:
    times, ratio = run.times, run.eager_ratio
    return {
        "mode": run.mode,
        "layout": run.environment.layout,
        "latency_ms": latency_object(run.latency),
        "images_per_second": images_per_second(profiled, run),
        "eager_latency_ms": None if run.eager is None else latency_object(run.eager),
        "eager_ratio": None if ratio is None else {**_ratio(ratio), "shown": ratio.shown},
        "prepare_seconds": run.prepare_seconds,
        "sum_of_parts_ms": None if times is None else times.sum_ms,
        "whole_ms": None if times is None else times.whole_ms,
        "sum_to_whole": None if times is None else _ratio(times.sum_to_whole),
        "clocked_to_whole": None if times is None else _ratio(times.clocked_to_whole),
        "time_by_node_ms": None if times is None else {node.name: node.milliseconds for node in times.nodes},
        "observed_peak_inference_bytes": None if run.memory is None else run.memory.peak_bytes,
    }


def _ratio(ratio: LatencyRatio) -> Object:
    return {"ratio": ratio.ratio, "ci95": list(ratio.ci95)}


def _limits(limits: Limits) -> Object:
    return {**asdict(limits), "flops_per_byte": limits.balance, "warnings": list(limits.warnings)}


def _memory(profiled: ProfiledRun) -> Object | None:
    observed = observed_by_node(profiled)
    if profiled.predicted is None and not observed:
        return None
    predicted = {alive.name: alive.bytes for alive in profiled.live_by_node}
    return {
        **({} if profiled.predicted is None else memory_object(profiled.predicted)),
        "live_bytes_by_node": predicted or None,
        "observed_bytes_by_node": dict(observed) or None,
    }


def _part(row: Row) -> Object:
    own = {name: value for name, value in asdict(row).items() if name not in ("placement", "milliseconds")}
    output = None if row.output is None else list(row.output)
    return {**own, "output": output, "time_ms": row.milliseconds, **asdict(row.placement)}


def profile_grid(profile: Profile) -> Grid:
    """Give a row for each run and part, with its shares of the whole; by memory, for each run and node."""
    if profile.by == "memory":
        return memory_parts_grid(profile, profile.top, tuple(profile_notes(profile)))
    pairs = [(run, row) for run in profile.runs for row in run.rows]

    def series(name: str, header: str, read: Callable[[ProfiledRun, Row], Cell], *, share: bool = False) -> Series:
        cells = tuple(read(run, row) for run, row in pairs)
        return Series(name, header, cells, percent_cell) if share else Series(name, header, cells)

    return Grid(
        (
            series("device", "device", lambda run, row: run.device),
            series("batch", "batch", lambda run, row: run.batch),
            series("part", profile.by, lambda run, row: row.name),
            series("operation", "operation", lambda run, row: row.operation),
            series("nodes", "nodes", lambda run, row: row.nodes),
            series("output", "output", lambda run, row: None if row.output is None else show_shape(row.output)),
            series("params", "params", lambda run, row: row.params),
            series("macs", "MACs", lambda run, row: row.macs),
            series("flops", "FLOPs", lambda run, row: row.flops),
            series("flops_share", "share", lambda run, row: row.flops_share, share=True),
            *(
                (
                    series("backward_macs", "backward MACs", lambda run, row: row.backward_macs),
                    series("backward_flops", "backward FLOPs", lambda run, row: row.backward_flops),
                    series("backward_share", "share", lambda run, row: row.backward_share, share=True),
                )
                if any(run.training is not None for run in profile.runs)
                else ()
            ),
            series("moved_bytes", "bytes moved", lambda run, row: row.moved_bytes),
            series("time_ms", "ms", lambda run, row: row.milliseconds),
            series("time_share", "share", lambda run, row: row.time_share, share=True),
            series("flops_per_byte", "FLOP/byte", lambda run, row: row.placement.flops_per_byte),
            series("bound", "bound by", lambda run, row: row.placement.bound),
            series("roof_share", "of roof", lambda run, row: row.placement.roof_share, share=True),
        ),
        tuple(profile_notes(profile)),
    )
