from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnx.analysis.coverage import AxisCoverage, coverage, rises, verdict, working
from cnnx.errors import RuleError
from cnnx.graph.convolution import Conv
from cnnx.graph.graph import Graph, Node
from tests.conftest import Expand
from tests.test_specs import load

HEAD = "input: [2, 64, 64]\nlayers:\n"


def of(graph: Graph) -> AxisCoverage:
    found = coverage(graph)
    assert found is not None
    (axis,) = found
    assert axis.axis == "height and width"
    return axis


def hdc(*rates: int) -> AxisCoverage:
    return of(load("hdc", rates=list(rates)))


@pytest.mark.parametrize(
    ("rates", "reached", "span", "second", "passes"),
    [
        ((1, 2, 5), 17, 1 + 2 * (1 + 2 + 5), 2, True),
        ((2, 2, 2), 7, 1 + 2 * (2 + 2 + 2), 2, False),  # even positions only: 2·3 + 1
        ((2, 4, 6), 13, 1 + 2 * (2 + 4 + 6), 4, False),  # even positions only: 2·6 + 1
        ((1, 2, 9), 21, 1 + 2 * (1 + 2 + 9), 5, False),  # 7 around each of −9, 0, 9
        ((1, 2, 5, 1, 2, 5), 33, 1 + 2 * (1 + 2 + 5 + 1 + 2 + 5), 5, True),
        ((2, 3, 5), 19, 1 + 2 * (2 + 3 + 5), 3, True),
        ((3,), 3, 1 + 2 * 3, 3, False),
    ],
)
def test_what_is_reached_and_what_the_rule_says(
    rates: tuple[int, ...], reached: int, span: int, second: int, passes: bool
) -> None:
    found = hdc(*rates)
    assert (found.whole.reached, found.whole.span) == (reached, span)
    assert len(found.gaps) == span - reached
    assert (found.second, found.passes, found.is_covered) == (second, passes, reached == span)


@pytest.mark.parametrize(
    ("rates", "gaps"),
    [
        ((1, 2, 5), ()),
        ((2, 2, 2), (-5, -3, -1, 1, 3, 5)),
        ((1, 2, 9), (-5, -4, 4, 5)),
        ((2, 3, 5), (-9, 9)),
    ],
)
def test_the_gaps_are_named_by_their_positions(rates: tuple[int, ...], gaps: tuple[int, ...]) -> None:
    assert hdc(*rates).gaps == gaps


@pytest.mark.parametrize(
    ("rates", "bounds"),
    [
        # M_3 = 5; M_2 = max(5 − 2·2, 5 − 2·(5 − 2), 2); M_1 = max(2 − 2·1, 2 − 2·(2 − 1), 1)
        ((1, 2, 5), (max(0, 0, 1), max(1, -1, 2), 5)),
        # M_3 = 9; M_2 = max(9 − 4, 9 − 2·7, 2); M_1 = max(5 − 2, 5 − 2·4, 1)
        ((1, 2, 9), (max(3, -3, 1), max(5, -5, 2), 9)),
        ((2, 2, 2), (2, 2, 2)),
        # M_6 = 5, M_5 = 2, M_4 = 1; M_3 = max(1 − 10, 1 − 2·(1 − 5), 5) = 9; M_2 = max(9 − 4, 9 − 2·7, 2) = 5
        ((1, 2, 5, 1, 2, 5), (3, 5, 9, 1, 2, 5)),
    ],
)
def test_the_working_of_the_rule(rates: tuple[int, ...], bounds: tuple[int, ...]) -> None:
    assert working(rates) == bounds


def test_a_sawtooth_has_teeth() -> None:
    assert rises([1, 2, 5, 1, 2, 5]) == [(1, 2, 5), (1, 2, 5)]
    assert rises([2, 2, 4, 3]) == [(2, 2, 4), (3,)]


def test_the_true_distance_stands_beside_the_bound() -> None:
    assert [(reach.bound, reach.distance) for reach in hdc(1, 2, 5, 1, 2, 5).reaches] == [
        (5, 5), (2, 2), (1, 1), (9, 1), (5, 1), (3, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ((1, 2, 5), "Rule and coverage agree."),
        ((2, 4, 6), "Rule and coverage agree."),
        ((1, 2, 5, 1, 2, 5), "M_2 of the whole chain would be 5, above the kernel of 3, and yet every position"),
        ((2, 3, 5), "yet positions are missed: it takes the first rate to be 1, and that is 2. The coverage decides"),
        ((1, 2, 5, 2), "the rule refuses, and yet every position is reached. The coverage decides"),
    ],
)
def test_where_rule_and_truth_part_is_said(rates: tuple[int, ...], said: str) -> None:
    assert said in verdict(hdc(*rates))


def test_the_rule_says_nothing_of_kernels_of_several_sizes(expand_text: Expand) -> None:
    found = of(expand_text(HEAD + "- conv: {out: 2, kernel: 3}\n- conv: {out: 2, kernel: 5, dilation: 3}\n"))
    assert (found.teeth, found.passes, found.is_covered) == ((), None, True)
    assert "says nothing here" in verdict(found)


def chain(layers: list[tuple[int, int]]) -> Graph:
    """Convolutions with so many taps and such rates on both axes, one after the other."""
    nodes: list[Node] = []
    before: str = "input"
    shape: tuple[int, ...] = (1, 200, 200)
    for number, (taps, rate) in enumerate(layers):
        op = Conv(1, 1, (taps, taps), dilation=(rate, rate))
        before, source, shape = f"conv{number}", before, op.shape(shape)
        nodes.append(Node(before, op, (source,), shape))
    return Graph("chain", tuple(nodes), {"input": (1, 200, 200)}, (before,))


@given(st.lists(st.tuples(st.integers(2, 4), st.integers(1, 7)), min_size=1, max_size=5))
def test_the_count_is_that_of_all_ways_through_the_chain(layers: list[tuple[int, int]]) -> None:
    assume(any(rate > 1 for _, rate in layers))
    found = of(chain(layers))
    offsets = [[tap * rate for tap in range(taps)] for taps, rate in layers]
    reached = {sum(chosen) for chosen in product(*offsets)}
    assert {place for place, bit in enumerate(found.whole.positions) if bit == "1"} == reached
    assert found.whole.span == max(reached) + 1


def test_behind_a_stride_positions_are_further_apart(expand_text: Expand) -> None:
    graph = expand_text(HEAD + "- conv: {out: 2, kernel: 3, stride: 2}\n- conv: {out: 2, kernel: 3, dilation: 2}\n")
    # {−1, 0, 1} + 2·{−2, 0, 2}
    found = of(graph)
    assert found.whole.positions == "111" + "0" + "111" + "0" + "111"
    assert found.low == -1 - 4
    assert [reach.step.rate for reach in found.reaches] == [4, 1]


def test_a_pooling_reaches_all_of_its_window(expand_text: Expand) -> None:
    graph = expand_text(HEAD + "- conv: {out: 2, kernel: 3, dilation: 3}\n- relu\n- maxpool: {kernel: 3, stride: 1}\n")
    assert of(graph).is_covered  # {−3, 0, 3} + {0, 1, 2}


def test_axes_that_differ_are_told_apart(expand_text: Expand) -> None:
    found = coverage(expand_text(HEAD + "- conv: {out: 2, kernel: [1, 3], dilation: 2}\n- conv: {out: 2, kernel: 3}\n"))
    assert found is not None
    assert [(axis.axis, axis.whole.reached, axis.whole.span) for axis in found] == [("height", 3, 3), ("width", 7, 7)]


@pytest.mark.parametrize(
    "layers",
    [
        "- conv: {out: 2, kernel: 3}\n",  # nothing is dilated
        "- add: [{conv: {out: 2, kernel: 3, dilation: 2}}, []]\n",
        "- conv: {out: 2, kernel: 3, dilation: 2}\n- global_avgpool\n",
        "- conv: {out: 2, kernel: 3, dilation: 2}\n- adaptive_avgpool: {size: 7}\n",
    ],
)
def test_only_a_chain_with_dilation_has_a_coverage(layers: str, expand_text: Expand) -> None:
    assert coverage(expand_text(HEAD + layers)) is None


def test_a_chain_that_reaches_too_far_is_refused() -> None:
    with pytest.raises(RuleError, match="the coverage of 3 layers over 2000000013 positions is too much"):
        coverage(load("hdc", rates=[1, 5, 10**9]))


def test_coverage_is_what_the_gradient_sees() -> None:
    torch: Any = pytest.importorskip("torch")
    from cnnx.pytorch.build import build

    found = hdc(2, 3, 5)
    module = build(load("hdc", (1, 25, 25), rates=[2, 3, 5])).double()
    for weight in module.parameters():
        torch.nn.init.ones_(weight)
    image = torch.zeros(1, 1, 25, 25, dtype=torch.float64, requires_grad=True)
    module(image)[0, 0, 12, 12].backward()
    line = "".join("1" if value else "0" for value in image.grad[0, 0, 12])
    assert line.strip("0") == found.whole.positions
    assert line.index("1") == 12 + found.low
    assert int((image.grad != 0).sum()) == found.whole.reached**2
