"""Operations that make one stream of several."""

from __future__ import annotations

from typing import ClassVar

from cnnx.errors import RuleError
from cnnx.graph.operation import (
    UNEVEN,
    Category,
    Operation,
    Saves,
    Shape,
    Window,
    check_map,
    elements,
    show_shape,
)


class Add(Operation):
    """The sum of streams of one shape."""

    __slots__ = ()
    word: ClassVar[str] = "add"
    category: ClassVar[Category] = Category.ELEMENTWISE

    def shape(self, *inputs: Shape) -> Shape:
        """(S, S, …) → S."""
        for other in inputs[1:]:
            if other != inputs[0]:
                raise RuleError(f"`add` of {show_shape(inputs[0])} and {show_shape(other)}; the shapes must be equal")
        return inputs[0]

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """1 an output element for each branch after the first."""
        return (len(inputs) - 1) * elements(output)

    def scratch_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int) -> int:
        """One intermediate result where there are three branches or more."""
        return elements(output) * element_bytes if len(inputs) > 2 else 0


class Multiply(Operation):
    """The product of streams; (C, 1, 1) and (C,) stretch over (C, H, W)."""

    __slots__ = ()
    word: ClassVar[str] = "multiply"
    category: ClassVar[Category] = Category.ELEMENTWISE
    saves: ClassVar[Saves] = Saves.INPUTS

    def shape(self, *inputs: Shape) -> Shape:
        """The largest of the shapes, to which every other must stretch."""
        largest = max(inputs, key=lambda shape: (len(shape), elements(shape)))
        for other in inputs:
            if other not in (largest, largest[:1], (largest[0], 1, 1)):
                raise RuleError(
                    f"`multiply` of {show_shape(largest)} and {show_shape(other)}; "
                    f"it takes {show_shape(largest)}, {show_shape((largest[0], 1, 1))} or {largest[0]}"
                )
        return largest

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """1 an output element for each branch after the first."""
        return (len(inputs) - 1) * elements(output)

    def scratch_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int) -> int:
        """One intermediate result where there are three branches or more."""
        return elements(output) * element_bytes if len(inputs) > 2 else 0


class Concat(Operation):
    """Streams one after the other, by channels."""

    __slots__ = ()
    word: ClassVar[str] = "concat"

    def shape(self, *inputs: Shape) -> Shape:
        """((C_1, H, W), (C_2, H, W), …) → (ΣC, H, W)."""
        for other in inputs[1:]:
            if other[1:] != inputs[0][1:]:
                raise RuleError(
                    f"`concat` of {show_shape(inputs[0])} and {show_shape(other)}; all but the channels must be equal"
                )
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])


class Warp(Operation):
    """Every element of a map read bilinearly at its own offset: (map, offsets), zeros outside.

    The offsets are (2·C, H, W): for each channel its move down and its move to the right.
    """

    __slots__ = ()
    word: ClassVar[str] = "warp"
    category: ClassVar[Category] = Category.ELEMENTWISE
    saves: ClassVar[Saves] = Saves.FIRST_INPUT

    def shape(self, *inputs: Shape) -> Shape:
        """((C, H, W), (2·C, H, W)) → (C, H, W)."""
        source = check_map(inputs[0], self.word)
        if inputs[1:] != ((2 * source[0], *source[1:]),):
            given = ", ".join(map(show_shape, inputs[1:]))
            raise RuleError(
                f"`warp` of {show_shape(source)} needs {show_shape((2 * source[0], *source[1:]))}, not {given}"
            )
        return source

    def other_flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """7 an output element: four products, three sums."""
        return 7 * elements(output)

    def windows(self, source: Shape) -> tuple[Window, Window]:
        """Where it looks is learnt."""
        return UNEVEN

    def scratch_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int) -> int:
        """The places: two for each element."""
        return 2 * elements(output) * element_bytes

    def saved_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int, batch: int) -> int:
        """The places."""
        return 2 * elements(output) * element_bytes * batch
