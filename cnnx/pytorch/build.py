"""From a graph to an ordinary `torch.nn.Module`.

The layers are torch's own and stand at the paths that are the nodes' names; the containers between are plain
modules. What needs no layer (sums, products, views) stands in the generated forward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MethodType
from typing import Any, Self, SupportsIndex, cast

import torch
from torch import Tensor, nn

from cnnx.analysis.figures import ELEMENT_BYTES
from cnnx.analysis.memory.storage import in_place_nodes
from cnnx.errors import MemoryBudgetError, UsageError, nearest
from cnnx.graph.graph import Graph
from cnnx.graph.operation import elements, show_shape
from cnnx.pytorch.devices import check_device
from cnnx.pytorch.forward_text import compile_forward
from cnnx.pytorch.layers import INFERENCE_IN_PLACE, LAYERS

DTYPES: Mapping[str, torch.dtype] = {name: getattr(torch, name) for name in ELEMENT_BYTES}


LARGEST_TENSOR = 2**60  # elements; torch counts bytes, of up to 8 an element, in 64 bits with a sign


class Network(nn.Module):
    """A module built from a graph, which it keeps as `graph`.

    Its forward takes the graph's inputs in their order or by their names, each (batch, *shape), and gives the
    output, or a tuple of several. Every network has a class of its own, with its own forward; layers may be
    replaced, and it can be copied, pickled, saved, compiled and exported as any module.
    """

    graph: Graph

    def train(self, mode: bool = True) -> Self:
        """Switch to training or, with `mode` false, to inference, where more activations write over their input."""
        super().train(mode)
        in_place = in_place_nodes(self.graph)
        for name, layer in self.named_modules():
            if name in in_place and isinstance(layer, INFERENCE_IN_PLACE):
                layer.inplace = not mode
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        # The class is made anew from the graph; the rest is what any object is restored from.
        reduced = super().__reduce_ex__(protocol)
        assert not isinstance(reduced, str)  # only singletons are pickled by their name
        return (_empty_network, (self.graph,), *reduced[2:])


def _empty_network(graph: Graph) -> Network:
    """Make a network without layers, of a class whose forward is the graph's."""
    kind = type("Network", (Network,), {"forward": compile_forward(graph), "__module__": __name__})
    network: Network = kind()
    network.graph = graph
    return network


def build(graph: Graph, *, device: str = "cpu", dtype: str = "float32", seed: int = 0) -> Network:
    """Build the module of a graph, in training mode, initialised by torch's usual rules from `seed`.

    `device` is `cpu`, `cuda`, `cuda:1` …, or `meta` for a module without data; the weights are the same on all.
    Raises `UsageError` for an unknown device or dtype, `DeviceError` for a device that cannot be used,
    `MemoryBudgetError` for tensors of sizes that torch cannot count, `RuleError` for a graph made by hand whose names
    cannot be those of layers or arguments.
    """
    factor_type = find_dtype(dtype)
    _check_sizes(graph)
    if device != "meta":
        check_device(device)
    network = _empty_network(graph)
    with torch.random.fork_rng(devices=[]), torch.device("meta" if device == "meta" else "cpu"):
        torch.default_generator.manual_seed(seed)  # `torch.manual_seed` would seed every GPU too
        _add_layers(network, graph)
    return network.to(device=device, dtype=factor_type).train()


def _check_sizes(graph: Graph) -> None:
    for node in graph.nodes:
        for shape in (node.shape, *node.op.weights().values()):
            if elements(shape) >= LARGEST_TENSOR:
                raise MemoryBudgetError(
                    f"`{node.name}` needs a tensor of {show_shape(shape)} elements; torch has none of 2^60 or more"
                )


def find_dtype(name: str) -> torch.dtype:
    """Give torch's type of that name. Raises `UsageError`, with the nearest name, for any but the four of `DTYPES`."""
    if name not in DTYPES:
        raise UsageError(f"unknown dtype `{name}`", hint=nearest(name, DTYPES) or f"there are {', '.join(DTYPES)}")
    return DTYPES[name]


def _add_layers(network: Network, graph: Graph) -> None:
    in_place = in_place_nodes(graph)
    for node in graph.nodes:
        if type(node.op) in LAYERS:
            layer = LAYERS[type(node.op)](node.op, graph.shapes[node.inputs[0]])
            if node.name in in_place:
                cast(nn.ReLU, layer).inplace = True  # the layers of such operations all have the switch
            *path, last = node.name.split(".")
            _container(network, path).add_module(last, layer)


def _container(module: nn.Module, path: list[str]) -> nn.Module:
    """Find the plain module at a path, made where it is missing."""
    for part in path:
        if part not in module._modules:
            module.add_module(part, nn.Module())
        module = module.get_submodule(part)
    return module


def example_inputs(
    graph: Graph, *, batch: int = 1, device: str = "cpu", dtype: str = "float32", seed: int = 0
) -> tuple[Tensor, ...]:
    """Draw an input of every stream that enters, each (batch, *shape), from the normal distribution.

    The numbers are the same on every device. Raises `UsageError` for a batch below 1 or an unknown dtype.
    """
    if batch < 1:
        raise UsageError(f"batch is {batch}; at least 1 is needed")
    factor_type = find_dtype(dtype)
    shapes = [(batch, *shape) for shape in graph.inputs.values()]
    if device == "meta":
        return tuple(torch.empty(shape, device="meta", dtype=factor_type) for shape in shapes)
    check_device(device)
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(shape, generator=generator).to(device, factor_type) for shape in shapes)


def timed_forward(network: Network) -> Callable[..., tuple[Any, list[Any]]]:
    """Make the forward of a network with a clock in it: `run(clock, *inputs)` gives the outputs and the readings.

    `clock` is called without arguments at the start and after each node, so that there is one reading more than
    there are nodes; on a GPU it may record an event. Values are dropped at the node that last reads them.
    """
    return MethodType(compile_forward(network.graph, timed=True), network)
