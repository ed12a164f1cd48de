"""All figures of every network, against FlopCounterMode on the built module's meta device.

What both are given is there already: the expanded graph, and the module built of it. For `FROM_SPEC` the expansion of
the parsed spec is timed too, and for the others it is told beneath the row. All are run in turn in one process, so that
what slows the machine slows all; the shortest run of each counts.
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

FROM_SPEC = "mobilenetv3_large"
COUNTER = "FlopCounterMode on meta"
AT_LEAST = 40
IN_A_TURN = 3
SECONDS = 3.0  # for one network, where that leaves time for at least two turns
MOST_TURNS = 100


def rows() -> Iterator[Row]:
    """Measure every network, one after the other."""
    library = Library()
    for entry in choose(read_catalogue(library), kinds=("network",)).entries:
        if entry.stands_for is None:
            yield from _rows(entry.name, library)


def _rows(name: str, library: Library) -> Iterator[Row]:
    target = library.open(name)
    graph = expand(target, library)
    module = build(graph, device="meta").eval()
    inputs = example_inputs(graph, device="meta")

    def by_torch() -> None:
        with torch.no_grad(), FlopCounterMode(display=False):
            module(*inputs)

    start = perf_counter()
    by_torch()
    turns = min(MOST_TURNS, max(2, int(SECONDS / (perf_counter() - start) / IN_A_TURN)))
    figures, from_spec, reference = best_in_turn(
        (lambda: count(graph), lambda: count(expand(target, library)), by_torch), turns, IN_A_TURN
    )
    notes = (f"{len(graph)} nodes; with the expansion of the parsed spec {reference / from_spec:.1f}",)
    yield at_least(f"all figures of {name}", figures, COUNTER, reference, AT_LEAST, notes)
    if name == FROM_SPEC:
        yield at_least("the same from its parsed spec", from_spec, COUNTER, reference, AT_LEAST)
