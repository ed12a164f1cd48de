"""Receptive fields in words."""

from __future__ import annotations

import cnnx
from cnnx.graph.graph import Graph
from cnnx.report.receptive_field import draw_fields, field_sentences
from tests.conftest import Expand


def told(graph: Graph) -> list[str]:
    return field_sentences(cnnx.count(graph).receptive_field)


def test_one_input_goes_without_its_name(expand_text: Expand) -> None:
    graph = expand_text("input: [4, 8, 8]\nlayers: [{conv: {out: 4, kernel: [1, 3], stride: 2}}]\n")
    assert told(graph) == [
        "Receptive field: 1×3, rows from 0 to 0, columns from −1 to 1 for output position 0; each step moves it by 2."
    ]
    pooled = expand_text("input: [4, 8, 8]\nlayers: [global_avgpool]\n")
    assert told(pooled) == ["Receptive field: everything, as a global pooling or a flattening lies before the output."]


def test_several_inputs_have_a_sentence_each_or_share_one() -> None:
    assert told(cnnx.load("nasnet_reduction")) == [
        "Receptive field in `h`: 21×21, from −9 to 11 for output position 0; each step moves it by 2.",
        "Receptive field in `prev`: 27×27, from −12 to 14 for output position 0; each step moves it by 2.",
    ]
    (shared,) = told(cnnx.load("nasnet_normal"))
    assert shared.startswith("Receptive field in `h` and `prev`: 9×9, from −4 to 4 ")


def test_each_sentence_is_a_paragraph_of_its_own() -> None:
    fields = cnnx.count(cnnx.load("nasnet_reduction")).receptive_field
    lines = [drawn.plain for drawn in draw_fields(fields, 80)]
    assert [line.partition(":")[0] for line in lines if ":" in line] == [
        "Receptive field in `h`",
        "Receptive field in `prev`",
    ]
    assert max(map(len, lines)) <= 80
