"""All figures of a network from its parsed spec, against FlopCounterMode on the built module's meta device."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.row import Row, at_least, best
from cnnx.analysis.figures import count
from cnnx.graph.expand import expand
from cnnx.pytorch.build import build, example_inputs
from cnnx.spec.library import Library

NETWORKS = ("mobilenetv3_large",)
AT_LEAST = 40
RUNS = 60


def rows() -> Iterator[Row]:
    """Measure every network."""
    library = Library()
    for name in NETWORKS:
        yield _row(name, library)


def _row(name: str, library: Library) -> Row:
    target = library.open(name)
    graph = expand(target, library)
    module = build(graph, device="meta").eval()
    inputs = example_inputs(graph, device="meta")

    def by_torch() -> None:
        with torch.no_grad(), FlopCounterMode(display=False):
            module(*inputs)

    static = best(lambda: count(expand(target, library)), RUNS)
    return at_least(f"all figures of {name}", static, "FlopCounterMode on meta", best(by_torch, RUNS), AT_LEAST)
