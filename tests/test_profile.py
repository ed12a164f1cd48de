"""Blocks of a network, and what each takes of the whole."""

from __future__ import annotations

import pytest

import cnnx
from cnnx.analysis.figures import count
from cnnx.analysis.profile import blocks, profile_blocks
from cnnx.analysis.records import NodeTime, TimeByNode
from tests.conftest import Expand

NETWORK = """\
input: [3, 8, 8]
defaults: {conv: {norm: batchnorm, act: relu}}
layers:
  - {name: stem, conv: {out: 8, kernel: 3, stride: 2, padding: tf_same}}
  - {name: stage, repeat: {times: 2, layers: [{conv: {out: 8, kernel: 3}}, {add: {left: [], right: [{conv: {out: 8, kernel: 1}}]}}]}}
  - global_avgpool
  - flatten
  - linear: {out: 10}
"""


def test_a_network_is_divided_by_the_names_of_its_nodes(expand_text: Expand) -> None:
    found = blocks(count(expand_text(NETWORK)).by_node)
    assert [name for name, _ in found] == ["stem", "stage.0", "stage.1", "global_avgpool", "flatten", "linear"]
    assert [node.name for node in found[0][1]] == ["stem_pad", "stem", "stem_norm", "stem_act"]
    assert [node.name for node in found[1][1]][-1] == "stage.0.add"


def test_every_node_belongs_to_one_block() -> None:
    figures = cnnx.count(cnnx.load("mobilenetv3_small"))
    names = [node.name for _, nodes in blocks(figures.by_node) for node in nodes]
    assert sorted(names) == sorted(node.name for node in figures.by_node)


def test_what_stands_alone_is_looked_into(expand_text: Expand) -> None:
    text = "input: [8, 4, 4]\nlayers: [{name: all, layers: [{name: a, layers: [relu]}, {name: b, layers: [relu]}]}]\n"
    assert [name for name, _ in blocks(count(expand_text(text)).by_node)] == ["all.a", "all.b"]


def test_figures_and_times_add_up_by_block(expand_text: Expand) -> None:
    figures = count(expand_text(NETWORK))
    times = TimeByNode(tuple(NodeTime(node.name, 0.5) for node in figures.by_node), 0.5 * len(figures.by_node), 9.0, 60)
    found = profile_blocks(figures, times)
    stem = found[0]
    assert stem.params == 8 * 3 * 3 * 3 + 2 * 8
    assert stem.macs == 8 * 3 * 3 * 3 * 4 * 4
    assert stem.milliseconds == 4 * 0.5
    assert stem.output == (8, 4, 4)
    assert sum(block.params for block in found) == figures.params
    assert sum(block.macs for block in found) == figures.macs
    assert sum(block.moved_bytes for block in found) == 4 * figures.memory_access_elements
    for shares in zip(*[(b.params_share, b.macs_share, b.moved_share, b.time_share) for b in found], strict=True):
        assert sum(share or 0 for share in shares) == pytest.approx(1)


def test_a_share_of_nothing_is_none(expand_text: Expand) -> None:
    figures = count(expand_text("input: [8, 4, 4]\nlayers: [relu]\n"))
    (block,) = profile_blocks(figures, TimeByNode((NodeTime("relu", 0.0),), 0.0, 0.0, 1))
    assert (block.params_share, block.macs_share, block.time_share) == (None, None, None)
