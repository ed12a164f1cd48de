"""cnnx's latencies against those of `torch.utils.benchmark`, on blocks of more than 1 ms.

Every round times the same block once by each, in random order, as many calls, with the same threads and without the
garbage collector (`timeit`, on which torch's timer rests, switches it off too). What is held is the median of the
ratios, or that their interval contains 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch.utils.benchmark import Timer

from benchmarks.row import Row
from cnnx import load
from cnnx.analysis.records import LatencyRatio
from cnnx.graph.graph import Graph
from cnnx.pytorch.cpu_use import CpuUse
from cnnx.pytorch.latency import prepare
from cnnx.pytorch.measuring_state import measuring_state
from cnnx.pytorch.protocol import Call, CpuClock, time_calls
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.statistics import compare, summarize

BLOCKS = ("bottleneck", "plain3x3", "inverted_residual", "mobilenetv3_small")
SETTINGS = Settings(rounds=60, threads=1, max_time=30.0)
WITHIN = 0.03


class TwoClocks(CpuClock):
    """cnnx's own clock, and torch's for one of the calls."""

    def __init__(self, by_torch: Call) -> None:
        self._by_torch = by_torch
        self._timer = Timer("call()", globals={"call": by_torch}, num_threads=torch.get_num_threads())

    def sample(self, call: Call, times: int) -> float:
        """Give the seconds that `times` calls take."""
        if call is self._by_torch:
            return float(sum(self._timer.timeit(times).raw_times))
        return super().sample(call, times)


def rows() -> Iterator[Row]:
    """Measure every block."""
    for name in BLOCKS:
        before = CpuUse.now()
        ratio, milliseconds = compare_timers(load(name), SETTINGS)
        others = before.by_others_until(CpuUse.now())
        low, high = ratio.ci95
        yield Row(
            f"{name}: cnnx / torch.utils.benchmark",
            f"{milliseconds:.2f} ms, {ratio.ratio:.4f} [{low:.4f}, {high:.4f}]",
            "1 ± 3 %",
            milliseconds > 1 and (abs(ratio.ratio - 1) <= WITHIN or low <= 1 <= high),
            (f"other processes used {others:.0%} of the processor",),
        )


def compare_timers(graph: Graph, settings: Settings) -> tuple[LatencyRatio, float]:
    """Give cnnx's time of a call over that of torch's timer, and cnnx's median in milliseconds."""
    module, inputs = prepare(graph, settings)
    ours, theirs = partial(module, *inputs), partial(module, *inputs)
    with measuring_state([module], settings):
        samples = time_calls([theirs, ours], TwoClocks(theirs), settings)
    by_torch, by_us = samples.seconds
    return compare(by_torch, by_us, settings.seed), 1e3 * summarize(by_us).median
