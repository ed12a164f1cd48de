"""What makes a measurement doubtful, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnx.analysis.records import Latency
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.statistics import MIN_SENSIBLE_ROUNDS

UNSTEADY = 0.2  # of the median, from quartile to quartile


def few_rounds(rounds: int, settings: Settings) -> tuple[str, ...]:
    """Say that fewer rounds were run than asked for, and that they are few, where it is so."""
    few = f"{rounds} round{'' if rounds == 1 else 's'}: under {MIN_SENSIBLE_ROUNDS}, medians and intervals are rough"
    told = {
        f"{rounds} of {settings.rounds} rounds fitted into {settings.max_time} s": rounds < settings.rounds,
        few: rounds < MIN_SENSIBLE_ROUNDS,
    }
    return tuple([warning for warning, holds in told.items() if holds])


def unsteady(latencies: Sequence[Latency], names: Sequence[str]) -> Iterator[str]:
    """Say which latencies spread widely."""
    for latency, name in zip(latencies, names, strict=True):
        spread = (latency.p75 - latency.p25) / latency.median
        if spread > UNSTEADY:
            yield f"{name} is unsteady: its middle half spreads over {spread:.0%} of the median"


def denormal(vanished: Sequence[bool], names: Sequence[str]) -> Iterator[str]:
    """Say which modules gave nothing but numbers with which a CPU computes slowly."""
    for vanishing, name in zip(vanished, names, strict=True):
        if vanishing:
            yield f"{name} gives denormal numbers or zeros only; a CPU is many times slower on denormals"
