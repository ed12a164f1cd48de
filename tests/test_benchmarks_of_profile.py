"""What the benchmarks of `profile` hold against each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.against_torch_timer import SETTINGS, TwoClocks, compare_timers
from benchmarks.parts import rows_of
from cnnx import load
from cnnx.analysis.records import LatencyRatio, NodeTime, TimeByNode


@pytest.mark.parametrize(
    ("sum_to_whole", "clocked", "kept"),
    [(1.0, 1.0, [True, True]), (0.979, 1.009, [False, True]), (1.019, 1.011, [True, False])],
)
def test_promises_about_parts(sum_to_whole: float, clocked: float, kept: list[bool]) -> None:
    ratios = [LatencyRatio(ratio, (ratio, ratio), shown=False) for ratio in (sum_to_whole, clocked)]
    times = TimeByNode((NodeTime("conv", 10.0),), 10.0, 10.0, 60, *ratios)
    assert [row.kept for row in rows_of("a network", times, 0.0)] == kept


def test_each_timer_times_its_own_call() -> None:
    done: list[str] = []

    def ours() -> None:
        done.append("ours")

    def theirs() -> None:
        done.append("theirs")

    clock = TwoClocks(theirs)
    assert clock.sample(ours, 3) > 0
    assert done == ["ours"] * 3
    assert clock.sample(theirs, 5) > 0
    assert done[3:] == ["theirs"] * (2 + 5)  # torch's timer warms up with two


def test_two_timers_of_one_block() -> None:
    ratio, milliseconds = compare_timers(
        load("bottleneck", channels=8, input=(8, 6, 6)), replace(SETTINGS, rounds=6, max_time=2.0)
    )
    assert 0.2 < ratio.ratio < 5  # a wide margin, as no time is sure on a shared machine
    assert milliseconds > 0
