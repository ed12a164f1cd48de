"""Operations that make maps smaller or larger without weights: pooling and interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cnnx.errors import RuleError
from cnnx.graph.operation import (
    UNEVEN,
    Category,
    Operation,
    Saves,
    Shape,
    Window,
    Windows,
    check_map,
    elements,
    show_pair,
    show_shape,
    windows_of,
)

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Pool(Operation):
    """The base of pooling over windows; pairs are (height, width)."""

    category: ClassVar[Category] = Category.POOL
    saves: ClassVar[Saves] = Saves.INPUTS

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    ceil: bool = False

    def __post_init__(self) -> None:
        for axis in (0, 1):
            if self.padding[axis] > self.kernel[axis] // 2:
                raise RuleError(
                    f"padding {self.padding[axis]} is more than half of the kernel {self.kernel[axis]}",
                    option="padding",
                )

    def shape(self, *inputs: Shape) -> Shape:
        """(C, H, W) → (C, H', W'), rounded down, or up with `ceil` if the last window begins inside."""
        channels, height, width = check_map(inputs[0], self.word)
        return (channels, self._extent(0, height), self._extent(1, width))

    def _extent(self, axis: int, size: int) -> int:
        kernel, stride, padding = self.kernel[axis], self.stride[axis], self.padding[axis]
        room = size + 2 * padding - kernel
        # In ceil mode a last window may hang over the end, but some of it must lie inside.
        count = (-(-room // stride) if self.ceil else room // stride) + 1
        if self.ceil and (count - 1) * stride >= size + padding:
            count -= 1
        if count < 1:
            raise RuleError(
                f"a kernel of {kernel} does not fit into the {'height' if axis == 0 else 'width'} of {size}"
                + (f" with padding {padding}" if padding else ""),
                option="kernel",
            )
        return count

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """k_h·k_w an output element."""
        return self.kernel[0] * self.kernel[1] * elements(output)

    def windows(self, source: Shape) -> Windows:
        """Kernel, stride and padding by axis."""
        return windows_of(self.kernel, self.stride, self.padding)

    def describe(self) -> str:
        """Say `3×3 /2`."""
        return show_shape(self.kernel) + (f" /{show_pair(self.stride)}" if self.stride != (1, 1) else "")


class MaxPool(Pool):
    """The largest of each window."""

    __slots__ = ()
    word: ClassVar[str] = "maxpool"

    def scratch_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int) -> int:
        """The positions of the largest, 8 bytes each."""
        return 8 * elements(output)

    def saved_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int, batch: int) -> int:
        """The positions of the largest, 8 bytes each."""
        return 8 * elements(output) * batch


@dataclass(frozen=True, slots=True)
class AvgPool(Pool):
    """The mean of each window; `count_padding` says whether padding counts in the divisor."""

    word: ClassVar[str] = "avgpool"

    count_padding: bool = True


@dataclass(frozen=True, slots=True)
class AdaptiveAvgPool(Operation):
    """The mean of each of `size` windows that together cover the map."""

    word: ClassVar[str] = "adaptive_avgpool"
    category: ClassVar[Category] = Category.POOL
    saves: ClassVar[Saves] = Saves.INPUTS

    size: Pair

    def shape(self, *inputs: Shape) -> Shape:
        """(C, H, W) → (C, size)."""
        return (check_map(inputs[0], self.word)[0], *self.size)

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """1 an input element."""
        return elements(inputs[0])

    def windows(self, source: Shape) -> Windows:
        """Windows of equal size where they divide the map; elsewhere no single field exists."""
        height, width = source[1] // self.size[0], source[2] // self.size[1]
        if source[1:] != (height * self.size[0], width * self.size[1]):
            return UNEVEN
        return (Window(height, height), Window(width, width))

    def describe(self) -> str:
        """Say `→7×7`."""
        return f"→{show_shape(self.size)}"


class GlobalAvgPool(Operation):
    """The mean of each channel: (C, H, W) → (C, 1, 1)."""

    __slots__ = ()
    word: ClassVar[str] = "global_avgpool"
    category: ClassVar[Category] = Category.POOL

    def shape(self, *inputs: Shape) -> Shape:
        """(C, H, W) → (C, 1, 1)."""
        return (check_map(inputs[0], self.word)[0], 1, 1)

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """1 an input element."""
        return elements(inputs[0])

    def windows(self, source: Shape) -> Windows | None:
        """Everything."""
        return None


@dataclass(frozen=True, slots=True)
class Resize(Operation):
    """Interpolation to `size`, bilinear (half-pixel centres) or to the nearest, as PyTorch's `interpolate`."""

    word: ClassVar[str] = "resize"
    category: ClassVar[Category] = Category.ELEMENTWISE

    size: Pair
    mode: str = "bilinear"

    def __post_init__(self) -> None:
        if self.mode not in ("bilinear", "nearest"):
            raise RuleError(f"no resize mode is named `{self.mode}`; bilinear and nearest are", option="mode")

    def shape(self, *inputs: Shape) -> Shape:
        """(C, H, W) → (C, size)."""
        return (check_map(inputs[0], self.word)[0], *self.size)

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """7 an output element if bilinear (four products, three sums), none if nearest."""
        return 7 * elements(output) if self.mode == "bilinear" else 0

    def windows(self, source: Shape) -> Windows:
        """Windows of equal size where the map is divided by an integer; elsewhere no single field exists."""
        height, width = (self._window(source[axis + 1], self.size[axis]) for axis in (0, 1))
        return UNEVEN if height is None or width is None else (height, width)

    def _window(self, size: int, target: int) -> Window | None:
        if size % target:
            return None
        step = size // target
        if self.mode == "nearest":
            return Window(1, step)
        # The centre of step positions is one of them if step is odd, else it lies between two.
        return Window(1 if step % 2 else 2, step, -((step - 1) // 2))

    def describe(self) -> str:
        """Say `→7×7 bilinear`."""
        return f"→{show_shape(self.size)} {self.mode}"
