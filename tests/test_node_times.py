"""The time of every node."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cnnx.pytorch.node_times import ClockedCall, NodeClock, between, clocked_call, time_by_node, typical
from cnnx.pytorch.protocol import CpuClock
from cnnx.pytorch.settings import Settings


def test_seconds_between_readings_of_the_processor() -> None:
    assert between([1_000, 3_000, 3_500]).tolist() == pytest.approx([2e-6, 5e-7])
    assert between([1_000]).tolist() == []


def test_seconds_between_events(monkeypatch: pytest.MonkeyPatch) -> None:
    class Event:
        def __init__(self, at: float) -> None:
            self.at = at

        def elapsed_time(self, end: Event) -> float:
            return end.at - self.at

    monkeypatch.setattr(torch.cuda, "Event", Event)
    assert between([Event(1.0), Event(1.5), Event(4.0)]).tolist() == pytest.approx([0.0005, 0.0025])


def test_a_sample_is_the_mean_of_its_calls_and_of_no_others() -> None:
    readings = iter([[0, 10**9, 5 * 10**9], [0, 1, 2], [0, 3, 6]])
    clocked = ClockedCall(lambda: (None, next(readings)))
    clock = NodeClock(CpuClock(), clocked)
    clocked()  # the untimed call before a sample
    clock.sample(clocked, 2)
    clock.sample(lambda: None, 3)  # of another call, nothing is noted
    assert [sample.tolist() for sample in clock.by_node] == [pytest.approx([(1 + 3) / 2 * 1e-9] * 2)]


def test_events_that_were_read_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Event] = []

    class Event:
        def __init__(self, enable_timing: bool = True) -> None:
            made.append(self)

        def record(self) -> None:
            self.at = 1.0 + len(made)

        def elapsed_time(self, end: Event) -> float:
            return end.at - self.at

    monkeypatch.setattr(torch.cuda, "Event", Event)
    clocked = clocked_call(lambda read: (None, [read(), read(), read()]), Settings(device="cuda"))
    clock = NodeClock(CpuClock(), clocked)
    clocked()  # the untimed call before a sample
    clock.sample(clocked, 2)
    assert len(made) == 6  # three of the untimed call, used again by the first of the sample, and three of the second
    assert len(clock.by_node[0]) == 2
    clock.sample(clocked, 2)
    assert len(made) == 6


def test_times_of_nodes_add_up_and_leave_hiccups_out() -> None:
    # Wholes 3, 4, 4, 5, 60: the quartiles are 4 and 5, so that the rounds of 4, 4 and 5 count.
    rounds = [np.array(pair) for pair in ([1.0, 2.0], [3.0, 1.0], [1.0, 3.0], [2.0, 3.0], [50.0, 10.0])]
    assert typical(rounds).tolist() == pytest.approx([(3 + 1 + 2) / 3, (1 + 3 + 3) / 3])
    assert typical(rounds).sum() == pytest.approx((4 + 4 + 5) / 3)
    assert typical(rounds[:1]).tolist() == [1.0, 2.0]


def test_the_sum_is_held_against_the_whole_round_by_round() -> None:
    # The machine slows down by half a round, and in each the nodes take 1.01 of the whole, the clocked call 1.02.
    plain = [2.0, 3.0, 4.0]
    by_node = [np.array([0.25 * 1.01 * whole, 0.75 * 1.01 * whole]) for whole in plain]
    found = time_by_node(["a", "b"], plain, [1.02 * whole for whole in plain], by_node)
    assert [found.sum_to_whole.ratio, found.clocked_to_whole.ratio] == pytest.approx([1.01, 1.02])
    assert [found.whole_ms, found.sum_ms] == pytest.approx([3000.0, 1.01 * 3000.0])
    assert [node.name for node in found.nodes] == ["a", "b"]
    assert [node.milliseconds for node in found.nodes] == pytest.approx([0.25 * 1.01 * 3000, 0.75 * 1.01 * 3000])
    assert found.rounds == 3
