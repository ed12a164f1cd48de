"""The times of a network's nodes, added up, against the time of the whole; and what reading clocks adds to it.

Both forwards run in every round of cnnx's own protocol, in random order, and are compared round by round: what slows
the machine down slows both. The networks take 10 ms and more, in one thread. The last is a model written by hand, whose
parts are its modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.row import Row
from cnnx import load
from cnnx.analysis.models.names import ModelName
from cnnx.analysis.models.parts import model_parts
from cnnx.analysis.profiling.runs import Run
from cnnx.analysis.records import LatencyRatio, TimeByNode
from cnnx.pytorch.cpu_use import CpuUse
from cnnx.pytorch.foreign.model import count_model
from cnnx.pytorch.foreign.profiling import profile_model
from cnnx.pytorch.foreign.source import ModelSource
from cnnx.pytorch.profiling import profile_graph
from cnnx.pytorch.settings import Settings

NETWORKS = ("mobilenetv3_large", "resnet18", "densenet121")  # few and many nodes, 10 ms and more
MODEL = ModelName("benchmarks.handwritten", "MobileNetV3Large")
SETTINGS = Settings(rounds=60, threads=1, max_time=30.0)
SUM_WITHIN = 0.02
CLOCKS_ADD = 0.01


def rows() -> Iterator[Row]:
    """Measure every network, and the model."""
    for name in NETWORKS:
        yield from _rows(name, partial(profile_graph, load(name), SETTINGS))
    model = count_model(ModelSource(MODEL))
    watched = [part.name for part in model_parts(model.counted)]
    yield from _rows(MODEL.attribute, partial(profile_model, model, watched, SETTINGS))


def _rows(name: str, profile: Callable[[], Run]) -> Iterator[Row]:
    before = CpuUse.now()
    times = profile().times
    assert times is not None  # there is always a part
    yield from rows_of(name, times, before.by_others_until(CpuUse.now()))


def rows_of(name: str, times: TimeByNode, others: float) -> Iterator[Row]:
    """Give what both promises come to; `others` is the share of the processor that other processes used."""
    notes = (
        f"{len(times.nodes)} parts, {times.whole_ms:.2f} ms, {times.rounds} rounds; "
        f"other processes used {others:.0%} of the processor",
    )
    difference = abs(times.sum_to_whole.ratio - 1)
    yield Row(
        f"{name}: sum of the parts / whole", _found(times.sum_to_whole), "1 ± 2 %", difference <= SUM_WITHIN, notes
    )
    added = times.clocked_to_whole.ratio - 1
    yield Row(f"{name}: with clocks / without", _found(times.clocked_to_whole), "< 1.01", added < CLOCKS_ADD)


def _found(ratio: LatencyRatio) -> str:
    return f"{ratio.ratio:.4f} [{ratio.ci95[0]:.4f}, {ratio.ci95[1]:.4f}]"
