"""Peak and saved bytes: by hand, and against what PyTorch's own storages show."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import nn

from cnnx.analysis.memory.inference import Alive, live_by_node, peak_inference, saved_for_backward, training
from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.storage_watch import observed_saved
from cnnx.spec.library import Library
from tests.built import observed_peak
from tests.conftest import Expand

MAP = 8 * 4 * 4 * 4  # bytes of 8 channels of 4×4 in float32
HEAD = "input: [8, 4, 4]\nlayers:\n"


@pytest.mark.parametrize(
    ("steps", "peak", "node"),
    [
        ("- conv: {out: 8, kernel: 3}\n- gelu\n", 3 * MAP, "gelu"),  # the input, which the caller holds, and two maps
        ("- conv: {out: 8, kernel: 3}\n- relu\n- relu6\n", 3 * MAP, "relu6"),  # relu's output is kept for backward
        ("- conv: {out: 8, kernel: 3, norm: batchnorm, act: relu}\n", 3 * MAP, "conv_norm"),  # relu writes over it
        ("- relu\n", 2 * MAP, "relu"),  # never over the network's input
        ("- {slice: {end: 4}}\n- flatten\n- dropout\n", MAP, "slice"),  # views are no memory
        # the sum of three makes one intermediate result beside its own
        ("- add: [[], {conv: {out: 8, kernel: 1}}, {conv: {out: 8, kernel: 1}}]\n", (1 + 2 + 2) * MAP, "add"),
        ("- add: [[], {conv: {out: 8, kernel: 1}}]\n", (1 + 1 + 1) * MAP, "add"),
        # 8·2·2 outputs, and 8 bytes for the position of each
        ("- maxpool: {kernel: 2}\n", MAP + 8 * 2 * 2 * (4 + 8), "maxpool"),
    ],
)
def test_peak_by_hand(expand_text: Expand, steps: str, peak: int, node: str) -> None:
    found = peak_inference(expand_text(HEAD + steps))
    assert (found.bytes, found.node) == (peak, node)
    assert sum(alive.bytes for alive in found.alive) + found.scratch_bytes == peak


@pytest.mark.parametrize(
    ("steps", "saved"),
    [
        ("- relu\n", 0),  # no gradient passes
        ("- conv: {out: 8, kernel: 3}\n", MAP),  # its input, for the gradient of its weights
        (
            "- conv: {out: 8, kernel: 3, norm: batchnorm, act: relu}\n",
            3 * MAP + 2 * 8 * 4,
        ),  # and the batch's statistics
        ("- conv: {out: 8, kernel: 3}\n- hardswish\n", 2 * MAP),
        ("- conv: {out: 8, kernel: 3}\n- add: [[], relu]\n", 2 * MAP),  # the sum keeps nothing
        ("- conv: {out: 8, kernel: 3}\n- maxpool: {kernel: 2}\n", 2 * MAP + 8 * 8 * 2 * 2),
        ("- conv: {out: 8, kernel: 3}\n- dropout\n", 2 * MAP),  # a mask
        ("- conv: {out: 8, kernel: 3}\n- dropout: {p: 0}\n", MAP),  # nothing is drawn
        # what enters needs no gradient, so its other factor is not kept; hardsigmoid keeps what it reads
        ("- multiply: [[], [{conv: {out: 8, kernel: 1}}, hardsigmoid]]\n", 2 * MAP),
        ("- conv: {out: 8, kernel: 3}\n- multiply: [[], [], []]\n", 3 * MAP),  # the product of the first two
        ("- conv: {out: 8, kernel: 3}\n- multiply: [[]]\n", MAP),
    ],
)
def test_saved_by_hand(expand_text: Expand, steps: str, saved: int) -> None:
    graph = expand_text(HEAD + steps)
    assert saved_for_backward(graph) == saved
    assert observed_saved(build(graph), example_inputs(graph)) == saved


def test_training_is_weights_gradients_and_what_is_saved(expand_text: Expand) -> None:
    found = training(expand_text(HEAD + "- conv: {out: 8, kernel: 3}\n"))
    assert found.bytes == 4 * 576 + 4 * 576 + MAP


def test_peak_scales_with_batch_and_type(expand_text: Expand) -> None:
    graph = expand_text(HEAD + "- conv: {out: 8, kernel: 3}\n- gelu\n")
    assert peak_inference(graph, "float16", 32).bytes == 3 * MAP // 2 * 32


def test_what_lives_at_every_node(expand_text: Expand) -> None:
    graph = expand_text(HEAD + "- conv: {out: 8, kernel: 3}\n- gelu\n- maxpool: {kernel: 2}\n")
    pooled = 8 * 2 * 2
    assert live_by_node(graph, batch=3) == (
        Alive("conv", 3 * 2 * MAP),
        Alive("gelu", 3 * 3 * MAP),
        Alive("maxpool", 3 * (2 * MAP + pooled * 4 + pooled * 8)),  # 8 bytes for the position of each largest
    )


def _graphs() -> list[Graph]:
    library = Library()
    blocks = [file for file in library.files() if file.path.parent.name == "blocks"]
    names = [name for file in blocks for name in (file.spec.variants or [file.name])]
    return [
        expand(library.open(name), library)
        for name in [*names, "mobilenetv3_large", "mobilenetv3_small", "densenet121"]
    ]


@pytest.mark.parametrize("graph", _graphs(), ids=lambda graph: graph.name)
def test_predicted_bytes_are_those_that_storages_show(graph: Graph) -> None:
    module = build(graph)
    peak = peak_inference(graph)
    assert observed_peak(module, example_inputs(graph)) == peak.bytes
    assert max(live_by_node(graph), key=lambda alive: alive.bytes) == Alive(peak.node, peak.bytes)
    batch = 2  # a batch norm of a single value cannot train
    assert observed_saved(module, example_inputs(graph, batch=batch)) == saved_for_backward(graph, batch=batch)


def test_what_autograd_saved_is_freed_with_the_module() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 4))  # a sigmoid saves its own result
    weight = weakref.ref(network[0].weight)
    # The input, saved by the first layer, and the sigmoid's result, which the second layer saves too
    assert observed_saved(network, [torch.zeros(2, 4)]) == (2 * 4 + 2 * 4) * 4
    del network
    gc.collect()
    assert weight() is None
