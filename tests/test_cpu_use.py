"""What other processes use meanwhile, and when that forbids to claim a difference."""

from __future__ import annotations

import psutil
import pytest

from cnnx.pytorch.cpu_use import CpuUse, Disturbance, disturbance

START = CpuUse(0, 0, 0)


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda: 4)


def test_the_clocks_go_forward() -> None:
    first = CpuUse.now()
    second = CpuUse.now()
    assert second.capacity >= first.capacity
    assert second.own >= first.own
    assert 0 <= first.used <= first.capacity


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        (CpuUse(100, 50, 5), CpuUse(140, 72, 15), (22 - 10) / 40),  # 4 cores for 10 s; 22 s used, 10 by this process
        (START, CpuUse(10, 5, 9), 0),  # the two clocks are not read at once
        (START, CpuUse(10, 30, 0), 1),
        (START, CpuUse(0.4, 0.4, 0), 0),  # too near to tell
        (START, START, 0),
    ],
)
def test_the_share_of_others(before: CpuUse, after: CpuUse, share: float) -> None:
    assert before.by_others_until(after) == pytest.approx(share)


@pytest.mark.parametrize(
    ("share", "threads", "crowded"),
    [
        (0.0, 4, False),
        (0.25, 4, False),  # 4 + 0.25·4 = 5 threads for 4 cores: 1.25
        (0.3, 4, True),
        (0.5, 2, False),
        (0.8, 2, True),  # 2 + 0.8·4 = 5.2
        (0.09, 64, False),  # too many threads, but not by others' doing
    ],
)
def test_threads_that_must_wait(share: float, threads: int, crowded: bool) -> None:
    found = disturbance(START, CpuUse(100, 100 * share, 0), threads)
    assert found.others == pytest.approx(share)
    assert found.crowded is crowded


def test_what_is_said() -> None:
    assert Disturbance(0.1, False).warnings() == ()
    assert Disturbance(0.2, False).warnings() == ("other processes used 20% of the processor while measuring",)
    (told,) = Disturbance(0.5, True).warnings()
    assert told.endswith("; threads had to wait for them, so no difference is claimed")
