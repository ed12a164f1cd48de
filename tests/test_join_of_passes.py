"""Joins whose branches are the passes of a loop: `concat: {repeat: …}`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cnnx.analysis.figures import count
from cnnx.errors import SpecError
from cnnx.graph.graph import Graph

SPEC = """\
parameters: {{n: 3}}
input: [8, 4, 4]
layers:
  - {join}:
      repeat:
        times: n
        as: path
        layers:
          - conv: {{out: {out}, kernel: 1}}
          - relu
"""


def test_every_pass_is_a_branch_from_the_same_stream(expand_text: Callable[..., Graph]) -> None:
    graph = expand_text(SPEC.format(join="concat", out="path + 1"))
    assert [(node.name, node.inputs) for node in graph] == [
        ("0.conv", ("input",)),
        ("0.relu", ("0.conv",)),
        ("1.conv", ("input",)),
        ("1.relu", ("1.conv",)),
        ("2.conv", ("input",)),
        ("2.relu", ("2.conv",)),
        ("concat", ("0.relu", "1.relu", "2.relu")),
    ]
    assert graph.nodes[-1].shape == (1 + 2 + 3, 4, 4)


def test_a_sum_of_passes_adds_once_for_each_after_the_first(expand_text: Callable[..., Graph]) -> None:
    figures = count(expand_text(SPEC.format(join="add", out="5"), {"n": 4}))
    assert figures.by_node[-1].flops == (4 - 1) * 5 * 4 * 4


def test_names_bound_in_a_pass_end_with_it(expand_text: Callable[..., Graph]) -> None:
    text = "input: [8, 4, 4]\nlayers:\n  - add: {repeat: {times: 2, layers: [{relu: {}, name: a}]}}\n  - from: a\n"
    with pytest.raises(SpecError, match="there is no stream `a`"):
        expand_text(text)


def test_a_branch_may_still_be_called_repeat(expand_text: Callable[..., Graph]) -> None:
    graph = expand_text("input: [8, 4, 4]\nlayers:\n  - add: {repeat: relu, shortcut: []}\n")
    assert [node.name for node in graph] == ["repeat.relu", "add"]


@pytest.mark.parametrize(
    ("text", "parameters", "message"),
    [
        (SPEC.format(join="concat", out="8"), {"n": 0}, "6:16: `concat` of 0 passes; at least 1 is needed"),
        (SPEC.format(join="concat", out="8"), {"n": 10**9}, "6:16: a loop of 1000000000"),
        (SPEC.format(join="add", out="path + 1"), {}, "`add` of 1×4×4 and 2×4×4"),
        (SPEC.format(join="add", out="pat"), {}, "9:25: unknown name `pat`"),
        (SPEC.format(join="add", out="8").replace("times: n", "times: m"), {}, "6:16: unknown name `m`"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(
    expand_text: Callable[..., Graph], text: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError) as raised:
        expand_text(text, parameters)
    assert message in str(raised.value)
