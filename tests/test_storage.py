"""Which nodes share memory and which write over their input."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cnnx.analysis.memory.storage import in_place_nodes, storage_roots
from cnnx.graph.graph import Graph

Spec = Callable[[str], Graph]


@pytest.fixture
def spec(expand_text: Callable[[str], Graph]) -> Spec:
    """Expand a spec of which only the layers are written."""
    return lambda layers: expand_text(f"input: [4, 8, 8]\n{layers}")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        # the one reader of a fresh value
        ("layers: [{conv: {out: 4, kernel: 1}}, relu]", {"relu"}),
        ("layers: [{conv: {out: 4, kernel: 1}}, batchnorm, relu6]", {"relu6"}),
        ("layers: [{conv: {out: 4, kernel: 1}}, hardswish, silu]", {"hardswish", "silu"}),
        # operations without the form
        ("layers: [{conv: {out: 4, kernel: 1}}, sigmoid]", set()),
        ("layers: [{conv: {out: 4, kernel: 1}}, gelu]", set()),
        # the network's input belongs to the caller, behind a view too
        ("layers: [relu]", set()),
        ("layers: [{slice: {start: 0, end: 2}}, relu]", set()),
        ("layers: [identity, relu, relu6]", set()),
        # the producer keeps its output for the backward pass
        ("layers: [sigmoid, relu]", set()),
        ("layers: [sigmoid, flatten, relu]", set()),
        ("layers: [{conv: {out: 4, kernel: 1}}, relu, hardswish]", {"relu"}),
        # through a view with no other reader
        ("layers: [{conv: {out: 4, kernel: 1}}, flatten, relu]", {"relu"}),
        ("layers: [{conv: {out: 4, kernel: 1}}, dropout, relu]", {"relu"}),
        # somebody else reads the value, or a view of it
        ("layers: [{conv: {out: 4, kernel: 1}}, {add: [[], [relu]]}]", set()),
        (
            "layers: [{conv: {out: 4, kernel: 1}}, {concat: [[{slice: {start: 0, end: 2}}], "
            "[{slice: {start: 2, end: 4}}, relu]]}]",
            set(),
        ),
        ("layers: [{conv: {out: 4, kernel: 1}}, {add: [[identity], [relu]]}]", set()),
        # the value behind the addition is fresh
        ("layers: [{add: [[], [{conv: {out: 4, kernel: 1}}]]}, relu]", {"relu"}),
        # an output must stay as it is; a last activation may write over what nobody asked for
        ("outputs: [kept, last]\nlayers: [{conv: {out: 4, kernel: 1}, name: kept}, {relu: {}, name: last}]", set()),
        (
            "outputs: [flat, last]\nlayers: [{conv: {out: 4, kernel: 1}, name: kept}, {flatten: {}, name: flat}, "
            "{relu: {}, from: kept, name: last}]",
            set(),
        ),
    ],
)
def test_writes_over_its_input(spec: Spec, layers: str, expected: set[str]) -> None:
    assert in_place_nodes(spec(layers)) == expected


def test_views_share_the_storage_of_their_input(spec: Spec) -> None:
    graph = spec("layers: [{conv: {out: 4, kernel: 1}}, relu, identity, {slice: {start: 0, end: 2}}, flatten]")
    assert storage_roots(graph) == {
        "input": "input",
        "conv": "conv",
        "relu": "relu",
        "identity": "relu",
        "slice": "relu",
        "flatten": "relu",
    }


def test_nodes_in_place_share_the_storage_of_their_input(spec: Spec) -> None:
    graph = spec("layers: [identity, {conv: {out: 4, kernel: 1}}, relu, flatten]")
    assert storage_roots(graph, in_place_nodes(graph)) == {
        "input": "input",
        "identity": "input",
        "conv": "conv",
        "relu": "conv",
        "flatten": "conv",
    }
