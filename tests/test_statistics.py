"""Medians, quartiles, bootstrap intervals and the claim of a difference."""

from __future__ import annotations

import numpy as np
import pytest

from cnnx.pytorch.statistics import compare, median_interval, summarize


def test_median_and_quartiles() -> None:
    summary = summarize([5.0, 1.0, 4.0, 2.0, 3.0])
    assert (summary.n, summary.p25, summary.median, summary.p75) == (5, 2.0, 3.0, 4.0)


def test_quartiles_lie_between_neighbours() -> None:
    # Positions 0.25·3 = 0.75, 1.5, 2.25 of 1, 2, 4, 8.
    summary = summarize([8.0, 1.0, 4.0, 2.0])
    assert summary.p25 == pytest.approx(1 + 0.75 * (2 - 1))
    assert summary.median == pytest.approx(2 + 0.5 * (4 - 2))
    assert summary.p75 == pytest.approx(4 + 0.25 * (8 - 4))


def test_one_sample_is_its_own_interval() -> None:
    summary = summarize([2.5])
    assert (summary.median, summary.p25, summary.p75, summary.ci95) == (2.5, 2.5, 2.5, (2.5, 2.5))


def test_the_interval_of_three_samples_reaches_from_the_least_to_the_most() -> None:
    # The median of three draws is the least with probability 7/27 (three of it: 1/27, two: 6/27), so 2.5 % lie within.
    assert median_interval([1.0, 2.0, 3.0]) == (1.0, 3.0)


def test_the_interval_is_near_that_of_the_order_statistics() -> None:
    # Of 1 … 99, the 95 % interval of the median by the binomial distribution is 50 ± 1.96·√99/2 = 50 ± 9.75.
    low, high = median_interval([float(value) for value in range(1, 100)])
    assert low == pytest.approx(50 - 9.75, abs=2)
    assert high == pytest.approx(50 + 9.75, abs=2)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(1).normal(10, 1, 60)
    assert median_interval(values, seed=7) == median_interval(values, seed=7)


def test_the_ratio_is_taken_round_by_round() -> None:
    # The rounds differ by a factor of 100; within each, the second takes 1.1 of the first.
    first = [1.0, 100.0, 3.0, 50.0, 7.0, 20.0]
    ratio = compare(first, [1.1 * value for value in first])
    assert ratio.ratio == pytest.approx(1.1)
    assert ratio.ci95 == pytest.approx((1.1, 1.1))
    assert ratio.shown


def test_the_median_of_an_even_number_of_ratios_is_the_geometric_mean_of_the_middle() -> None:
    assert compare([1.0] * 4, [1.0, 2.0, 8.0, 16.0]).ratio == pytest.approx((2 * 8) ** 0.5)


@pytest.mark.parametrize(
    ("factor", "shown"),
    [(1.0, False), (1.009, False), (1.011, True), (0.991, False), (0.989, True)],
)
def test_within_one_percent_nothing_is_claimed(factor: float, shown: bool) -> None:
    assert compare([2.0] * 20, [2.0 * factor] * 20).shown is shown


def test_an_interval_that_touches_the_margin_claims_nothing() -> None:
    # Five of the ten ratios are 1.2, five are 1.0: the median may be either.
    assert not compare([1.0] * 10, [1.2, 1.0] * 5).shown


@pytest.mark.parametrize(("rounds", "shown"), [(5, False), (6, True)])
def test_fewer_than_six_rounds_claim_nothing(rounds: int, shown: bool) -> None:
    # All on one side by chance: 2·0.5⁵ = 6 %, 2·0.5⁶ = 3 %.
    assert compare([1.0] * rounds, [2.0] * rounds).shown is shown


@pytest.mark.parametrize("samples", [[], [1.0, float("nan")], [float("inf")]])
def test_what_is_no_sample_is_refused(samples: list[float]) -> None:
    with pytest.raises(ValueError, match="samples"):
        summarize(samples)


def test_rounds_must_match_and_times_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="2 samples against 1"):
        compare([1.0, 1.0], [1.0])
    with pytest.raises(ValueError, match="above 0"):
        compare([1.0, 0.0], [1.0, 1.0])
