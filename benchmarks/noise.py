"""How often a difference is claimed where there is none, and found where there is one, within 5 seconds a pair.

The block is twenty equal layers, so that one of 22 takes 10 % more time, and one of 21 takes 5 % more, less what a call
costs before its first layer; the ratio that came out is told. Each comparison builds both anew.

The cores are busy with the block itself: torch computes with its own number of threads, one a core. Other work on them
is none of this: where it makes threads wait, cnnx claims no difference at all (`cnnx/pytorch/cpu_use.py`), so that on a
crowded machine nothing is found; how much others used is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.row import Row
from cnnx import load
from cnnx.graph.graph import Graph
from cnnx.pytorch.cpu_use import CpuUse
from cnnx.pytorch.latency import measure_graphs
from cnnx.pytorch.settings import Settings

LAYERS = 20
COMPARISONS = 30
MOST_SECONDS = 5.0  # for building and measuring a pair
SETTINGS = Settings(rounds=60, max_time=4.0)
SPEC = """\
parameters: {layers: 20}
input: [16, 28, 28]
layers:
- repeat: {times: layers, layers: [{conv: {out: 16, kernel: 3}}]}
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """What one comparison came to."""

    shown: bool
    ratio: float
    milliseconds: float  # of the block
    seconds: float  # that the comparison took


def rows() -> Iterator[Row]:
    """Compare the block with itself, with one that takes 10 % more time, and with one that takes 5 % more."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "chain.yaml")
        path.write_text(SPEC, encoding="utf-8")
        block, tenth, twentieth = (load(str(path), layers=layers) for layers in (LAYERS, LAYERS + 2, LAYERS + 1))
    yield _row("a block with itself: claimed", block, block, "≤ 1", lambda shown: shown <= 1)
    yield _row("a block with 10 % more time: found", block, tenth, "≥ 28", lambda shown: shown >= 28)
    yield _row("a block with 5 % more time: found", block, twentieth, "≥ 22", lambda shown: shown >= 22)


def _row(what: str, block: Graph, other: Graph, promise: str, keeps: Callable[[int], bool]) -> Row:
    before = CpuUse.now()
    pairs = [_compare(block, other, seed) for seed in range(COMPARISONS)]
    others = before.by_others_until(CpuUse.now())
    shown, longest = sum(pair.shown for pair in pairs), max(pair.seconds for pair in pairs)
    milliseconds, ratio = median(pair.milliseconds for pair in pairs), median(pair.ratio for pair in pairs)
    return Row(
        what,
        f"{shown} of {COMPARISONS}; {milliseconds:.2f} ms, ratio {ratio:.3f}, pairs of up to {longest:.1f} s",
        promise,
        keeps(shown) and longest <= MOST_SECONDS,
        (f"other processes used {others:.0%} of the processor",),
    )


def _compare(block: Graph, other: Graph, seed: int) -> Pair:
    start = perf_counter()
    found, _ = measure_graphs([block, other], replace(SETTINGS, seed=seed))
    seconds = perf_counter() - start
    ratio = found.ratios_to_first[1]
    assert ratio is not None  # only the first has none
    return Pair(ratio.shown, ratio.ratio, found.latencies[0].median, seconds)
