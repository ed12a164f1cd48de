"""Measuring a graph against itself as often as the time allows. Each comparison builds both modules anew."""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import median

from cnnx.analysis.environment import Environment
from cnnx.analysis.noise import NoiseFloor, smallest_difference
from cnnx.analysis.records import Measurement
from cnnx.graph.graph import Graph
from cnnx.pytorch.latency import measure_graphs
from cnnx.pytorch.settings import Progress, Settings
from cnnx.pytorch.statistics import MARGIN, MIN_ROUNDS_TO_CLAIM

DEFAULT_SECONDS = 10.0
MOST_COMPARISONS = 60
_LEAST_COMPARISONS = 5  # a comparison may take so much of the time that there is room for as many


def measure_noise(
    graph: Graph, label: str, settings: Settings, progress: Progress | None = None, command: str = ""
) -> NoiseFloor:
    """Measure a graph against itself until `settings.max_time` (10 s if there is none) is over, once at the least.

    Raises as `measure_graphs` does.
    """
    seconds = settings.max_time or DEFAULT_SECONDS
    start, longest = time.perf_counter(), 0.0
    found: list[tuple[Measurement, Environment]] = []
    while len(found) < MOST_COMPARISONS and time.perf_counter() - start + longest <= seconds:
        before = time.perf_counter()
        own = replace(settings, seed=settings.seed + len(found), max_time=seconds / _LEAST_COMPARISONS)
        found.append(measure_graphs([graph, graph], own, None, command))
        longest = max(longest, time.perf_counter() - before)
        if progress is not None:
            done = time.perf_counter() - start
            progress(len(found), max(len(found), min(MOST_COMPARISONS, int(len(found) * seconds / done))))
    return _noise_floor(label, settings.device, found, time.perf_counter() - start)


def _noise_floor(label: str, device: str, found: list[tuple[Measurement, Environment]], seconds: float) -> NoiseFloor:
    measurements = [measurement for measurement, _ in found]
    ratios = tuple([ratio for each in measurements for ratio in each.ratios_to_first if ratio is not None])
    rounds = min(each.latencies[0].rounds for each in measurements)
    said = [warning for measurement, _ in found for warning in measurement.warnings]
    return NoiseFloor(
        label=label,
        device=device,
        median_ms=median(each.latencies[0].median for each in measurements),
        rounds=rounds,
        seconds=seconds / len(found),
        ratios=ratios,
        claimed=sum(ratio.shown for ratio in ratios),
        smallest_difference=smallest_difference(ratios, MARGIN) if rounds >= MIN_ROUNDS_TO_CLAIM else None,
        environment=found[0][1],
        warnings=tuple(dict.fromkeys(said)),
    )
