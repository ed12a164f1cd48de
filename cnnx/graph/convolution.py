"""Operations with weights that multiply: convolution and the linear layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cnnx.errors import RuleError
from cnnx.graph.autograd import Batch, Function
from cnnx.graph.operation import (
    POINT,
    UNEVEN,
    Asked,
    Category,
    Operation,
    Saves,
    Shape,
    Windows,
    check_map,
    elements,
    show_pair,
    show_shape,
    windows_of,
)

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Conv(Operation):
    """A two-dimensional convolution; pairs are (height, width)."""

    word: ClassVar[str] = "conv"
    category: ClassVar[Category] = Category.CONV
    saves: ClassVar[Saves] = Saves.INPUTS

    in_channels: int
    out_channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    bias: bool = False

    def __post_init__(self) -> None:
        for side, channels in (("in", self.in_channels), ("out", self.out_channels)):
            if channels % self.groups:
                raise RuleError(f"groups={self.groups} does not divide {side}_channels={channels}", option="groups")

    @property
    def is_depthwise(self) -> bool:
        """Whether every channel is convolved by itself."""
        return self.groups == self.in_channels > 1

    def shape(self, *inputs: Shape) -> Shape:
        """(C_in, H, W) → (C_out, H', W') with H' = ⌊(H + 2·padding − dilation·(kernel − 1) − 1)/stride⌋ + 1."""
        channels, height, width = check_map(inputs[0], "conv")
        if channels != self.in_channels:
            raise RuleError(f"in_channels={self.in_channels}, but {channels} channels enter")
        if self._keeps_place():
            return (self.out_channels, height, width)
        reach = self._reach()
        return (self.out_channels, self._extent(0, height, reach[0]), self._extent(1, width, reach[1]))

    def _keeps_place(self) -> bool:
        """Say whether every output position sees just the input position that it stands on."""
        return self.kernel == (1, 1) and self.stride == (1, 1) and self.padding == (0, 0)

    def _extent(self, axis: int, size: int, reach: int) -> int:
        padded = size + 2 * self.padding[axis]
        if reach > padded:
            raise RuleError(
                f"a kernel that reaches over {reach} does not fit into the {'height' if axis == 0 else 'width'} "
                f"of {size}" + (f" with padding {self.padding[axis]}" if self.padding[axis] else ""),
                option="kernel",
            )
        return (padded - reach) // self.stride[axis] + 1

    def _reach(self) -> Pair:
        """Give how far the kernel reaches, dilation included."""
        kernel, dilation = self.kernel, self.dilation
        return (dilation[0] * (kernel[0] - 1) + 1, dilation[1] * (kernel[1] - 1) + 1)

    def weights(self) -> dict[str, Shape]:
        """k_h·k_w·(C_in/g)·C_out, and C_out with a bias."""
        weight = (self.out_channels, self.in_channels // self.groups, *self.kernel)
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def macs(self, output: Shape) -> int:
        """k_h·k_w·(C_in/g)·C_out·H'·W'."""
        height, width = self.kernel
        return height * width * (self.in_channels // self.groups) * elements(output)

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """C_out·H'·W' for the bias."""
        return elements(output) if self.bias else 0

    def backward_flops(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked) -> int:
        """C_out·H'·W' for the gradient of the bias, the sum over all that leaves."""
        return elements(output) if self.bias else 0

    def windows(self, source: Shape) -> Windows:
        """Reach, stride and padding by axis."""
        if self._keeps_place():
            return POINT
        return windows_of(self._reach(), self.stride, self.padding)

    def describe(self) -> str:
        """Say `3×3 /2 g32`."""
        parts = [show_shape(self.kernel)]
        if self.stride != (1, 1):
            parts.append(f"/{show_pair(self.stride)}")
        if self.dilation != (1, 1):
            parts.append(f"d{show_pair(self.dilation)}")
        if self.is_depthwise:
            parts.append("dw")
        elif self.groups > 1:
            parts.append(f"g{self.groups}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class DeformConv(Conv):
    """A convolution that reads its map bilinearly where offsets say; reads (map, offsets) or, modulated, (…, mask).

    The offsets are (2·k_h·k_w, H', W'), for each tap of the kernel its move down and its move to the right; the mask
    is (k_h·k_w, H', W'). Source: arXiv:1703.06211 and, modulated, 1811.11168.
    """

    word: ClassVar[str] = "deform_conv"
    saves: ClassVar[Saves] = Saves.FIRST_INPUT

    modulated: bool = False

    def shape(self, *inputs: Shape) -> Shape:
        """As a convolution; offsets and mask must have its output's size."""
        output = Conv.shape(self, inputs[0])
        taps = self.kernel[0] * self.kernel[1]
        wanted = ((2 * taps, *output[1:]), (taps, *output[1:]))[: 2 if self.modulated else 1]
        if inputs[1:] != wanted:
            given = ", ".join(map(show_shape, inputs[1:]))
            raise RuleError(f"`deform_conv` needs {', '.join(map(show_shape, wanted))} beside its map, not {given}")
        return output

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """7 for each sampled value (four products, three sums), 8 if modulated, and C_out·H'·W' for the bias."""
        return (8 if self.modulated else 7) * self._samples(output) + Conv.other_flops(self, inputs, output)

    def backward_flops(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked) -> int:
        """As many for the samples as in the forward, and C_out·H'·W' for the gradient of the bias."""
        return self.other_flops(inputs, output)

    def functions(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked, batch: Batch) -> tuple[Function, ...]:
        """The offsets are turned into places, the map is sampled there and, modulated, weighed; a convolution follows.

        The sums and products that make places of offsets write over them; the backward of each needs two halves more.
        """
        places, samples = batch.bytes(2 * self._places(output)), batch.bytes(self._samples(output))
        tiled = not _is_view(self.kernel, output)
        found = [
            Function((1,), places),  # moves to the right before moves down
            Function((len(inputs),), places, view=not tiled, passes=not tiled),
            Function((len(inputs) + 1,), places, view=True, scratch_bytes=places),
            Function((0, len(inputs) + 2), samples, keeps=(0, 1)),
        ]
        if self.modulated:
            found.append(Function((2,), places // 2, view=not tiled, passes=not tiled))
            scratch = samples if self.in_channels > 1 else 0  # the gradient of the mask before the sum over channels
            found.append(Function((6, 7), samples, keeps=(0, 1), scratch_bytes=scratch))
        (last,) = Conv.functions(self, inputs[:1], output, asked[:1], Batch(batch.images, batch.element_bytes))
        found.append(last._replace(reads=(len(inputs) + len(found) - 1,), kept_bytes=0))
        return tuple(found)

    def _samples(self, output: Shape) -> int:
        return self.in_channels * self._places(output)

    def _places(self, output: Shape) -> int:
        return self.kernel[0] * self.kernel[1] * output[1] * output[2]

    def windows(self, source: Shape) -> Windows:
        """Where it looks is learnt."""
        return UNEVEN

    def scratch_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int) -> int:
        """The places and the samples, then, modulated, the mask by samples; at last the samples beside the output."""
        places, samples = 2 * self._places(output), self._samples(output)
        sampling = max(2 * places, places + samples)
        if self.modulated:
            sampling = max(sampling, 2 * samples + self._places(output))
        return max(samples, sampling - elements(output)) * element_bytes

    def saved_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int, batch: int) -> int:
        """The places and the samples; modulated, the mask and the weighed samples too."""
        saved = 2 * self._places(output) + self._samples(output)
        if self.modulated:
            saved += self._places(output) + self._samples(output)
        return saved * element_bytes * batch


@dataclass(frozen=True, slots=True)
class Linear(Operation):
    """A matrix product with a vector."""

    word: ClassVar[str] = "linear"
    category: ClassVar[Category] = Category.LINEAR
    saves: ClassVar[Saves] = Saves.INPUTS

    in_features: int
    out_features: int
    bias: bool = True

    def shape(self, *inputs: Shape) -> Shape:
        """(C_in,) → (C_out,)."""
        if len(inputs[0]) != 1:
            raise RuleError(
                f"`linear` takes a vector, not a map of {show_shape(inputs[0])}", hint="`flatten` makes one"
            )
        if inputs[0][0] != self.in_features:
            raise RuleError(f"in_features={self.in_features}, but a vector of {inputs[0][0]} enters")
        return (self.out_features,)

    def weights(self) -> dict[str, Shape]:
        """C_in·C_out, and C_out with a bias."""
        weight = (self.out_features, self.in_features)
        return {"weight": weight, "bias": (self.out_features,)} if self.bias else {"weight": weight}

    def macs(self, output: Shape) -> int:
        """C_in·C_out."""
        return self.in_features * self.out_features

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """C_out for the bias."""
        return elements(output) if self.bias else 0

    def backward_flops(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked) -> int:
        """C_out for the gradient of the bias, the sum over all that leaves."""
        return elements(output) if self.bias else 0


def _is_view(kernel: Pair, output: Shape) -> bool:
    """Whether (k_h·k_w, H', W') is laid out as a map of tiles (H'·k_h, W'·k_w) without being copied."""
    return all(size == 1 or taps == 1 for size, taps in zip(output[1:], kernel, strict=True))
