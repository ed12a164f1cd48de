"""The time of every node."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import cnnx
from cnnx.errors import MemoryBudgetError
from cnnx.pytorch import node_times
from cnnx.pytorch.node_times import ClockedCall, NodeClock, between, time_by_node, typical
from cnnx.pytorch.protocol import CpuClock
from cnnx.pytorch.settings import Settings
from tests.conftest import Expand

RESIDUAL = """
input: [8, 6, 6]
layers:
  - add:
      main:
        - conv: {out: 8, kernel: 3, norm: batchnorm, act: relu}
      shortcut: []
  - relu
"""


def test_every_node_in_order_and_their_sum(expand_text: Expand) -> None:
    graph = expand_text(RESIDUAL)
    told: list[tuple[int, int]] = []
    times = time_by_node(
        graph, Settings(rounds=8, threads=1), lambda done, planned: told.append((done, planned)), "cnnx layers"
    )
    assert [node.name for node in times.nodes] == [node.name for node in graph]
    assert all(node.milliseconds > 0 for node in times.nodes)
    assert times.sum_ms == pytest.approx(sum(node.milliseconds for node in times.nodes))
    assert times.rounds == 8
    assert told[-1] == (8, 8)
    assert times.environment is not None
    assert (times.environment.command, times.environment.rounds) == ("cnnx layers", 8)
    # A forward with clocks does all that a plain one does; a wide margin, as no time is sure on a shared machine.
    assert times.whole_ms / 5 < times.sum_ms < times.whole_ms * 5


def test_the_larger_node_takes_longer(expand_text: Expand) -> None:
    graph = expand_text(
        "input: [32, 32, 32]\nlayers:\n  - conv: {out: 128, kernel: 3}\n  - relu\n  - conv: {out: 1, kernel: 1}"
    )
    first, *others = time_by_node(graph, Settings(rounds=10, threads=1)).nodes
    assert all(first.milliseconds > other.milliseconds for other in others)


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


def test_times_of_nodes_add_up_and_leave_hiccups_out() -> None:
    # Wholes 3, 4, 4, 5, 60: the quartiles are 4 and 5, so that the rounds of 4, 4 and 5 count.
    rounds = [np.array(pair) for pair in ([1.0, 2.0], [3.0, 1.0], [1.0, 3.0], [2.0, 3.0], [50.0, 10.0])]
    assert typical(rounds).tolist() == pytest.approx([(3 + 1 + 2) / 3, (1 + 3 + 3) / 3])
    assert typical(rounds).sum() == pytest.approx((4 + 4 + 5) / 3)
    assert typical(rounds[:1]).tolist() == [1.0, 2.0]


def test_what_is_too_large_is_never_built(expand_text: Expand) -> None:
    with pytest.raises(MemoryBudgetError):
        time_by_node(expand_text("input: [8, 8, 8]\nlayers:\n  - conv: {out: 10**15, kernel: 3}"), Settings())


def test_cuda_goes_to_a_child(expand_text: Expand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_times, "check_device", lambda name: None)
    monkeypatch.setattr(node_times, "run_in_child", lambda task, progress: SimpleNamespace(task=task))
    graph, settings = expand_text(RESIDUAL), Settings(device="cuda")
    sent: object = time_by_node(graph, settings, None, "line")
    assert sent == SimpleNamespace(task=node_times.TimeGraph(graph, settings, "line"))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_nodes_on_a_gpu() -> None:
    graph = cnnx.load("bottleneck")
    times = time_by_node(graph, Settings(device="cuda", rounds=20))
    assert len(times.nodes) == len(graph)
    assert times.sum_ms > 0
