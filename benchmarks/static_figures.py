"""All figures of a network from its parsed spec, against FlopCounterMode on the built module's meta device."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.row import Row, best
from cnnx.analysis.figures import count
from cnnx.graph.expand import expand
from cnnx.pytorch.build import build, example_inputs
from cnnx.spec.library import Library

NETWORKS = ("mobilenetv3_large",)
AT_LEAST = 40
RUNS = 60


def rows() -> list[Row]:
    """Measure every network."""
    library = Library()
    return [_row(name, library) for name in NETWORKS]


def _row(name: str, library: Library) -> Row:
    target = library.open(name)
    graph = expand(target, library)
    module = build(graph, device="meta").eval()
    inputs = example_inputs(graph, device="meta")

    def by_torch() -> None:
        with torch.no_grad(), FlopCounterMode(display=False):
            module(*inputs)

    static = best(lambda: count(expand(target, library)), RUNS)
    return Row(f"all figures of {name}", static, "FlopCounterMode on meta", best(by_torch, RUNS), at_least=AT_LEAST)
