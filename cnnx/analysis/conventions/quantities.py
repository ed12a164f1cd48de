"""What can be counted of a node: the quantities whose multiples conventions add up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import accumulate
from math import prod

from cnnx.analysis.figures import NodeFigures
from cnnx.graph.convolution import DeformConv
from cnnx.graph.pointwise import Lrn
from cnnx.graph.pooling import Resize


class Quantity(StrEnum):
    """A number of something in a node, for one image; the value is what people call it."""

    MACS = "multiply–adds"
    BIAS = "biased output elements"
    OTHER = "other operations"  # what the operation's own rule adds to two for each multiply–add
    INPUT = "input elements"
    OUTPUT = "output elements"
    WEIGHTS = "weights"
    POSITIONS = "output positions"
    PRODUCTS = "products"
    SAMPLES = "sampled values"
    BILINEAR = "bilinear output elements"
    NEAREST = "copied output elements"
    PADDED = "elements of padding"


def _products(node: NodeFigures) -> int:
    """Branches are multiplied one by one, and each product is as large as the largest branch up to it."""
    sizes = list(accumulate(map(prod, node.inputs), max))
    return sum(sizes[1:])


def _samples(node: NodeFigures) -> int:
    """A value for every tap of the kernel, input channel and output position."""
    op = node.op
    return op.kernel[0] * op.kernel[1] * op.in_channels * _positions(node) if isinstance(op, DeformConv) else 0


def _positions(node: NodeFigures) -> int:
    return prod(node.output[1:])


def _interpolated(node: NodeFigures, mode: str) -> int:
    return prod(node.output) if isinstance(node.op, Resize) and node.op.mode == mode else 0


def _padded(node: NodeFigures) -> int:
    """PyTorch pads the squares by `size` − 1 channels before it averages them."""
    return (node.op.size - 1) * _positions(node) if isinstance(node.op, Lrn) else 0


QUANTITIES: Mapping[Quantity, Callable[[NodeFigures], int]] = {
    Quantity.MACS: lambda node: node.macs,
    Quantity.BIAS: lambda node: prod(node.output) if "bias" in node.op.weights() else 0,
    Quantity.OTHER: lambda node: node.op.other_flops(node.inputs, node.output),
    Quantity.INPUT: lambda node: prod(node.inputs[0]),
    Quantity.OUTPUT: lambda node: prod(node.output),
    Quantity.WEIGHTS: lambda node: node.params,
    Quantity.POSITIONS: _positions,
    Quantity.PRODUCTS: _products,
    Quantity.SAMPLES: _samples,
    Quantity.BILINEAR: lambda node: _interpolated(node, "bilinear"),
    Quantity.NEAREST: lambda node: _interpolated(node, "nearest"),
    Quantity.PADDED: _padded,
}
