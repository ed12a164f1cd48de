"""What every primitive operation can say of itself.

An operation is the only place where its shape rule, its weights, its costs, its receptive field and its
storage behaviour stand. Shapes are `(channels, height, width)` or `(length,)`, for one image. All figures
are Python integers, exact at any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import ClassVar, NamedTuple

from cnnx.errors import RuleError
from cnnx.graph.autograd import Batch, Function

Shape = tuple[int, ...]
Asked = tuple[bool, ...]  # of every input, whether its gradient is asked for


class Category(StrEnum):
    """What kind of work an operation does; figures are added up by these."""

    CONV = "conv"
    LINEAR = "linear"
    MATMUL = "matmul"  # products of two activations, as in attention: only models from elsewhere have them
    NORM = "norm"
    ACTIVATION = "activation"
    POOL = "pool"
    ELEMENTWISE = "elementwise"
    LAYOUT = "layout"


class Storage(StrEnum):
    """Where the output lives: in memory of its own, in its input's, or over its input where nobody else reads it."""

    FRESH = "fresh"
    ALIAS = "alias"
    IN_PLACE = "in place"


class Saves(StrEnum):
    """Which whole tensors autograd keeps of an operation for the backward pass."""

    NOTHING = "nothing"
    INPUTS = "inputs"
    FIRST_INPUT = "first input"
    OUTPUT = "output"


class Window(NamedTuple):
    """What one output position sees along one axis: `size` positions (dilation included), from −`pad` on."""

    size: int = 1
    stride: int = 1
    pad: int = 0


POINT = (Window(), Window())
Windows = tuple[Window, Window]  # by height and width
UNEVEN = (Window(0, 0), Window(0, 0))  # output positions see windows of different sizes: no single field exists


@dataclass(frozen=True, slots=True)
class Operation:
    """The base of all operations: one input, its shape kept, no weights, no cost."""

    word: ClassVar[str] = ""  # its word in the spec language
    category: ClassVar[Category] = Category.LAYOUT
    storage: ClassVar[Storage] = Storage.FRESH
    saves: ClassVar[Saves] = Saves.NOTHING
    saves_output: ClassVar[bool] = False  # autograd keeps the output, so nothing may write over it

    def shape(self, *inputs: Shape) -> Shape:
        """Give the output shape. Raises `RuleError` where the inputs cannot be taken."""
        return inputs[0]

    def weights(self) -> dict[str, Shape]:
        """Give the shapes of what the operation learns, by PyTorch's names."""
        return {}

    def buffers(self) -> dict[str, Shape]:
        """Give the shapes of what the operation keeps without learning it, by PyTorch's names."""
        return {}

    def macs(self, output: Shape) -> int:
        """Give the multiply–adds for one image."""
        return 0

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Give the floating-point operations beyond the two of each multiply–add, for one image."""
        return 0

    def scratch_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int) -> int:
        """Give the bytes that live only while the operation runs, beside its inputs and its output, for one image."""
        return 0

    def saved_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int, batch: int) -> int:
        """Give the bytes that autograd keeps of a batch beside the tensors named by `saves`."""
        return 0

    def backward_macs(self, output: Shape, asked: bool) -> int:
        """Give the multiply–adds of the backward pass for one image: those of the forward for each gradient asked for.

        The gradient of the weight is always asked for, that of what enters where `asked` says so.
        """
        return self.macs(output) * (2 if asked else 1)

    def backward_flops(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked) -> int:
        """Give the floating-point operations of the backward pass beyond the two of each multiply–add, for one image.

        As many as in the forward for the gradients of the inputs, if any is `asked` for, and for those of the weights.
        """
        return self.other_flops(inputs, output) * (any(asked) + bool(self.weights()))

    def passes_gradient(self, inputs: tuple[Shape, ...], output: Shape) -> bool:
        """Say whether the gradients of its inputs are its output's own gradient, or views of it."""
        return False

    def kept_inputs(self, asked: Asked) -> tuple[int, ...]:
        """Give the positions of the inputs that autograd keeps, where the gradients of some are `asked` for."""
        return tuple(range({Saves.INPUTS: len(asked), Saves.FIRST_INPUT: 1}.get(self.saves, 0)))

    def functions(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked, batch: Batch) -> tuple[Function, ...]:
        """Give what autograd sees of it; nothing where the output is the input itself.

        `asked` tells of every input whether its gradient is asked for.
        """
        weights = [elements(shape) * batch.element_bytes for shape in self.weights().values()]
        only = Function(
            tuple(range(len(inputs))),
            batch.bytes(elements(output)),
            view=self.storage is Storage.ALIAS,
            keeps=self.kept_inputs(asked),
            keeps_output=self.saves is Saves.OUTPUT,
            kept_bytes=self.saved_bytes(inputs, output, batch.element_bytes, batch.images),
            weight_bytes=tuple(weights),
            passes=self.passes_gradient(inputs, output),
        )
        return (only,)

    def windows(self, source: Shape) -> Windows | None:
        """Give what one output position sees, by height and width; None where it sees everything."""
        return POINT

    def describe(self) -> str:
        """Say in a few characters how the operation is set, for tables."""
        return ""


def windows_of(sizes: tuple[int, int], strides: tuple[int, int], pads: tuple[int, int]) -> Windows:
    """Give the windows of sizes, strides and paddings by height and width; one window twice where they are equal."""
    height = Window(sizes[0], strides[0], pads[0])
    width = (sizes[1], strides[1], pads[1])
    return (height, height) if width == height else (height, Window(*width))


elements: Callable[[Shape], int] = prod  # how many a shape has


def check_map(shape: Shape, what: str) -> Shape:
    """Check that a shape is that of a map. Raises `RuleError` for a vector."""
    if len(shape) != 3:
        raise RuleError(f"`{what}` takes a map (channels, height, width), not a vector of {shape[0]}")
    return shape


def show_shape(shape: Shape) -> str:
    """Write a shape as people do: `256×56×56`."""
    return "×".join(map(str, shape))


def show_pair(pair: tuple[int, int]) -> str:
    """Write a pair (height, width) as one number where both are equal, else as `1×2`."""
    return str(pair[0]) if pair[0] == pair[1] else show_shape(pair)
