"""What `profile` draws: the summary of a network, the table by part, and the notes."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from cnnx.analysis.figures import CONVENTION
from cnnx.analysis.profiling.profile import Profile, ProfiledRun
from cnnx.analysis.profiling.roofline import Limits
from cnnx.report.model import draw_unknown, model_notes
from cnnx.report.notes import convention_note, draw_notes, environment_note, memory_note, warning_notes
from cnnx.report.numbers import counted, significant
from cnnx.report.profile_memory import draw_memory_parts
from cnnx.report.profile_summary import GIGA, draw_summary, run_label, signed
from cnnx.report.profile_table import draw_parts
from cnnx.report.profile_training import training_notes

MEMORY_ROWS = 10  # the nodes at which most bytes live, where no number is given


def draw_profile(profile: Profile, width: int | None) -> list[Text]:
    """Draw the summary, the table by part, in pieces where it is wider than `width`, and the notes."""
    if profile.by == "memory":
        table = draw_memory_parts(profile, profile.top or MEMORY_ROWS, width)
    else:
        table = draw_parts(profile, width)
    unknown = [] if profile.model is None else draw_unknown(profile.model, width)
    notes = draw_notes(profile_notes(profile), width)
    return [*draw_summary(profile, width), Text(), *table, Text(), *unknown, *notes]


def profile_notes(profile: Profile) -> list[str]:
    """Say what the figures and measurements rest on."""
    return [
        convention_note([profile.figures]),
        *(() if profile.model is None else model_notes(profile.model)),
        *_roofline_notes(profile),
        *_time_notes(profile),
        *_memory_notes(profile),
        *training_notes(profile),
        *_environment_notes(profile),
        *warning_notes(dict.fromkeys(_warnings(profile))),
    ]


def _roofline_notes(profile: Profile) -> Iterator[str]:
    own = "" if profile.figures.convention == CONVENTION else " by cnnx's own convention"
    yield (
        f"FLOP/s and FLOP/byte: FLOPs{own} over time, and over the bytes that the nodes read and write "
        f"({profile.figures.dtype}; inputs, weights and outputs, each node by itself; MB: 10⁶ bytes of a call)."
    )
    limits = {run.device: run.limits for run in profile.runs if run.limits is not None}
    for each in limits.values():
        yield limits_note(each)
    if limits:
        yield (
            "Of roof: the least time that these limits allow over the time that was measured. It passes 100 % where "
            "data stays in caches, or an algorithm does with fewer operations than are counted."
        )


def limits_note(limits: Limits) -> str:
    """Say what a machine reached, on what, and when."""
    threads = "" if limits.threads is None else f", {counted(limits.threads, 'thread')}"
    when = limits.measured_at.replace("T", " ")[:16]
    kept = f"{when} and kept; --remeasure measures anew" if limits.kept else f"now, {when}"
    flops, moved = significant(limits.flops_per_second / GIGA), significant(limits.bytes_per_second / GIGA)
    size, copied = limits.product_size, limits.copy_bytes >> 20
    return (
        f"Limits of {limits.device} ({limits.dtype}{threads}): {flops} GFLOP/s in a product of {size}×{size} matrices, "
        f"{moved} GB/s read and written in a copy of {copied} MiB; balance "
        f"{significant(limits.balance)} FLOP/byte. Measured {kept}."
    )


def _time_notes(profile: Profile) -> Iterator[str]:
    timed = [run.run for run in profile.measured if run.run is not None and run.run.times is not None]
    if not timed or profile.by == "memory":
        return
    if any(run.eager is not None for run in timed):
        seconds = ", ".join(significant(run.prepare_seconds) for run in timed)
        yield (
            f"The table has the times of the eager module: what is {timed[0].mode} has no nodes to time. "
            f"Preparing it took {seconds} s."
        )
    added = ", ".join(signed(run.times.clocked_to_whole.ratio - 1) for run in timed if run.times is not None)
    read = "after each node" if profile.model is None else "wherever another module begins to run"
    yield (
        f"ms: of a call with the whole batch, by a clock read {read}. Parts and whole are held against each "
        f"other round by round; the clocks change the whole by {added}."
    )


def _memory_notes(profile: Profile) -> Iterator[str]:
    predicted = [run.predicted for run in profile.runs if run.predicted is not None]
    if len(predicted) == 1:
        yield memory_note(predicted[0].dtype, predicted[0].batch)
    elif predicted:
        yield memory_note(predicted[0].dtype, predicted[0].batch).replace(
            f"Memory for {counted(predicted[0].batch, 'image')}", "Memory for the whole batch", 1
        )
    seen = [run.run.memory for run in profile.measured if run.run is not None and run.run.memory is not None]
    if any(memory.with_workspace for memory in seen):
        yield (
            "Observed on CUDA by torch's allocator while the eager module runs once, in its own steps, with the "
            "workspace that kernels take from it."
        )
    if any(not memory.with_workspace for memory in seen):
        yield "Observed on CPU by watching storages while the eager module runs once."


def _environment_notes(profile: Profile) -> Iterator[str]:
    by_device: dict[str, ProfiledRun] = {}
    for run in profile.measured:
        by_device.setdefault(run.device, run)
    for run in by_device.values():
        if run.run is not None:
            yield f"Environment: {environment_note(run.run.environment)}."
    if not by_device:
        yield f"Environment: {environment_note(profile.environment)}."


def _warnings(profile: Profile) -> Iterator[str]:
    for run in profile.runs:
        label = f"{run_label(run, profile.runs)}: " if len(profile.runs) > 1 else ""
        if run.run is not None:
            yield from (f"{label}{warning}" for warning in run.run.environment.warnings)
        if run.training is not None and run.training.run is not None:
            yield from (f"{label}training: {warning}" for warning in run.training.run.environment.warnings)
        if run.limits is not None:
            yield from run.limits.warnings
