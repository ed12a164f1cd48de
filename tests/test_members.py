"""Members of families that no variant names are the same functions as in the libraries that have them too.

`tests/reference/members.json` tells of each as `source` computed it: the parameters that make it of our spec, its
input, the weights, multiply–adds and number of the layers that run in eval mode, and all logits by the rule of
`tests.identity`. The sizes are odd and oblong, where paddings and poolings part ways.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from cnnx.analysis.figures import count
from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library
from tests.identity import REFERENCES, layers, logits

LIBRARY = Library([built_in_folder()])
Member = dict[str, Any]
MEMBERS: list[Member] = json.loads((REFERENCES / "members.json").read_text("utf-8"))


def labelled() -> list[Any]:
    return [pytest.param(member, id=f"{member['spec']} as {member['source']}") for member in MEMBERS]


def load(member: Member) -> Graph:
    return expand(LIBRARY.open(member["spec"]), LIBRARY, member["with"], tuple(member["input"]))


@pytest.mark.parametrize("member", labelled())
def test_figures_are_those_of_the_library(member: Member) -> None:
    graph = load(member)
    found = count(graph)
    expected = (member["params"], member["macs"], member["layers"])
    assert (found.params, found.macs, len(layers(graph))) == expected


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("member", labelled())
def test_logits_are_those_of_the_library(member: Member) -> None:
    found, expected = logits(load(member)).tolist(), member["logits"]
    size = max(abs(value) for value in expected)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * size)
