"""The receptive field of every block, held against where the gradient of one output position is not zero.

Weights are positive, activations pass everything on and pooling averages, so that nothing cancels and nothing is cut
off; a branch that sees everything gives a constant, as the rule leaves it out at joins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from cnnx.analysis.receptive_field import Field, ReceptiveField, output_fields
from cnnx.errors import SpecError, UsageError
from cnnx.graph.graph import Graph
from cnnx.graph.layout import Pad
from cnnx.graph.operation import Operation
from cnnx.graph.pointwise import Activation, Identity
from cnnx.graph.pooling import AvgPool, GlobalAvgPool, MaxPool
from cnnx.pytorch.build import build
from cnnx.spec.folders import built_in_folder
from tests.test_specs import file_of, load

BLOCKS = sorted(path.stem for path in (built_in_folder() / "blocks").rglob("*.yaml"))
# Wide, large or of many layers: some 0.5 to 4 s each. The others are a spread of all families.
SLOW = {
    "amoebanet_reduction", "deformable_s4", "inception_reduction_a", "inception_resnet_a", "inception_resnet_a_s3",
    "inception_resnet_b", "inception_resnet_c", "inception_resnet_reduction_b", "inception_s3", "inception_v2_b",
    "inception_v2_c", "inception_v2_reduction", "inception_v3_a", "inception_v3_b", "inception_v3_c", "inception_v3_d",
    "inception_v3_e", "inception_v4_a", "inception_v4_b", "inception_v4_c", "inception_v4_reduction_b",
    "inception_v4_stem", "nasnet_reduction", "plain7x7", "resnet_stage", "resnext_add", "resnext_concat", "resnext_s0",
    "stacked3x3", "xception_exit", "xception_middle",
}  # fmt: skip
CASES = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in BLOCKS]
SMALL = 23  # rows and columns of the input, where the block takes them; strided windows leave none of these out


def small(name: str) -> Graph:
    graph = load(name)
    if len(graph.inputs) > 1:
        return graph
    ((channels, *_),) = graph.inputs.values()
    try:
        return load(name, (channels, SMALL, SMALL))
    except (SpecError, UsageError):
        return graph  # it needs a larger one


def linear(op: Operation) -> Operation:
    """Give an operation that passes on something of every position that the other can see."""
    if isinstance(op, Activation):
        return Identity()
    if isinstance(op, MaxPool):
        return AvgPool(op.kernel, op.stride, op.padding, op.ceil)
    return replace(op, value=0.0) if isinstance(op, Pad) else op


def gradients(graph: Graph, place: tuple[int, int], constant: Sequence[str]) -> dict[str, torch.Tensor]:
    """Give, for every input that is seen, by rows and columns, where the output at a place depends on it."""
    linear_graph = replace(graph, nodes=tuple(node._replace(op=linear(node.op)) for node in graph.nodes))
    module = build(linear_graph).eval().requires_grad_(False)
    for name, weight in module.named_parameters():
        weight.fill_(0.0 if name.endswith("bias") else 1.0 / weight[0].numel())
    for name in constant:
        module.get_submodule(name).register_forward_hook(lambda layer, inputs, output: output.detach())
    images = [torch.ones(1, *shape, requires_grad=True) for shape in graph.inputs.values()]
    outputs = module(*images)
    first = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
    (first[0, :, place[0], place[1]] if first.dim() == 4 else first[0]).sum().backward()
    gradients = zip(graph.inputs, [image.grad for image in images], strict=True)
    return {name: (gradient[0] != 0).any(0) for name, gradient in gradients if gradient is not None}


def box(seen: torch.Tensor) -> list[tuple[int, int]]:
    """Give the first and the last row, then column, at which an input is seen."""
    axes = [seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()]
    return [(int(axis.min()), int(axis.max())) for axis in axes]


def clipped(field: Field, place: int, size: int) -> tuple[int, int]:
    return max(0, field.low + place * field.jump), min(size - 1, field.high + place * field.jump)


@pytest.mark.parametrize("name", CASES)
def test_the_field_is_where_the_gradient_is_not_zero(name: str) -> None:
    assert file_of(name)
    graph = small(name)
    fields, shape = output_fields(graph), graph.shapes[graph.outputs[0]]
    if any(field.size is None and not field.is_global for field in fields.values()):
        assert all(field.reason for field in fields.values())  # sampling by offsets: it sees whatever it chooses
        return
    local = not any(field.is_global for field in fields.values())
    everywhere = [node.name for node in graph.nodes if local and isinstance(node.op, GlobalAvgPool)]
    place = (shape[1] // 2, shape[2] // 2) if len(shape) == 3 else (0, 0)
    seen = gradients(graph, place, everywhere)
    assert {source: box(where) for source, where in seen.items()} == {
        source: expected(field, place, graph.inputs[source][1:]) for source, field in fields.items()
    }


def expected(field: ReceptiveField, place: tuple[int, int], sizes: Sequence[int]) -> list[tuple[int, int]]:
    if field.height is None or field.width is None:
        return [(0, size - 1) for size in sizes]
    return [clipped(axis, at, size) for axis, at, size in zip((field.height, field.width), place, sizes, strict=True)]
