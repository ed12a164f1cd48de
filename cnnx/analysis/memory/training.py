"""What training a graph costs: the arithmetic of the backward pass, and the memory of a step with its optimizer.

Backward MACs are those of the forward for each gradient asked for: the weight's always, the input's unless what enters
needs none. Backward FLOPs are 2·MACs and, of everything else, what each operation says (`Operation.backward_flops`),
and the sums of the gradients of a value that several nodes read, counted at the node that gives it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from math import prod

from cnnx.analysis.figures import ELEMENT_BYTES
from cnnx.analysis.memory.ledger import Held, Phase
from cnnx.analysis.memory.tape import record
from cnnx.analysis.memory.training_step import TrainingStep
from cnnx.graph.graph import Graph, Node
from cnnx.graph.operation import elements

COUNTER_BYTES = 4  # Adam counts its steps in a float32 of one element for each weight tensor


class Optimizer(StrEnum):
    """How weights follow their gradients."""

    SGD = "sgd"
    MOMENTUM = "momentum"
    ADAM = "adam"


@dataclass(frozen=True, slots=True)
class NodeBackward:
    """The backward pass of one node, for one image; `asks_input` tells whether it gives a gradient to what enters."""

    name: str
    macs: int
    flops: int
    asks_input: bool


@dataclass(frozen=True, slots=True)
class Backward:
    """The backward pass of a graph or model, for one image.

    Of a model, nothing is told by node, and there are no FLOPs where it calls `unknown` operators.
    """

    macs: int
    flops: int | None
    by_node: tuple[NodeBackward, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptimizerMemory:
    """What an optimizer keeps between steps, and what it needs beside that, at most, while it changes a weight."""

    optimizer: Optimizer
    state_bytes: int  # none for SGD, as many as the weights for momentum, twice as many for Adam
    counter_bytes: int
    scratch_bytes: int  # for Adam twice the largest weight, and as much as the weight before it


@dataclass(frozen=True, slots=True)
class AliveInStep:
    """A storage that is alive at the peak of a step: what it is for, whose it is, its bytes."""

    held: Held
    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StepMemory:
    """The memory of one training step; the caller holds inputs, outputs, and a gradient of each output.

    `peak_bytes` are the most that live at once beside weights and buffers, in `phase` at `node`: inputs, activations
    and what is kept beside them, gradients, and the optimizer's state. `saved_bytes` are what autograd keeps from
    forward to backward. Weight gradients are let go before each step; workspace of kernels is not included.
    """

    dtype: str
    batch: int
    weight_bytes: int
    buffer_bytes: int
    saved_bytes: int
    optimizer: OptimizerMemory
    peak_bytes: int
    phase: Phase
    node: str
    alive: tuple[AliveInStep, ...]

    @property
    def bytes(self) -> int:
        """All that lives at the peak, weights and buffers included."""
        return self.weight_bytes + self.buffer_bytes + self.peak_bytes

    def by_kind(self) -> dict[Held, int]:
        """Give the bytes that live at the peak by what they are for, the most first."""
        counted: Counter[Held] = Counter()
        for each in self.alive:
            counted[each.held] += each.bytes
        return dict(counted.most_common())


def count_backward(graph: Graph) -> Backward:
    """Count the backward pass of a graph, for one image, without torch; the network's inputs need no gradient."""
    reached = set[str]()  # whose gradients are asked for
    arriving = Counter([name for node in graph.nodes for name in node.inputs] + list(graph.outputs))
    found = []
    for node in graph.nodes:
        asked = tuple([name in reached for name in node.inputs])
        if any(asked) or node.op.weights():
            reached.add(node.name)
            found.append(_backward(node, graph, asked, arriving[node.name] - 1))
        else:
            found.append(NodeBackward(node.name, 0, 0, False))
    return Backward(sum(each.macs for each in found), sum(each.flops for each in found), tuple(found))


def _backward(node: Node, graph: Graph, asked: tuple[bool, ...], sums: int) -> NodeBackward:
    macs = node.op.backward_macs(node.shape, any(asked))
    others = node.op.backward_flops(graph.input_shapes(node), node.shape, asked)
    return NodeBackward(node.name, macs, 2 * macs + others + sums * elements(node.shape), any(asked))


def predict_step(
    graph: Graph,
    optimizer: Optimizer = Optimizer.SGD,
    dtype: str = "float32",
    batch: int = 1,
    *,
    sums_in_place: bool = False,
) -> StepMemory:
    """Predict the memory of a training step, without torch: forward, backward, and the change of the weights.

    The optimizer is torch's with `foreach=False`: it changes one weight tensor after the other. Gradients of one value
    are summed in new tensors, as where storages are watched, or `sums_in_place` (see `TrainingStep`).
    """
    size = ELEMENT_BYTES[dtype]
    memory = optimizer_memory(graph, optimizer, dtype)
    kept = memory.state_bytes + memory.counter_bytes
    step = TrainingStep(record(graph, dtype, batch), kept, sums_in_place=sums_in_place)
    step.forward()
    step.backward()
    step.update(memory.scratch_bytes)
    where, alive = step.ledger.at_peak()
    return StepMemory(
        dtype=dtype,
        batch=batch,
        weight_bytes=size * sum(weight_sizes(graph)),
        buffer_bytes=size * sum([prod(shape) for node in graph.nodes for shape in node.op.buffers().values()]),
        saved_bytes=step.saved_bytes,
        optimizer=memory,
        peak_bytes=step.ledger.peak,
        phase=where[0],
        node=where[1],
        alive=tuple([AliveInStep(each.held, each.name, each.bytes) for each in alive]),
    )


def optimizer_memory(graph: Graph, optimizer: Optimizer, dtype: str = "float32") -> OptimizerMemory:
    """Predict what an optimizer keeps and needs.

    Adam keeps the means of gradients and of their squares; while it changes a weight, two tensors of its size live: the
    root of the second mean, and the divisor. The divisor of the weight before is let go only when the new one is there.
    Source: torch/optim/adam.py, `_single_tensor_adam`, torch 2.13.
    """
    size, sizes = ELEMENT_BYTES[dtype], weight_sizes(graph)
    if optimizer is Optimizer.ADAM:
        scratch = max([2 * own + before for before, own in pairwise([0, *sizes])], default=0)
        return OptimizerMemory(optimizer, 2 * sum(sizes) * size, len(sizes) * COUNTER_BYTES, scratch * size)
    return OptimizerMemory(optimizer, sum(sizes) * size if optimizer is Optimizer.MOMENTUM else 0, 0, 0)


def weight_sizes(graph: Graph) -> list[int]:
    """Give the elements of every weight tensor, in the order in which a module has them: container by container."""
    tree = _Container()
    for node in graph.nodes:
        container = tree
        for part in node.name.split("."):
            container = container.parts.setdefault(part, _Container())
        container.sizes += [prod(shape) for shape in node.op.weights().values()]
    return list(tree.all_sizes())


@dataclass(slots=True)
class _Container:
    sizes: list[int] = field(default_factory=list)
    parts: dict[str, _Container] = field(default_factory=dict)

    def all_sizes(self) -> Iterator[int]:
        yield from self.sizes
        for part in self.parts.values():
            yield from part.all_sizes()
