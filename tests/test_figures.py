from __future__ import annotations

import cnnx
from cnnx.analysis.figures import count
from tests.conftest import Expand


def test_the_bottleneck_is_the_sum_of_its_layers() -> None:
    figures = count(cnnx.load("bottleneck"))
    weights = [256 * 64, 64 * 3 * 3 * 64, 64 * 256]
    assert [node.params for node in figures.by_node] == weights
    assert figures.params == sum(weights) == 69632
    assert figures.macs == 69632 * 56 * 56
    assert figures.flops == 2 * 69632 * 56 * 56
    assert figures.weight_bytes == 4 * 69632
    assert figures.activation_elements == (64 + 64 + 256) * 56 * 56
    # each node reads its input and its weights and writes its output
    assert figures.memory_access_elements == (256 + 64 + 64 + 64 + 64 + 256) * 56 * 56 + 69632


def test_flops_by_category_add_up(expand_text: Expand) -> None:
    figures = count(
        expand_text(
            "input: [8, 4, 4]\nlayers:\n"
            "- conv: {out: 16, kernel: 3, bias: true, norm: batchnorm, act: relu}\n- maxpool: {kernel: 2}\n"
            "- add: [[], {scale: {factor: 2}}]\n- global_avgpool\n- flatten\n- linear: {out: 10}\n- softmax\n"
        )
    )
    assert figures.flops_by_category == {
        "conv": 2 * 16 * 8 * 9 * 16 + 16 * 16,
        "norm": 2 * 16 * 16,
        "activation": 16 * 16 + 3 * 10,
        "pool": 4 * 16 * 4 + 16 * 4,
        "elementwise": 16 * 4 + 16 * 4,
        "linear": 2 * 16 * 10 + 10,
    }
    assert figures.flops == sum(figures.flops_by_category.values())
    assert figures.params == 16 * 8 * 9 + 16 + 2 * 16 + 16 * 10 + 10
    assert figures.buffers == 2 * 16
    assert figures.buffer_bytes == 4 * 2 * 16


def test_a_1x1_convolution_accesses_what_shufflenet_v2_says(expand_text: Expand) -> None:
    """h·w·(c1 + c2) + c1·c2 (arXiv:1807.11164, guideline 1)."""
    figures = count(expand_text("input: [24, 7, 5]\nlayers: [{conv: {out: 36, kernel: 1}}]\n"))
    assert figures.memory_access_elements == 7 * 5 * (24 + 36) + 24 * 36


def test_views_move_nothing(expand_text: Expand) -> None:
    figures = count(expand_text("input: [4, 2, 2]\nlayers: [flatten, dropout, identity, {slice: {end: 3}}]\n"))
    assert figures.memory_access_elements == 0
    assert figures.activation_elements == 16 + 16 + 16 + 3


def test_bytes_follow_the_type() -> None:
    graph = cnnx.load("plain3x3")
    assert count(graph, "float16").weight_bytes * 2 == count(graph).weight_bytes == 4 * 589824


def test_a_network_of_no_node_costs_nothing(expand_text: Expand) -> None:
    figures = count(expand_text("input: [4, 2, 2]\nlayers: []\n"))
    assert (figures.params, figures.macs, figures.flops) == (0, 0, 0)
    assert figures.output == {"input": (4, 2, 2)}
