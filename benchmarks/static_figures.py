"""All figures of every network from its parsed spec, against FlopCounterMode on the built module's meta device.

Both are run in turn in one process, so that what slows the machine slows both; the shortest run of each counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.row import Row, at_least, best_in_turn
from cnnx.analysis.catalogue.entries import choose
from cnnx.analysis.catalogue.reading import read_catalogue
from cnnx.analysis.figures import count
from cnnx.graph.expand import expand
from cnnx.pytorch.build import build, example_inputs
from cnnx.spec.library import Library

AT_LEAST = 40
RUNS = 60
SECONDS = 3.0  # for one network, where that leaves time for at least some runs
FEWEST = 5


def rows() -> Iterator[Row]:
    """Measure every network, one after the other."""
    library = Library()
    for entry in choose(read_catalogue(library), kinds=("network",)).entries:
        if entry.stands_for is None:
            yield _row(entry.name, library)


def _row(name: str, library: Library) -> Row:
    target = library.open(name)
    graph = expand(target, library)
    module = build(graph, device="meta").eval()
    inputs = example_inputs(graph, device="meta")

    def by_torch() -> None:
        with torch.no_grad(), FlopCounterMode(display=False):
            module(*inputs)

    start = perf_counter()
    by_torch()
    runs = min(RUNS, max(FEWEST, int(SECONDS / (perf_counter() - start))))
    static, reference = best_in_turn((lambda: count(expand(target, library)), by_torch), runs)
    return at_least(f"all figures of {name}", static, "FlopCounterMode on meta", reference, AT_LEAST)
