"""The cross-check: three counters that know nothing of the static rules look at the built module.

They are forward hooks, fvcore and torch's FlopCounterMode. Each is held against the static figures in all and by
node: multiply–adds, and weights and shapes where it can say.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from cnnx.analysis.figures import Figures
from cnnx.analysis.records import CounterResult, CrossCheck
from cnnx.errors import MemoryBudgetError
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.counters.compare import by_node, disagreements, weights_disagreement
from cnnx.pytorch.counters.flop_counter import count_by_flop_counter
from cnnx.pytorch.counters.fvcore import count_by_fvcore
from cnnx.pytorch.counters.hooks import count_by_hooks
from cnnx.pytorch.counters.seen import Seen
from cnnx.pytorch.memory_budget import check_memory
from cnnx.pytorch.settings import Settings

FVCORE_NODES = 2_000  # its time grows with the square of the nodes
FVCORE_MACS = 200_000_000_000  # it runs the module: some seconds
# On `meta` nothing is computed, but torch imports its compiler for it, which takes as long as so much arithmetic.
META_MACS = 10_000_000_000


def crosscheck(graph: Graph, figures: Figures) -> CrossCheck:
    """Build a graph and hold its static figures against what three counters see on the module.

    Above 2,000 nodes or 200 G multiply–adds, and where the memory cannot hold the module with its data, fvcore is
    left out, and its note says so. Raises `MemoryBudgetError` where torch can have no tensors of such sizes at all,
    `RuleError` for a graph made by hand whose names cannot be those of layers.
    """
    return crosscheck_module(build(graph, device="meta"), graph, figures)


def crosscheck_module(module: nn.Module, graph: Graph, figures: Figures) -> CrossCheck:
    """Do the same with a module that stands for the graph already, on any device; it is left as it is."""
    with _one_thread():
        seen, left_out = _look(module, graph, figures)
    results = [_result(counter, each, figures) for counter, each in seen.items()]
    if left_out:
        results.append(CounterResult("fvcore", None, note=left_out))
    params = sum(weight.numel() for weight in module.parameters())
    found = [*weights_disagreement(params, figures)]
    for counter, each in seen.items():
        found.extend(disagreements(counter, each, graph, figures))
    return CrossCheck(params, tuple(results), tuple(found))


def _look(module: nn.Module, graph: Graph, figures: Figures) -> tuple[dict[str, Seen], str]:
    """Give what each counter saw, and why fvcore is left out, if it is."""
    left_out = _why_without_fvcore(graph, figures)
    device = "meta" if figures.macs > META_MACS or lacks_memory(figures) else "cpu"
    copied, inputs = copy_with_zeros(module, device), example_inputs(graph, device=device)
    seen = {"hooks": count_by_hooks(copied, inputs), "torch": count_by_flop_counter(copied, inputs)}
    if not left_out:
        # Last, because fvcore leaves its hooks on the module if the tracing fails; and never on `meta`, where it
        # fails in torch's own checks of sizes (2.13).
        copied = copy_with_zeros(module, "cpu") if device == "meta" else copied
        seen["fvcore"] = count_by_fvcore(copied, example_inputs(graph))
    return seen, left_out


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: on a busy machine, threads that share small layers wait for each other at length."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def copy_with_zeros(module: nn.Module, device: str) -> nn.Module:
    """Copy a module to a device, in evaluation mode, with zeros for data: what memory happens to hold may be slow.

    Tensors are made from their shapes: `to_empty` of a module on `meta` has torch import its compiler too.
    """
    other = copy.deepcopy(module).eval()
    for layer in other.modules():
        for name, weight in list(layer.named_parameters(recurse=False)):
            zeros = torch.zeros(weight.shape, dtype=weight.dtype, device=device)
            layer.register_parameter(name, nn.Parameter(zeros))
        for name, buffer in list(layer.named_buffers(recurse=False)):
            layer.register_buffer(name, torch.zeros(buffer.shape, dtype=buffer.dtype, device=device))
    return other


def _why_without_fvcore(graph: Graph, figures: Figures) -> str:
    """Say why fvcore is left out; nothing if it is not."""
    if len(graph) > FVCORE_NODES:
        return f"left out: {len(graph):,} nodes, and above {FVCORE_NODES:,} it takes very long"
    if figures.macs > FVCORE_MACS:
        return f"left out: it runs the module, and above {FVCORE_MACS // 10**9} G multiply–adds that takes very long"
    lack = lacks_memory(figures)
    return f"left out: {lack}" if lack else ""


def lacks_memory(figures: Figures) -> str:
    """Say what the memory lacks for the module and a pass through it; nothing if it lacks nothing."""
    try:
        check_memory([figures], Settings())
    except MemoryBudgetError as error:
        return error.message
    return ""


def _result(counter: str, seen: Seen, figures: Figures) -> CounterResult:
    macs = by_node(seen.macs_by_layer, [node.name for node in figures.by_node])
    return CounterResult(counter, seen.macs, macs, seen.note, seen.reported)
