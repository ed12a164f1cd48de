"""A machine's own noise floor: a module held against itself, again and again.

Each comparison of a module with itself has an interval around 1. Were the second module slower by a factor f, the
interval would be moved by f, and the difference claimed as soon as its lower end is above 1 + margin. So every
interval tells from which f on its comparison would have shown a difference; and, as the two are the same, so does
its mirror image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnnx.analysis.environment import Environment
from cnnx.analysis.records import LatencyRatio

FOUND = 0.9  # the share of comparisons that show a difference which is called shown


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """What comparisons of a module with itself on one device came to.

    `smallest_difference` is what at least 9 of 10 such comparisons would have shown: 0.05 for 5 % more time.
    """

    label: str
    device: str
    median_ms: float
    rounds: int  # of a comparison, at the least
    seconds: float  # of a comparison, on average
    ratios: tuple[LatencyRatio, ...]
    claimed: int  # how many comparisons claimed a difference, where there is none
    smallest_difference: float | None  # None where there were too few rounds to show any
    environment: Environment
    warnings: tuple[str, ...] = ()

    @property
    def comparisons(self) -> int:
        """How many comparisons there were."""
        return len(self.ratios)


def smallest_difference(ratios: Sequence[LatencyRatio], margin: float) -> float:
    """Give the least part of time by which a module must be slower for at least 9 of 10 comparisons to show it.

    Within ±`margin` no difference is claimed. Raises `ValueError` for no comparisons.
    """
    if not ratios:
        raise ValueError("no comparisons")
    factors = sorted(factor for ratio in ratios for factor in _needed(ratio, margin))
    return factors[math.ceil(FOUND * len(factors)) - 1] - 1


def _needed(ratio: LatencyRatio, margin: float) -> Iterator[float]:
    low, high = ratio.ci95
    yield (1 + margin) / low
    yield (1 + margin) * high
