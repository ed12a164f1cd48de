"""Blocks of a network, by the names of its nodes."""

from __future__ import annotations

import cnnx
from cnnx.analysis.profiling.blocks import blocks
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
    found = blocks(node.name for node in expand_text(NETWORK))
    assert list(found) == ["stem", "stage.0", "stage.1", "global_avgpool", "flatten", "linear"]
    assert found["stem"] == ["stem_pad", "stem", "stem_norm", "stem_act"]
    assert found["stage.0"][-1] == "stage.0.add"


def test_every_node_belongs_to_one_block() -> None:
    graph = cnnx.load("mobilenetv3_small")
    names = [name for own in blocks(node.name for node in graph).values() for name in own]
    assert sorted(names) == sorted(node.name for node in graph)


def test_what_stands_alone_is_looked_into() -> None:
    assert blocks(["all.a.relu", "all.b.relu"]) == {"all.a": ["all.a.relu"], "all.b": ["all.b.relu"]}


def test_a_node_with_others_below_it_is_one_block() -> None:
    assert blocks(["conv", "conv.pad", "linear"]) == {"conv": ["conv", "conv.pad"], "linear": ["linear"]}
