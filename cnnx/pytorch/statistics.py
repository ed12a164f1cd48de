"""Medians, quartiles and bootstrap intervals of samples that were taken in rounds. Needs numpy, not torch.

The bootstrap is Efron's percentile interval (B. Efron, "Bootstrap Methods: Another Look at the Jackknife",
The Annals of Statistics 7, 1979): draw as many samples as there are, with replacement, many times over; the
interval holds the middle 95 % of the medians that come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnx.analysis.records import LatencyRatio

RESAMPLES = 4000
MARGIN = 0.01  # two builds of one block differ by their layout in memory: within ±1 %, no difference is claimed
MIN_ROUNDS_TO_CLAIM = 6  # all samples on one side of the median have probability 2·0.5ⁿ; n = 6 is the first below 5 %
MIN_SENSIBLE_ROUNDS = 20

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """Median, quartiles and the 95 % interval of the median, in the unit of the samples; `n` samples."""

    n: int
    median: float
    p25: float
    p75: float
    ci95: Interval


def summarize(samples: Sequence[float], seed: int = 0) -> Summary:
    """Give median and quartiles (linear between neighbours) and the bootstrap interval of the median.

    Raises `ValueError` for no samples.
    """
    values = _checked(samples)
    p25, median, p75 = (float(value) for value in np.percentile(values, (25, 50, 75)))
    return Summary(len(values), median, p25, p75, median_interval(values, seed))


def median_interval(samples: Sequence[float] | NDArray[np.float64], seed: int = 0) -> Interval:
    """Give the percentile bootstrap's 95 % interval of the median; the same seed gives the same interval."""
    values = _checked(samples)
    drawn = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(np.median(values[drawn], axis=1), (2.5, 97.5))
    return float(low), float(high)


def compare(first: Sequence[float], other: Sequence[float], seed: int = 0) -> LatencyRatio:
    """Give the time of `other` over that of `first`, whose samples were taken in the same rounds, pair by pair.

    The ratio is the exponential of the median of the per-round log-ratios: what disturbs a round disturbs both.
    A difference is `shown` if the interval lies wholly outside 1 ± 1 % and there are at least six rounds.
    Raises `ValueError` for no samples, unequal numbers of them, or one that is not above 0.
    """
    if len(first) != len(other):
        raise ValueError(f"{len(first)} samples against {len(other)}; every round gives one of each")
    logs = np.log(_positive(other)) - np.log(_positive(first))
    low, high = (float(np.exp(bound)) for bound in median_interval(logs, seed))
    outside = low > 1 + MARGIN or high < 1 - MARGIN
    return LatencyRatio(float(np.exp(np.median(logs))), (low, high), outside and len(logs) >= MIN_ROUNDS_TO_CLAIM)


def _checked(samples: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError("samples are a non-empty list of finite numbers")
    return values


def _positive(samples: Sequence[float]) -> NDArray[np.float64]:
    values = _checked(samples)
    if values.min() <= 0:
        raise ValueError(f"a time of {values.min():g}; times are above 0")
    return values
