"""The tree of a graph's layers: names, sums, and what is folded."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from cnnx.analysis.figures import count
from cnnx.analysis.tree import Layer, layers
from tests.conftest import Expand

THREE = """\
input: [8, 4, 4]
layers:
  - repeat: {times: 3, as: n, layers: [{conv: {out: 8, kernel: 3}}, relu]}
    name: stage
  - conv: {out: 4, kernel: 1}
"""


def outline(found: Iterable[Layer]) -> list[object]:
    """Names, with those of the children in a list behind."""
    told: list[object] = []
    for layer in found:
        told.append(f"{layer.name} × {layer.times}" if layer.times > 1 else layer.name)
        if layer.children:
            told.append(outline(layer.children))
    return told


def test_equal_layers_in_a_row_are_folded_and_their_figures_added(expand_text: Expand) -> None:
    figures = count(expand_text(THREE))
    stage, last = layers(figures)
    assert outline([stage, last]) == ["stage", ["0–2 × 3", ["conv", "relu"]], "conv"]
    (folded,) = stage.children
    assert folded.params == 3 * 8 * 8 * 3 * 3 == stage.params
    assert folded.macs == 3 * 8 * 8 * 3 * 3 * 4 * 4
    assert folded.children[0].params == folded.params  # its children have all three too
    assert last.params == 8 * 4
    shares = [layer.share or 0 for layer in (stage, last)]
    assert sum(shares) == pytest.approx(1)


def test_nothing_is_folded_when_all_is_to_be_seen(expand_text: Expand) -> None:
    figures = count(expand_text(THREE))
    assert outline(layers(figures, fold=False)) == [
        "stage",
        ["0", ["conv", "relu"], "1", ["conv", "relu"], "2", ["conv", "relu"]],
        "conv",
    ]


def test_layers_that_differ_in_a_shape_are_not_folded(expand_text: Expand) -> None:
    text = THREE.replace("out: 8, kernel: 3", "out: 8 if n < 2 else 16, kernel: 3")
    assert outline(layers(count(expand_text(text))))[1] == ["0–1 × 2", ["conv", "relu"], "2", ["conv", "relu"]]


def test_numbered_steps_fold_and_named_ones_do_not(expand_text: Expand) -> None:
    numbered = "input: [8, 4, 4]\nlayers: [relu, relu, relu]\n"
    assert outline(layers(count(expand_text(numbered)))) == ["relu1–3 × 3"]
    named = "input: [8, 4, 4]\nlayers: [{relu: {}, name: left}, {relu: {}, name: right}]\n"
    assert outline(layers(count(expand_text(named)))) == ["left", "right"]


def test_a_join_heads_its_branches_and_has_its_own_operation(expand_text: Expand) -> None:
    text = "input: [8, 4, 4]\nlayers: [{add: {left: [relu], right: [{conv: {out: 8, kernel: 1}}]}}, relu]\n"
    add, relu = layers(count(expand_text(text)))
    assert outline([add, relu]) == ["add", ["left", ["relu"], "right", ["conv"]], "relu"]
    assert (add.operation, add.output, add.params) == ("add", (8, 4, 4), 8 * 8)
    assert add.children[0].operation == ""  # a branch is no node of its own


def test_a_graph_without_multiplications_has_no_shares(expand_text: Expand) -> None:
    (layer,) = layers(count(expand_text("input: [8, 4, 4]\nlayers: [relu]\n")))
    assert layer.share is None
