"""Counting by torch's own FlopCounterMode, which sees the operators that are dispatched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cnnx.pytorch.counters.seen import Seen, innermost_layers, result_shapes


def count_by_dispatch(module: nn.Module, inputs: tuple[Tensor, ...]) -> Seen:
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


@contextmanager
def compiler_left_alone(mode: object) -> Iterator[None]:
    """Keep torch from importing its compiler for a dispatch mode, which takes as long as importing torch.

    torch wraps the handler of every dispatch mode so that it is never compiled, and keeps what the compiler made of
    it in this attribute (2.13, `torch/_compile.py`). Nothing is compiled here, so the handler itself will do. Where
    torch does not look there, the import comes back and the counts are the same.
    """
    handler = getattr(getattr(mode, "__torch_dispatch__", None), "__wrapped__", None)
    if handler is None or hasattr(handler, _SWITCHED_OFF):
        yield
        return
    setattr(handler, _SWITCHED_OFF, handler)
    try:
        yield
    finally:
        delattr(handler, _SWITCHED_OFF)


_SWITCHED_OFF = "__dynamo_disable"
