"""Random small specs raise nothing but a `CnnxError`, and what they give is consistent."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cnnx.analysis.figures import count
from cnnx.errors import CnnxError
from cnnx.graph.expand import expand
from cnnx.graph.operation import elements
from cnnx.spec.actions import OPERATIONS
from cnnx.spec.library import Library, Target
from tests.conftest import parse

NUMBERS = st.one_of(
    st.integers(-1, 9),
    st.sampled_from(["c", "c // 2", "i", "in_channels", "channels(a)", "c / 2", 1.5, True, "zz", None]),
)
OPTIONS = st.dictionaries(
    st.sampled_from(["out", "kernel", "stride", "padding", "groups", "dilation", "bias", "norm", "act", "size", "end",
                     "start", "factor", "sides", "ceil", "p", "eps", "multiplier", "times", "as", "from"]),
    st.one_of(NUMBERS, st.lists(NUMBERS, max_size=4), st.sampled_from(["same", "valid", "tf_same", "relu", "batchnorm"])),
    max_size=4,
)  # fmt: skip
GOOD = st.sampled_from(
    [
        {"conv": {"out": 4, "kernel": 3, "norm": "batchnorm", "act": "relu"}},
        {"conv": {"out": "in_channels", "kernel": 1, "groups": 2}},
        {"depthwise": {"kernel": 3, "stride": 2}},
        {"maxpool": {"kernel": 2, "ceil": True}},
        {"avgpool": {"kernel": 3, "stride": 1, "padding": "same"}},
        "relu",
        "global_avgpool",
        "flatten",
        {"linear": {"out": 3}},
        {"slice": {"end": "in_channels // 2"}},
        {"name": "a"},
        {"from": "a"},
    ]
)


def _nested(steps: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(steps, max_size=3)
    return st.one_of(
        st.tuples(st.sampled_from(["add", "multiply", "concat"]), st.lists(lists, max_size=3)).map(
            lambda p: {p[0]: p[1]}
        ),
        lists.map(lambda steps: {"repeat": {"times": 2, "layers": steps}}),
        lists.map(lambda steps: {"each": {"columns": ["k"], "rows": [1, 3], "layers": steps}}),
        st.tuples(lists, NUMBERS).map(lambda p: {"layers": p[0], "when": p[1], "name": "a"}),
    )


STEPS = st.recursive(
    st.one_of(GOOD, GOOD, st.tuples(st.sampled_from(sorted(OPERATIONS)), OPTIONS).map(lambda pair: {pair[0]: pair[1]})),
    _nested,
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(STEPS, max_size=5), size=st.integers(1, 9))
def test_random_specs_raise_nothing_but_a_cnnx_error(steps: list[Any], size: int) -> None:
    text = json.dumps({"parameters": {"c": 4}, "input": ["c", size, size], "layers": steps})
    try:
        file = parse(text)
        graph = expand(Target("mine", file), Library([]))
    except CnnxError:
        return
    figures = count(graph)
    assert figures.flops == sum(node.flops for node in figures.by_node) >= 2 * figures.macs >= 0
    assert figures.activation_elements == sum(elements(node.shape) for node in graph)
    assert all(extent >= 1 for node in graph for extent in node.shape)


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_random_texts_raise_nothing_but_a_cnnx_error(text: str) -> None:
    with contextlib.suppress(CnnxError):
        parse(text)
