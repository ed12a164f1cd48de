from __future__ import annotations

import pytest

import cnnx
from cnnx.analysis.receptive_field import GLOBAL, Field, ReceptiveField, output_fields, receptive_fields
from cnnx.graph.graph import Graph
from tests.conftest import Expand

HEAD = "input: [2, 32, 32]\nlayers:\n"


def at_end(graph: Graph) -> ReceptiveField:
    (field,) = output_fields(graph).values()
    return field


def fields(graph: Graph) -> tuple[Field | None, Field | None]:
    field = at_end(graph)
    return field.height, field.width


def test_a_chain_grows_by_size_times_jump(expand_text: Expand) -> None:
    graph = expand_text(
        HEAD + "- conv: {out: 2, kernel: 3, stride: 2}\n- maxpool: {kernel: 2}\n- conv: {out: 2, kernel: [3, 1]}\n"
    )
    # height: [0, 0] jump 1 → [−1, 1] jump 2 → [−1, 1 + 1·2] jump 4 → [−1 − 4, 3 + 4] jump 4
    # width:                  [−1, 1] jump 2 → [−1, 3]       jump 4 → [−1, 3]
    assert fields(graph) == (Field(-5, 7, 4), Field(-1, 3, 4))


def test_dilation_widens(expand_text: Expand) -> None:
    graph = expand_text(HEAD + "".join(f"- conv: {{out: 2, kernel: 3, dilation: {rate}}}\n" for rate in (1, 2, 5)))
    assert fields(graph)[0] == Field(-8, 8, 1)  # 1 + 2·(1 + 2 + 5) = 17


def test_a_join_takes_the_union_not_the_larger(expand_text: Expand) -> None:
    """A factorised reduction sees 2×2 through two 1×1 branches, one of them moved by a row and a column."""
    graph = expand_text(
        HEAD
        + "- concat:\n  - conv: {out: 1, kernel: 1, stride: 2}\n"
        + "  - [{crop: {sides: [1, 0, 1, 0]}}, {pad: {sides: [0, 1, 0, 1]}}, {conv: {out: 1, kernel: 1, stride: 2}}]\n"
    )
    assert fields(graph) == (Field(0, 1, 2), Field(0, 1, 2))


def test_a_global_branch_is_left_out_at_a_join_and_flagged_elsewhere(expand_text: Expand) -> None:
    gate = "- multiply: [{conv: {out: 2, kernel: 3}}, [global_avgpool, sigmoid]]\n"
    assert fields(expand_text(HEAD + gate))[0] == Field(-1, 1, 1)
    assert at_end(expand_text(HEAD + gate + "- flatten\n")) == GLOBAL
    assert at_end(expand_text(HEAD + "- adaptive_avgpool: {size: 1}\n")) == GLOBAL


@pytest.mark.parametrize("name", ["vgg16", "googlenet", "nasnet_normal_s0", "resnet50", "bottleneck", "hdc"])
def test_the_field_of_the_output_is_that_of_the_last_node(name: str) -> None:
    """Where a global pooling comes late, what stands before it is not looked at."""
    graph = cnnx.load(name)
    by_node = {source: receptive_fields(graph, source) for source in graph.inputs}
    assert output_fields(graph) == {source: fields[graph.outputs[0]] for source, fields in by_node.items()}


def test_three_branches_of_two_jumps_name_each_once(expand_text: Expand) -> None:
    graph = expand_text(
        HEAD
        + "- add:\n  - conv: {out: 2, kernel: 1, stride: 2}\n  - conv: {out: 2, kernel: 3, stride: 2, padding: 1}\n"
        "  - crop: {sides: [16, 0, 16, 0]}\n"
    )
    assert at_end(graph).reason == "`add` joins fields that move by 2 and by 1"


def test_unequal_jumps_have_no_single_field_and_the_join_is_named(expand_text: Expand) -> None:
    graph = expand_text(
        HEAD
        + "- add: [{conv: {out: 2, kernel: 1, stride: 2}}, {crop: {sides: [16, 0, 16, 0]}}]\n- conv: {out: 2, kernel: 3}\n"
    )
    assert at_end(graph).size is None
    assert not at_end(graph).is_global
    assert at_end(graph).reason == "`add` joins fields that move by 2 and by 1"


def test_windows_of_several_sizes_have_no_single_field(expand_text: Expand) -> None:
    graph = expand_text(HEAD + "- adaptive_avgpool: {size: 7}\n- relu\n")  # 32 = 7·4 + 4: some see 5, some 6
    assert at_end(graph).reason == "the windows of `adaptive_avgpool` are not all of one size"
