"""Which node an error came from."""

from __future__ import annotations

import pytest
import torch

from cnnx.errors import UsageError
from cnnx.pytorch.build import build, example_inputs, timed_forward
from cnnx.pytorch.failing_node import failing_node
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.torch_errors import torch_errors
from tests.conftest import Expand

TEXT = "input: [8, 4, 4]\nlayers:\n- {name: stem, layers: [{name: lrn, lrn: {size: 5}}]}\n- add: [[], relu]\n"


def test_the_layer_is_named(expand_text: Expand) -> None:
    network = build(expand_text(TEXT)).eval()
    with pytest.raises(RuntimeError) as caught:
        network(torch.zeros(1, 8, 4, 4, dtype=torch.bfloat16))  # torch has no such LRN on a CPU
    assert failing_node(caught.value) == "stem.lrn"


def test_the_layer_is_named_in_a_forward_with_clocks(expand_text: Expand) -> None:
    graph = expand_text(TEXT)
    network = build(graph, dtype="bfloat16").eval()
    timed = timed_forward(network)
    with (
        pytest.raises(UsageError, match=r"torch cannot run `stem\.lrn` on `cpu` in bfloat16: "),
        torch_errors(Settings(dtype="bfloat16")),
    ):
        timed(lambda: 0, *example_inputs(graph, dtype="bfloat16"))


def test_errors_from_elsewhere_name_none() -> None:
    assert failing_node(RuntimeError("never raised")) == ""
    with (
        pytest.raises(UsageError, match="torch cannot run this on `cpu` in float32: a mistake"),
        torch_errors(Settings()),
    ):
        raise RuntimeError("a mistake")
