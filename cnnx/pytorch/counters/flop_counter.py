"""Counting by torch's own FlopCounterMode, which sees the operators that are dispatched."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cnnx.pytorch.compiler import compiler_left_alone
from cnnx.pytorch.counters.seen import Seen, innermost_layers, result_shapes


def count_by_flop_counter(module: nn.Module, inputs: tuple[Tensor, ...]) -> Seen:
    """Run a module on a batch of one and count the convolutions and matrix products.

    FlopCounterMode counts these alone, and two operations for each multiply–add; it knows a layer by the name of
    the module's class and the path.
    """
    with torch.no_grad(), FlopCounterMode(display=False) as counter, compiler_left_alone(counter.mode):
        results = module(*inputs)
    counts = {path: sum(each.values()) // 2 for path, each in counter.get_flop_counts().items()}
    root = type(module).__name__
    by_layer = {path: counts.get(f"{root}.{path}", 0) for path, _ in innermost_layers(module)}
    total = counter.get_total_flops()
    return Seen(total // 2, by_layer, results=result_shapes(results), reported=total)
