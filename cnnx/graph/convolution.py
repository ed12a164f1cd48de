"""Operations with weights that multiply: convolution and the linear layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cnnx.errors import RuleError
from cnnx.graph.operation import Category, Operation, Saves, Shape, Window, check_map, elements, show_shape

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
        return (self.out_channels, self._extent(0, height), self._extent(1, width))

    def _extent(self, axis: int, size: int) -> int:
        reach = self._reach(axis)
        padded = size + 2 * self.padding[axis]
        if reach > padded:
            raise RuleError(
                f"a kernel that reaches over {reach} does not fit into the {'height' if axis == 0 else 'width'} "
                f"of {size}" + (f" with padding {self.padding[axis]}" if self.padding[axis] else ""),
                option="kernel",
            )
        return (padded - reach) // self.stride[axis] + 1

    def _reach(self, axis: int) -> int:
        return self.dilation[axis] * (self.kernel[axis] - 1) + 1

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

    def windows(self, source: Shape) -> tuple[Window, Window]:
        """Reach, stride and padding by axis."""
        return (
            Window(self._reach(0), self.stride[0], self.padding[0]),
            Window(self._reach(1), self.stride[1], self.padding[1]),
        )

    def describe(self) -> str:
        """Say `3×3 /2 g32`."""
        parts = [show_shape(self.kernel)]
        if self.stride != (1, 1):
            parts.append("/" + (str(self.stride[0]) if self.stride[0] == self.stride[1] else show_shape(self.stride)))
        if self.dilation != (1, 1):
            parts.append(
                "d" + (str(self.dilation[0]) if self.dilation[0] == self.dilation[1] else show_shape(self.dilation))
            )
        if self.is_depthwise:
            parts.append("dw")
        elif self.groups > 1:
            parts.append(f"g{self.groups}")
        return " ".join(parts)


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
