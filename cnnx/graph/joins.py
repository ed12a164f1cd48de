"""Operations that make one stream of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from cnnx.errors import RuleError
from cnnx.graph.autograd import Batch, Function
from cnnx.graph.operation import (
    UNEVEN,
    Asked,
    Category,
    Operation,
    Saves,
    Shape,
    Windows,
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

    def backward_flops(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked) -> int:
        """None: every branch gets the gradient as it is."""
        return 0

    def functions(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked, batch: Batch) -> tuple[Function, ...]:
        """A sum of two for each branch after the first; a single branch is copied."""
        total = batch.bytes(elements(output))
        return tuple([Function(pair, total, passes=True) for pair in _pairs(len(inputs))])


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

    def saved_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int, batch: int) -> int:
        """The intermediate results."""
        products = _products(inputs, (True,) * len(inputs))
        return sum(product.elements for product in products[:-1]) * element_bytes * batch

    def kept_inputs(self, asked: Asked) -> tuple[int, ...]:
        """A factor is kept if the gradient of the other is asked for; of one alone, none."""
        read = [place for each in _products([()] * len(asked), asked) for place in each.kept()]
        return tuple(sorted({place for place in read if place < len(asked)}))

    def backward_flops(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked) -> int:
        """For the gradient of each factor 1 an element of the product, and 1 more to sum that of a stretched one."""
        products = _products(inputs, asked)
        return sum(product.elements * (sum(product.asked) + product.is_summed) for product in products)

    def functions(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked, batch: Batch) -> tuple[Function, ...]:
        """A product of two for each branch after the first; a single branch is copied.

        The gradient of a factor that was stretched is as large as the product until it is summed.
        """
        if len(inputs) == 1:
            return (Function((0,), batch.bytes(elements(output)), passes=True),)
        return tuple([product.function(batch) for product in _products(inputs, asked)])


class _Product(NamedTuple):
    """A product of two: what it reads (see `_pairs`), its elements, and those gradients of its factors asked for."""

    reads: tuple[int, ...]
    elements: int
    asked: Asked
    is_summed: bool  # whether a gradient asked for is that of a factor that was stretched

    def kept(self) -> list[int]:
        """Give which of the values that it reads are kept: each factor for the gradient of the other."""
        return [read for read, other in zip(self.reads, reversed(self.asked), strict=True) if other]

    def function(self, batch: Batch) -> Function:
        """Give what autograd sees of it."""
        size, kept = batch.bytes(self.elements), self.kept()
        keeps = tuple([place for place, read in enumerate(self.reads) if read in kept])
        return Function(self.reads, size, keeps=keeps, scratch_bytes=size if self.is_summed else 0)


def _products(inputs: Sequence[Shape], asked: Asked) -> list[_Product]:
    sizes, wanted, found = [elements(shape) for shape in inputs], list(asked), list[_Product]()
    for pair in _pairs(len(inputs)) if len(inputs) > 1 else ():
        whole = max(sizes[place] for place in pair)
        is_summed = any(wanted[place] and sizes[place] < whole for place in pair)
        found.append(_Product(pair, whole, tuple([wanted[place] for place in pair]), is_summed))
        sizes.append(whole)
        wanted.append(any(found[-1].asked))
    return found


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

    def passes_gradient(self, inputs: tuple[Shape, ...], output: Shape) -> bool:
        """Yes: each branch gets its part."""
        return True


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

    def windows(self, source: Shape) -> Windows:
        """Where it looks is learnt."""
        return UNEVEN

    def scratch_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int) -> int:
        """The places: two for each element."""
        return 2 * elements(output) * element_bytes

    def saved_bytes(self, inputs: tuple[Shape, ...], output: Shape, element_bytes: int, batch: int) -> int:
        """The places."""
        return 2 * elements(output) * element_bytes * batch

    def functions(self, inputs: tuple[Shape, ...], output: Shape, asked: Asked, batch: Batch) -> tuple[Function, ...]:
        """The offsets are turned into places, written over a copy, and the map is sampled there."""
        places, samples = batch.bytes(2 * elements(output)), batch.bytes(elements(output))
        return (
            Function((1,), places),  # moves to the right before moves down
            Function((2,), places, view=True, scratch_bytes=places),
            Function((0, 3), samples, keeps=(0, 1)),
        )


def _pairs(count: int) -> list[tuple[int, ...]]:
    """Read `count` values pair by pair: the first two, then what came of them with the next; a single one alone.

    Results are counted after the values themselves.
    """
    if count == 1:
        return [(0,)]
    return [(0, 1), *[(count + step, step + 2) for step in range(count - 2)]]
