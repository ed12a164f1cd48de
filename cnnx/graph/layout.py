"""Operations that move or drop elements and compute nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from cnnx.errors import RuleError
from cnnx.graph.autograd import Batch, Function
from cnnx.graph.operation import POINT, Asked, Operation, Shape, Storage, Window, Windows, check_map, elements


class Flatten(Operation):
    """(C, H, W) → (C·H·W,)."""

    __slots__ = ()
    word: ClassVar[str] = "flatten"
    storage: ClassVar[Storage] = Storage.ALIAS

    def shape(self, *inputs: Shape) -> Shape:
        """(C, H, W) → (C·H·W,)."""
        return (elements(inputs[0]),)

    def passes_gradient(self, inputs: tuple[Shape, ...], output: Shape) -> bool:
        """Yes, as a map again."""
        return True

    def windows(self, source: Shape) -> Windows | None:
        """Everything, unless the map is a single position."""
        return POINT if source[1:] in ((), (1, 1)) else None


@dataclass(frozen=True, slots=True)
class Slice(Operation):
    """The channels from `start` up to `end`, `end` not included."""

    word: ClassVar[str] = "slice"
    storage: ClassVar[Storage] = Storage.ALIAS

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise RuleError(f"start={self.start} is not below end={self.end}", option="start")

    def shape(self, *inputs: Shape) -> Shape:
        """(C, …) → (end − start, …)."""
        if self.end > inputs[0][0]:
            raise RuleError(f"end={self.end}, but {inputs[0][0]} channels enter", option="end")
        return (self.end - self.start, *inputs[0][1:])

    def passes_gradient(self, inputs: tuple[Shape, ...], output: Shape) -> bool:
        """Only where nothing is cut off; else the gradient is laid into zeros."""
        return inputs[0] == output

    def describe(self) -> str:
        """Say `0:58`."""
        return f"{self.start}:{self.end}"


@dataclass(frozen=True, slots=True)
class Pad(Operation):
    """Rows and columns of a constant added on [top, bottom, left, right]."""

    word: ClassVar[str] = "pad"

    sides: tuple[int, int, int, int]
    value: float = 0.0

    def shape(self, *inputs: Shape) -> Shape:
        """(C, H, W) → (C, top + H + bottom, left + W + right)."""
        channels, height, width = check_map(inputs[0], "pad")
        top, bottom, left, right = self.sides
        return (channels, top + height + bottom, left + width + right)

    def windows(self, source: Shape) -> Windows:
        """One position, moved by what was added before it."""
        return (Window(pad=self.sides[0]), Window(pad=self.sides[2]))

    def describe(self) -> str:
        """Say `0,1,0,1`."""
        return ",".join(map(str, self.sides))


@dataclass(frozen=True, slots=True)
class Crop(Operation):
    """Rows and columns taken away on [top, bottom, left, right]."""

    word: ClassVar[str] = "crop"
    storage: ClassVar[Storage] = Storage.ALIAS

    sides: tuple[int, int, int, int]

    def shape(self, *inputs: Shape) -> Shape:
        """(C, H, W) → (C, H − top − bottom, W − left − right)."""
        channels, height, width = check_map(inputs[0], "crop")
        top, bottom, left, right = self.sides
        if top + bottom >= height or left + right >= width:
            raise RuleError(f"nothing is left of {height}×{width} after these sides are taken away", option="sides")
        return (channels, height - top - bottom, width - left - right)

    def functions(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked, batch: Batch) -> tuple[Function, ...]:
        """A view for each axis that is cut, rows first; each lays its gradient into zeros."""
        sizes = [elements(shape) for shape in (inputs[0], (inputs[0][0], output[1], inputs[0][2]), output)]
        kept = [after for before, after in pairwise(sizes) if after < before]
        if not kept:
            return (Function((0,), batch.bytes(sizes[0]), view=True, passes=True),)
        return tuple([Function((place,), batch.bytes(size), view=True) for place, size in enumerate(kept)])

    def windows(self, source: Shape) -> Windows:
        """One position, moved by what was taken away before it."""
        return (Window(pad=-self.sides[0]), Window(pad=-self.sides[2]))

    def describe(self) -> str:
        """Say `1,0,1,0`."""
        return ",".join(map(str, self.sides))


@dataclass(frozen=True, slots=True)
class ChannelShuffle(Operation):
    """The fixed transposition (g, c/g) → (c/g, g) of the channels (ShuffleNet, arXiv:1707.01083)."""

    word: ClassVar[str] = "channel_shuffle"

    groups: int

    def shape(self, *inputs: Shape) -> Shape:
        """(C, H, W) → (C, H, W)."""
        channels = check_map(inputs[0], self.word)[0]
        if channels % self.groups:
            raise RuleError(f"groups={self.groups} does not divide channels={channels}", option="groups")
        return inputs[0]

    def describe(self) -> str:
        """Say `g2`."""
        return f"g{self.groups}"
