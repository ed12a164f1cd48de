"""Records as measurements would give them, with fixed numbers, for tests of what shows them."""

from __future__ import annotations

from collections.abc import Sequence

import cnnx
from cnnx.analysis.comparison import Comparison, ComparisonRow, compare
from cnnx.analysis.environment import Environment
from cnnx.analysis.figures import Figures
from cnnx.analysis.memory.inference import predict_memory
from cnnx.analysis.profiling.roofline import Limits
from cnnx.analysis.profiling.runs import Run
from cnnx.analysis.records import (
    CounterResult,
    CrossCheck,
    Disagreement,
    Latency,
    LatencyRatio,
    Measurement,
    NodeTime,
    TimeByNode,
)

STATIC = Environment(
    cnnx="0.1.0", python="3.11.7", platform="Linux 6.1 x86_64", command="cnnx compare", cpu="A processor", cores=8
)
MEASURED = Environment(
    cnnx="0.1.0",
    python="3.11.7",
    platform="Linux 6.1 x86_64",
    command="cnnx compare",
    cpu="A processor",
    cpu_capability="AVX512",
    cores=8,
    load=0.25,
    torch="2.8.0",
    threads=4,
    device="cpu",
    dtype="float32",
    batch=1,
    layout="contiguous",
    rounds=60,
    warmup="at least 3 calls and 0.1 s each",
    seed=0,
)
ON_CUDA = Environment(
    cnnx="0.1.0",
    python="3.11.7",
    platform="Linux 6.1 x86_64",
    command="cnnx compare",
    cpu="A processor",
    cores=8,
    load=0.25,
    torch="2.8.0",
    threads=4,
    device="cuda",
    dtype="float32",
    batch=1,
    layout="contiguous",
    rounds=60,
    seed=0,
    tf32=False,
    gpu="A graphics card",
    cuda="12.8",
    cudnn="9.7",
    driver="570.0",
    clocks_before="1980 MHz",
    clocks_after="1965 MHz",
)


def figures_of(name: str) -> Figures:
    return cnnx.count(cnnx.load(name))


def latency(median: float, device: str = "cpu") -> Latency:
    return Latency(device, median, 0.98 * median, 1.03 * median, 60, (0.99 * median, 1.01 * median), 10)


def measurement(medians: Sequence[float], device: str = "cpu") -> Measurement:
    """Latencies of these medians; a difference is claimed where it is over 2 %."""
    ratios = [median / medians[0] for median in medians]
    shown = [LatencyRatio(ratio, (0.99 * ratio, 1.01 * ratio), abs(ratio - 1) > 0.02) for ratio in ratios]
    return Measurement(tuple([latency(median, device) for median in medians]), (None, *shown[1:]))


def agreeing(figures: Figures) -> CrossCheck:
    counters = [CounterResult(counter, figures.macs) for counter in ("hooks", "fvcore", "torch")]
    return CrossCheck(figures.params, tuple(counters), ())


def differing(figures: Figures) -> CrossCheck:
    difference = Disagreement("fvcore", "conv2", "macs", "115605504", "1")
    counters = (CounterResult("hooks", figures.macs), CounterResult("fvcore", 1, note="knows no such thing"))
    return CrossCheck(figures.params, counters, (difference,))


def comparison_of(
    names: Sequence[str],
    *,
    batch: int = 1,
    measured: bool = False,
    crosschecks: Sequence[CrossCheck] = (),
    devices: Sequence[str] = ("cpu",),
) -> Comparison:
    """Compare specs; where `measured`, every one takes 2.345 times as long as the one before."""
    graphs = [cnnx.load(name) for name in names]
    medians = [1.234 * 2.345**number for number in range(len(names))]
    found = {
        device: (measurement(medians, device), MEASURED if device == "cpu" else ON_CUDA)
        for device in (devices if measured else ())
    }
    rows = [
        ComparisonRow(name, "", cnnx.count(graph), predict_memory(graph, batch=batch))
        for name, graph in zip(names, graphs, strict=True)
    ]
    return compare(rows, STATIC, crosschecks=crosschecks, measured=found)


LIMITS = Limits("cpu", "float32", 4, 200e9, 20e9, 2048, 268435456, "2026-01-02T03:04:05+00:00", {"cpu": "A processor"})

# The nodes added up against the whole, and the whole with clocks in it against the one without.
SUM, ADDED = LatencyRatio(1 / 1.01, (0.988, 0.992), shown=False), LatencyRatio(1.002, (1.001, 1.003), shown=False)


def run_of(names: Sequence[str], milliseconds: float, device: str = "cpu") -> Run:
    """A run in which every node takes so long, and the whole 1 % longer than all of them."""
    total = milliseconds * len(names)
    times = TimeByNode(tuple(NodeTime(name, milliseconds) for name in names), total, 1.01 * total, 60, SUM, ADDED)
    environment = MEASURED if device == "cpu" else ON_CUDA
    return Run(latency(1.01 * total, device), times, None, environment)
