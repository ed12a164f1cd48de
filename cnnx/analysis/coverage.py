"""Which input positions a chain of dilated convolutions reaches at all, beside the rule that is meant to ensure it.

Along one axis, output position 0 reaches the sums of one offset from each layer; a mask with a bit for each position
is moved and joined layer by layer, from the last to the first, so the answer is exact. What reaches the output in
two dimensions is the product of the two axes.

The rule is that of hybrid dilated convolution (Wang et al., "Understanding Convolution for Semantic Segmentation",
2017, arXiv:1702.08502): with rates r_1 … r_n, M_n = r_n and M_i = max(M_{i+1} − 2·r_i, M_{i+1} − 2·(M_{i+1} − r_i),
r_i), M_2 must not be larger than the kernel, and the rates must have no common factor. M_i bounds the distance between
neighbouring positions that the layers from i on reach. It is stated for one rise of rates, a tooth of a sawtooth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import gcd

from cnnx.errors import RuleError
from cnnx.graph.convolution import Conv
from cnnx.graph.graph import Graph, Node
from cnnx.graph.operation import Window

MAX_WORK = 2_000_000  # layers times positions


@dataclass(frozen=True, slots=True)
class Step:
    """A layer of a chain along one axis: so many taps, so many input positions of the chain apart."""

    name: str
    taps: int
    rate: int


@dataclass(frozen=True, slots=True)
class Reach:
    """What the layers from this one to the last reach: bit n of `mask` is position n of `span`.

    `bound` is M_i of the rule for the whole chain; `distance` the true one between neighbours that are reached.
    """

    step: Step
    mask: int
    bound: int
    distance: int

    @property
    def span(self) -> int:
        """From the first position reached to the last one."""
        return self.mask.bit_length()

    @property
    def reached(self) -> int:
        """How many positions are reached."""
        return self.mask.bit_count()

    @property
    def positions(self) -> str:
        """The positions from the first to the last: `1` where one is reached, `0` where not."""
        return f"{self.mask:b}"[::-1]


@dataclass(frozen=True, slots=True)
class Tooth:
    """A rise of rates with the rule's verdict on it; `bounds` are M_1 … M_n."""

    rates: tuple[int, ...]
    kernel: int
    bounds: tuple[int, ...]
    common: int  # the greatest common divisor of the rates

    @property
    def second(self) -> int:
        """M_2; of a single layer M_1, its rate."""
        return self.bounds[min(1, len(self.bounds) - 1)]

    @property
    def passes(self) -> bool:
        """Whether the rule is content; a single layer has no M_2, and a common factor unless its rate is 1."""
        return self.common == 1 and self.second <= self.kernel


@dataclass(frozen=True, slots=True)
class AxisCoverage:
    """The coverage along one axis: what is reached from each layer on, the last first, and the rule by teeth."""

    axis: str  # "height", "width" or "height and width"
    low: int  # the input position of the first one, for output position 0
    reaches: tuple[Reach, ...]
    teeth: tuple[Tooth, ...]  # empty where the rule says nothing: kernels of several sizes

    @property
    def whole(self) -> Reach:
        """What the whole chain reaches."""
        return self.reaches[-1]

    @property
    def gaps(self) -> tuple[int, ...]:
        """The input positions that are not reached, between the first and the last that are."""
        return tuple([self.low + place for place, bit in enumerate(self.whole.positions) if bit == "0"])

    @property
    def is_covered(self) -> bool:
        """Whether every position is reached."""
        return self.whole.reached == self.whole.span

    @property
    def second(self) -> int:
        """M_2 of the whole chain; of a single layer M_1."""
        return self.reaches[max(0, len(self.reaches) - 2)].bound

    @property
    def passes(self) -> bool | None:
        """Whether the rule is content with every tooth; None where it says nothing."""
        return all(tooth.passes for tooth in self.teeth) if self.teeth else None


def coverage(graph: Graph) -> tuple[AxisCoverage, ...] | None:
    """Give the coverage of a chain of convolutions of which some are dilated, by axis, equal axes as one.

    None for a graph that is no such chain: one with joins, several inputs or outputs, or layers that see other than
    evenly spaced positions. Strides count: behind one, positions are so many times further apart. Raises `RuleError`
    for a chain that is too long to be worked out.
    """
    if len(graph.inputs) != 1 or not any(_is_dilated(node) for node in graph.nodes):
        return None
    axes = [_steps(graph, axis) for axis in (0, 1)]
    height, width = (None if found is None else _axis_coverage(*found) for found in axes)
    if height is None or width is None:
        return None
    if height == width:
        return (_named(height, "height and width"),)
    return (_named(height, "height"), _named(width, "width"))


def _named(covered: AxisCoverage, axis: str) -> AxisCoverage:
    return replace(covered, axis=axis)


def _is_dilated(node: Node) -> bool:
    return isinstance(node.op, Conv) and node.op.dilation != (1, 1)


def _steps(graph: Graph, axis: int) -> tuple[list[Step], int] | None:
    """Give the layers that reach beyond a point along an axis, and the lowest position that output 0 reaches."""
    steps: list[Step] = []
    low, jump = 0, 1
    before = next(iter(graph.inputs))
    for node in graph.nodes:
        windows = node.op.windows(graph.input_shapes(node)[0])
        if node.inputs != (before,) or windows is None or windows[axis].size < 1:
            return None
        step = _step(node, windows[axis], axis, jump)
        steps += [step] if step.taps > 1 else []
        low -= windows[axis].pad * jump
        jump *= windows[axis].stride
        before = node.name
    return (steps, low) if steps and graph.outputs == (before,) else None


def _step(node: Node, window: Window, axis: int, jump: int) -> Step:
    if isinstance(node.op, Conv):
        return Step(node.name, node.op.kernel[axis], node.op.dilation[axis] * jump)
    return Step(node.name, window.size, jump)


def _axis_coverage(steps: Sequence[Step], low: int) -> AxisCoverage:
    span = sum((step.taps - 1) * step.rate for step in steps) + 1
    if len(steps) * span > MAX_WORK:
        raise RuleError(f"the coverage of {len(steps)} layers over {span} positions is too much to be worked out")
    kernels = {step.taps for step in steps}
    rates = [step.rate for step in steps]
    teeth = [_tooth(part, steps[0].taps) for part in rises(rates)] if len(kernels) == 1 else []
    return AxisCoverage("", low, tuple(_reaches(steps)), tuple(teeth))


def _reaches(steps: Sequence[Step]) -> Iterator[Reach]:
    """Go from the last layer to the first; what each adds is what was reached, moved by each of its offsets."""
    mask = 1
    for step, bound in reversed(list(zip(steps, working([step.rate for step in steps]), strict=True))):
        mask = _spread(mask, step.taps, step.rate)
        yield Reach(step, mask, bound, _distance(mask))


def _spread(mask: int, taps: int, rate: int) -> int:
    spread = 0
    for tap in range(taps):
        spread |= mask << (tap * rate)
    return spread


def _distance(mask: int) -> int:
    """Give the largest distance between neighbours that are reached."""
    places = [place for place, bit in enumerate(f"{mask:b}"[::-1]) if bit == "1"]
    return max([two - one for one, two in pairwise(places)], default=1)


def working(rates: Sequence[int]) -> tuple[int, ...]:
    """Give M_1 … M_n of the rule."""
    bounds = [rates[-1]]
    for rate in reversed(rates[:-1]):
        above = bounds[0]
        bounds.insert(0, max(above - 2 * rate, above - 2 * (above - rate), rate))
    return tuple(bounds)


def rises(rates: Sequence[int]) -> list[tuple[int, ...]]:
    """Cut a sawtooth of rates into its teeth: a new one begins where the rate falls."""
    teeth: list[list[int]] = []
    for rate in rates:
        if teeth and rate >= teeth[-1][-1]:
            teeth[-1].append(rate)
        else:
            teeth.append([rate])
    return [tuple(tooth) for tooth in teeth]


def _tooth(rates: tuple[int, ...], kernel: int) -> Tooth:
    return Tooth(rates, kernel, working(rates), gcd(*rates))


def verdict(covered: AxisCoverage) -> str:
    """Say whether the rule and the coverage agree, and where they part."""
    if covered.passes is None:
        return "The rule is stated for kernels of one size and says nothing here; the coverage decides."
    if covered.passes and not covered.is_covered:
        first = covered.teeth[0].rates[0]
        reason = f": it takes the first rate to be 1, and that is {first}" if first != 1 else ""
        return f"Rule and truth part: the rule is content, and yet positions are missed{reason}. The coverage decides."
    if covered.is_covered and not covered.passes:
        return "Rule and truth part: the rule refuses, and yet every position is reached. The coverage decides."
    if covered.is_covered and covered.second > covered.teeth[0].kernel:
        return (
            f"Rule and coverage agree tooth by tooth; M_2 of the whole chain would be {covered.second}, above the "
            f"kernel of {covered.teeth[0].kernel}, and yet every position is reached."
        )
    return "Rule and coverage agree."
