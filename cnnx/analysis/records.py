"""The records that `pytorch` fills and `report` shows: cross-checks, measurements, environments.

They hold integers, floats and strings only, so that the two packages need not know each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CounterResult:
    """What one counter saw on the built module: conv and linear MACs, in all and by node.

    `macs` is None where the counter was left out or failed; `note` says why, or what it did not know. `reported` is the
    total that the tool itself gives, by the convention of its name; None where it gives none.
    """

    counter: str  # "hooks", "fvcore" or "torch"
    macs: int | None
    macs_by_node: Mapping[str, int] | None = None
    note: str = ""
    reported: int | None = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One figure on which a counter and the static graph differ, by node (`total` for the whole)."""

    counter: str
    node: str
    figure: str  # "params", "macs" or "output"
    static: str
    seen: str


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """The static figures held against the counters on the built module."""

    params: int  # weights of the built module
    counters: tuple[CounterResult, ...]
    disagreements: tuple[Disagreement, ...]

    @property
    def agree(self) -> bool:
        """Whether params and the MACs of every counter that ran equal the static figures."""
        return not self.disagreements


@dataclass(frozen=True, slots=True)
class Latency:
    """The measured time of one call, in milliseconds; `ci95` bounds the median (bootstrap, 95 %)."""

    device: str
    median: float
    p25: float
    p75: float
    rounds: int
    ci95: tuple[float, float]
    calls_per_sample: int


@dataclass(frozen=True, slots=True)
class LatencyRatio:
    """The time of one module over that of another: the median of the per-round ratios and its 95 % interval.

    `shown` tells whether a difference is claimed: the interval lies wholly outside 1 ± 1 %.
    """

    ratio: float
    ci95: tuple[float, float]
    shown: bool


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one run measured: a latency for each module, in their order, and the ratios to the first."""

    latencies: tuple[Latency, ...]
    ratios_to_first: tuple[LatencyRatio | None, ...]  # None for the first itself
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeTime:
    """The measured time of one node, in milliseconds."""

    name: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class TimeByNode:
    """The time of every node, their sum, and the time of the whole measured without clocks inside.

    The sum is held against the whole round by round, in pairs, and so are the clocks against none.
    """

    nodes: tuple[NodeTime, ...]  # in execution order
    sum_ms: float
    whole_ms: float
    rounds: int
    sum_to_whole: LatencyRatio
    clocked_to_whole: LatencyRatio  # what measuring adds: the forward with clocks over the one without
