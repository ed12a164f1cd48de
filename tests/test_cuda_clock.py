"""The clock for CUDA devices: what it does, in order, and, where there is a GPU, that it tells the time."""

from __future__ import annotations

import pytest
import torch

from cnnx.pytorch import cuda_clock
from cnnx.pytorch.cuda_clock import CudaClock, EventPool


def test_it_waits_at_the_ends_only(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class Event:
        def __init__(self, enable_timing: bool) -> None:
            assert enable_timing

        def record(self) -> None:
            done.append("record")

        def synchronize(self) -> None:
            done.append("wait for the end")

        def elapsed_time(self, end: Event) -> float:
            return 2.5  # milliseconds

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: done.append("wait"))
    assert CudaClock().sample(lambda: done.append("call"), 3) == 2.5 / 1000
    assert done == ["wait", "record", "call", "call", "call", "record", "wait for the end"]


def test_events_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Recorded] = []

    class Recorded:
        def __init__(self, enable_timing: bool) -> None:
            self.times = 0
            made.append(self)

        def record(self) -> None:
            self.times += 1

    monkeypatch.setattr(torch.cuda, "Event", Recorded)
    pool = EventPool()
    first, second = pool(), pool()
    assert first is not second
    pool.give_back([first, second])
    assert {id(pool()), id(pool())} == {id(first), id(second)}
    assert [event.times for event in made] == [2, 2]
    assert id(pool()) == id(made[2])  # what was not given back may still be read


def test_its_wall_clock_goes_on() -> None:
    clock = cuda_clock.CudaClock()
    assert clock.now() <= clock.now()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_twice_the_work_takes_longer() -> None:
    matrix = torch.randn(2048, 2048, device="cuda")
    clock = CudaClock()
    clock.sample(lambda: matrix @ matrix, 10)
    assert clock.sample(lambda: matrix @ matrix, 200) > clock.sample(lambda: matrix @ matrix, 20)
