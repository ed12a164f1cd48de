"""The protocol of timing, on a clock that is made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from cnnx.pytorch.protocol import MIN_SAMPLE_SECONDS, Call, CpuClock, time_calls
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.statistics import compare


class FakeClock:
    """A clock that calls turn on themselves; it keeps what was asked of it."""

    def __init__(self) -> None:
        self.time = 0.0
        self.asked: list[tuple[Call, int]] = []

    def sample(self, call: Call, times: int) -> float:
        self.asked.append((call, times))
        start = self.time
        for _ in range(times):
            call()
        return self.time - start

    def now(self) -> float:
        return self.time

    def steady(self, seconds: float) -> Call:
        def call() -> None:
            self.time += seconds

        return call

    def noisy(self, seconds: float, seed: int) -> Call:
        """A call whose time drifts by half with all others', with noise of 5 % and a hiccup once in 50 calls."""
        random = np.random.default_rng(seed)

        def call() -> None:
            drift = 1 + 0.5 * np.sin(self.time)
            hiccup = 5 if random.random() < 0.02 else 1
            self.time += seconds * drift * hiccup * float(np.exp(random.normal(0, 0.05)))

        return call


def shown(factor: float, seed: int) -> bool:
    clock = FakeClock()
    calls = [clock.noisy(0.001, 2 * seed), clock.noisy(0.001 * factor, 2 * seed + 1)]
    first, second = time_calls(calls, clock, Settings(seed=seed)).seconds
    return compare(first, second, seed).shown


def test_the_same_call_twice_shows_no_difference() -> None:
    assert not any(shown(1.0, seed) for seed in range(12))


def test_ten_percent_are_found() -> None:
    assert all(shown(1.1, seed) for seed in range(12))
    assert all(shown(0.9, seed) for seed in range(12))


def test_every_call_is_timed_once_a_round() -> None:
    clock = FakeClock()
    samples = time_calls([clock.steady(0.01), clock.steady(0.02)], clock, Settings(rounds=7))
    assert samples.rounds == 7
    assert samples.seconds[0] == pytest.approx([0.01] * 7)
    assert samples.seconds[1] == pytest.approx([0.02] * 7)


def test_the_order_of_the_rounds_is_drawn_by_the_seed() -> None:
    def orders(seed: int) -> list[bool]:
        clock = FakeClock()
        first, second = clock.steady(0.01), clock.steady(0.01)
        time_calls([first, second], clock, Settings(rounds=30, seed=seed))
        asked = [call is first for call, _ in clock.asked[-60:]]
        assert all(a is not b for a, b in zip(asked[::2], asked[1::2], strict=True))  # both in every round
        return asked[::2]

    assert orders(0) == orders(0)
    assert orders(0) != orders(1)
    assert 5 < sum(orders(0)) < 25


@pytest.mark.parametrize(
    ("seconds", "least"),
    [(0.1, 1), (MIN_SAMPLE_SECONDS, 1), (0.0015, 2), (0.001, 2), (0.0001, 20), (0.000001, 2000)],
)
def test_a_sample_lasts_two_milliseconds_at_least(seconds: float, least: int) -> None:
    clock = FakeClock()
    (calls,) = time_calls([clock.steady(seconds)], clock, Settings(rounds=1)).calls_per_sample
    assert least <= calls <= 1.2 * least + 1
    assert calls * seconds >= MIN_SAMPLE_SECONDS * (1 - 1e-9)


@pytest.mark.parametrize(
    ("seconds", "calls"),
    [
        ((0.0015, 0.02), (2, 2)),
        ((0.0015, 0.03), (2, 1)),  # two calls of 30 ms would last longer than 50 ms
        ((0.001, 0.0015, 0.012), (3, 3, 3)),
    ],
)
def test_samples_have_equal_numbers_of_calls_where_that_is_cheap(
    seconds: tuple[float, ...], calls: tuple[int, ...]
) -> None:
    clock = FakeClock()
    assert time_calls([clock.steady(each) for each in seconds], clock, Settings(rounds=1)).calls_per_sample == calls


def test_slow_first_calls_do_not_shorten_the_samples() -> None:
    clock = FakeClock()
    costs = iter([5.0, 0.5] + [0.0001] * 10**6)

    def call() -> None:
        clock.time += next(costs)

    assert time_calls([call], clock, Settings(rounds=1)).calls_per_sample[0] >= 20


def test_a_call_that_takes_no_time_ends() -> None:
    clock = FakeClock()
    clock_moves = iter(range(10**9))
    clock.now = lambda: float(next(clock_moves))  # type: ignore[method-assign]
    (calls,) = time_calls([lambda: None], clock, Settings(rounds=1)).calls_per_sample
    assert calls == 1_000_000


def test_warm_up_is_by_count_and_by_time() -> None:
    def warm_ups(seconds: float) -> int:
        clock = FakeClock()
        time_calls([clock.steady(seconds)], clock, Settings(rounds=1))
        return len(clock.asked) - 1  # one sample; calls of 2 ms and more are not calibrated further

    assert warm_ups(1.0) == 3
    assert warm_ups(0.01) == pytest.approx(10, abs=1)  # 0.1 s


def test_one_untimed_call_comes_before_each_sample() -> None:
    clock, count = FakeClock(), [0]

    def call() -> None:
        count[0] += 1
        clock.time += 0.05

    time_calls([call], clock, Settings(rounds=4))
    assert count[0] == sum(times for _, times in clock.asked) + 4


def test_rounds_that_do_not_fit_are_left_out() -> None:
    clock = FakeClock()
    # 3 calls of warm-up, then 2 calls a round: 3 + 2·n ≤ 10 holds for n = 3.
    samples = time_calls([clock.steady(1.0)], clock, Settings(rounds=60, max_time=10.5))
    assert samples.rounds == 3
    assert clock.time <= 10.5


def test_one_round_is_always_run() -> None:
    clock = FakeClock()
    samples = time_calls([clock.steady(100.0)], clock, Settings(max_time=1))
    assert samples.rounds == 1
    assert clock.time == pytest.approx(100 * (1 + 2))  # one call of warm-up, an untimed one, a timed one


def test_progress_is_told_after_every_round() -> None:
    clock, told = FakeClock(), list[tuple[int, int, Sequence[float]]]()

    def tell(done: int, planned: int, seconds: Sequence[float] = ()) -> None:
        told.append((done, planned, seconds))

    samples = time_calls([clock.steady(0.01), clock.steady(0.02)], clock, Settings(rounds=3), tell)
    assert [(done, planned) for done, planned, _ in told] == [(1, 3), (2, 3), (3, 3)]
    assert [seconds for *_, seconds in told] == [list(each) for each in zip(*samples.seconds, strict=True)]


def test_what_a_call_raises_comes_through() -> None:
    def interrupted() -> Callable[[], None]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        time_calls([interrupted], CpuClock(), Settings())


def test_the_clock_of_the_processor_counts_calls() -> None:
    count = [0]

    def call() -> None:
        count[0] += 1

    clock = CpuClock()
    before = clock.now()
    seconds = clock.sample(call, 1000)
    assert count[0] == 1000
    assert 0 < seconds <= clock.now() - before
