"""The head of a profile: what the network is and costs, and what was measured of it, run by run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.text import Text

from cnnx.analysis.profiling.profile import Profile, ProfiledRun
from cnnx.analysis.profiling.roofline import Limits, Placement
from cnnx.analysis.profiling.runs import Run
from cnnx.report.numbers import NOTHING, aligned, counted, exact, interval, percent, significant
from cnnx.report.profile_training import backward_facts, draw_training_runs, training_facts
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import line, paragraph, show_shapes

GIGA = 10**9
_INDENT = 14
_ENOUGH_ROUNDS = 6  # for an interval that says something
_ALIGNED = ("ms", "images/s", "GFLOP/s", "GB/s")  # columns of measured numbers, points beneath each other


def draw_summary(profile: Profile, width: int | None) -> list[Text]:
    """Draw the figures of the network, then its one run in lines, or several as a table."""
    head = line((profile.title or profile.label, "bold"), f"  {profile.label}" if profile.title else "")
    figures = _told(_figures(profile), width)
    if len(profile.runs) > 1:
        runs = [*_draw_runs(profile.runs, width), *_draw_training(profile.runs, width)]
        return [head, *figures, Text(), *runs, *_failures(profile.runs, width)]
    (only,) = profile.runs
    return [head, *figures, *_told(_run(only), width), *_training(only, width)]


def _training(profiled: ProfiledRun, width: int | None) -> Iterator[Text]:
    if profiled.training is not None:
        yield from (Text(), line((f"training with {profiled.training.optimizer}", "bold")))
        yield from _told(training_facts(profiled.training, profiled.batch), width)


def _told(told: Iterator[tuple[str, str]], width: int | None) -> Iterator[Text]:
    for name, text in told:
        first, *others = paragraph(text, None if width is None else width - _INDENT)
        yield line((f"{name:{_INDENT}}", "dim")).append_text(first)
        for other in others:
            yield line(" " * _INDENT).append_text(other)


def _figures(profile: Profile) -> Iterator[tuple[str, str]]:
    figures = profile.figures
    yield "shapes", f"{show_shapes(figures.input.values())} → {show_shapes(figures.output.values())}"
    yield "params", exact(figures.params)
    yield "MACs", exact(figures.macs)
    yield "FLOPs", exact(figures.flops)
    if profile.runs[0].training is not None:
        yield from backward_facts(profile.runs[0].training)
    yield "weight bytes", f"{exact(figures.weight_bytes)} and {exact(figures.buffer_bytes)} of buffers"


def _run(profiled: ProfiledRun) -> Iterator[tuple[str, str]]:
    memory, run = profiled.predicted, profiled.run
    if profiled.failure is not None:
        yield "latency", f"not measured: {profiled.failure.message}"
    if memory is not None:
        seen = "" if run is None or run.memory is None else f"; {exact(run.memory.peak_bytes)} observed"
        yield "peak memory", f"{exact(memory.peak.bytes)} bytes at {memory.peak.node or 'the input'}{seen}"
        if profiled.training is None:
            yield "training", f"{exact(memory.training.bytes)} bytes"
    if run is not None:
        yield from _latency(profiled, run)
        yield from _limits(profiled.whole.placement, profiled.limits)
        if run.times is not None:
            yield "parts", _parts(run)


def _latency(profiled: ProfiledRun, run: Run) -> Iterator[tuple[str, str]]:
    latency = run.latency
    mode = "" if run.mode == "eager" else f", {run.mode}"
    quartiles = f"{interval(latency.p25, latency.p75)} ms in the middle half of {counted(latency.rounds, 'round')}"
    yield "latency", f"{significant(latency.median)} ms on {latency.device}{mode} ({quartiles})"
    if run.eager is not None and run.eager_ratio is not None:
        ratio, (low, high) = run.eager_ratio, run.eager_ratio.ci95
        bounds = f"{significant(ratio.ratio)}× [{significant(low)}, {significant(high)}] the {run.mode} time"
        yield "eager", f"{significant(run.eager.median)} ms, " + (bounds if ratio.shown else "no difference shown")
    yield "images/s", significant(images_per_second(profiled, run))


def _limits(placement: Placement, limits: Limits | None) -> Iterator[tuple[str, str]]:
    flops, moved = placement.flops_per_second, placement.bytes_per_second
    if flops is not None:
        yield (
            "arithmetic",
            f"{_giga(flops)} GFLOP/s" + _of_limit(flops, None if limits is None else limits.flops_per_second),
        )
    if moved is not None:
        yield "memory", f"{_giga(moved)} GB/s" + _of_limit(moved, None if limits is None else limits.bytes_per_second)
    if placement.flops_per_byte is not None and limits is not None:
        intensity, balance = significant(placement.flops_per_byte), significant(limits.balance)
        side = f"bound by {placement.bound}, {percent(placement.roof_share)} of the roof"
        yield "roofline", f"{intensity} FLOP/byte, balance {balance}: {side}"


def _of_limit(achieved: float, limit: float | None) -> str:
    return "" if limit is None else f", {percent(achieved / limit)} of the {_giga(limit)} measured as the limit"


def _giga(number: float) -> str:
    return significant(number / GIGA)


def images_per_second(profiled: ProfiledRun, run: Run) -> float:
    """Give how many images a second a run takes in."""
    return 1e3 * profiled.batch / run.latency.median


def _parts(run: Run) -> str:
    assert run.times is not None
    times = run.times
    whole = "the whole" if run.eager is None else "the whole, eager,"
    low, high = (signed(bound - 1) for bound in times.sum_to_whole.ci95)
    bounds = f" [{low}, {high}]" if times.rounds >= _ENOUGH_ROUNDS else ""
    return (
        f"{significant(times.sum_ms)} ms added up, {signed(times.sum_to_whole.ratio - 1)}{bounds} against "
        f"{whole} of {significant(times.whole_ms)} ms"
    )


def run_label(profiled: ProfiledRun, runs: Sequence[ProfiledRun]) -> str:
    """Name a run among others: `batch 8`, and its device where they have several."""
    batch = f"batch {profiled.batch}"
    return batch if len({run.device for run in runs}) == 1 else f"{profiled.device}, {batch}"


def _draw_runs(runs: Sequence[ProfiledRun], width: int | None) -> list[Text]:
    lead = Column("", tuple(run_label(run, runs) for run in runs), left=True, style="bold")
    return draw_folded(lead, [*_speed_columns(runs), *_memory_columns(runs)], width)


def _column(header: str, runs: Sequence[ProfiledRun], write: Callable[[ProfiledRun, Run], str]) -> Column:
    """Give a cell for each run that was measured, and a dash for the others."""
    cells = [NOTHING if each.run is None else write(each, each.run) for each in runs]
    return Column(header, aligned(cells) if header in _ALIGNED else tuple(cells))


def _speed_columns(runs: Sequence[ProfiledRun]) -> Iterator[list[Column]]:
    yield [
        _column("ms", runs, lambda each, run: significant(run.latency.median)),
        _column("middle half", runs, lambda each, run: interval(run.latency.p25, run.latency.p75)),
    ]
    yield [_column("images/s", runs, lambda each, run: significant(images_per_second(each, run)))]
    yield [
        _column("GFLOP/s", runs, lambda each, run: _giga(each.whole.placement.flops_per_second or 0)),
        _column("GB/s", runs, lambda each, run: _giga(each.whole.placement.bytes_per_second or 0)),
    ]
    yield [
        _column("bound by", runs, lambda each, run: each.whole.placement.bound or NOTHING),
        _column("of roof", runs, lambda each, run: percent(each.whole.placement.roof_share)),
    ]


def _memory_columns(runs: Sequence[ProfiledRun]) -> Iterator[list[Column]]:
    yield [
        Column("peak bytes", tuple(_predicted(each) for each in runs)),
        _column("observed", runs, lambda each, run: NOTHING if run.memory is None else exact(run.memory.peak_bytes)),
    ]
    yield [_column("parts", runs, lambda each, run: _parts_against_whole(run))]


def _parts_against_whole(run: Run) -> str:
    return NOTHING if run.times is None else signed(run.times.sum_to_whole.ratio - 1)


def _draw_training(runs: Sequence[ProfiledRun], width: int | None) -> list[Text]:
    if all(each.training is None for each in runs):
        return []
    return [Text(), *draw_training_runs(runs, lambda each: run_label(each, runs), width)]


def _predicted(profiled: ProfiledRun) -> str:
    return NOTHING if profiled.predicted is None else exact(profiled.predicted.peak.bytes)


def signed(share: float) -> str:
    """Write a difference with its sign: `−0.6 %`."""
    return f"{'−' if share < 0 else '+'}{percent(abs(share))}"


def _failures(runs: Sequence[ProfiledRun], width: int | None) -> Iterator[Text]:
    notes = list(failure_notes(runs))
    yield from [Text()][: len(notes)]
    for note in notes:
        yield from paragraph(note, width, "yellow")


def failure_notes(runs: Sequence[ProfiledRun]) -> Iterator[str]:
    """Say which runs failed and why, and which were measured and could not be trained."""
    for each in runs:
        training = None if each.training is None else each.training.failure
        if each.failure is not None:
            yield f"{run_label(each, runs)} was not measured: {each.failure.message}"
        elif training is not None:
            yield f"{run_label(each, runs)} was not trained: {training.message}"
