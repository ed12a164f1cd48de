"""The arithmetic of the backward pass: by hand, and against what torch dispatches."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import cnnx
from cnnx.analysis.memory.training import Optimizer, count_backward, optimizer_memory, weight_sizes
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.foreign.backward import BackwardCounter, count_backward_pass
from tests.conftest import Expand

HEAD = "input: [8, 4, 4]\nlayers:\n"
FIRST = "- conv: {out: 8, kernel: 1}\n"
MAP = 8 * 4 * 4


@pytest.mark.parametrize(
    ("steps", "macs"),
    [
        (FIRST, 8 * 8 * 4 * 4),  # the gradient of the weights; what enters the network needs none
        (FIRST + FIRST, (1 + 2) * 8 * 8 * 4 * 4),  # and of what enters the second
        (FIRST + "- conv: {out: 16, kernel: 3, groups: 4}\n", 8 * 8 * 16 + 2 * 3 * 3 * 2 * 16 * 16),  # 8/4 channels in
        (FIRST + "- depthwise: {kernel: 3}\n", 8 * 8 * 16 + 2 * 3 * 3 * MAP),
        (FIRST + "- flatten\n- linear: {out: 10}\n", 8 * 8 * 16 + 2 * MAP * 10),
        ("- global_avgpool\n- flatten\n- linear: {out: 10}\n", 8 * 10),
        # the offsets' convolution has weights, so the gradient of what is sampled is asked for even on the network's input
        ("- deform_conv: {out: 4, kernel: 3}\n", 8 * 3 * 3 * 18 * 16 + 2 * 8 * 3 * 3 * 4 * 16),
        ("- tanh\n", 0),
    ],
)
def test_macs_by_hand(expand_text: Expand, steps: str, macs: int) -> None:
    graph = expand_text(HEAD + steps)
    assert count_backward(graph).macs == macs
    assert macs == sum(node.macs for node in count_backward(graph).by_node)
    assert _dispatched(graph) == macs


CONV = 2 * 8 * 8 * 16  # FLOPs of the gradient of the first convolution's weights


@pytest.mark.parametrize(
    ("steps", "flops"),
    [
        ("- conv: {out: 8, kernel: 1, bias: true}\n", CONV + MAP),  # the bias's gradient is a sum over all that leaves
        (FIRST + "- relu\n", CONV + MAP),
        (FIRST + "- softmax\n", CONV + 3 * MAP),
        ("- tanh\n" + FIRST, CONV),  # no gradient comes so far
        # 2 an element for the gradients of its weights, 2 for that of what enters
        (FIRST + "- batchnorm\n", CONV + 4 * MAP),
        (FIRST + "- maxpool: {kernel: 2}\n", CONV + 2 * 2 * 8 * 2 * 2),
        (FIRST + "- global_avgpool\n", CONV + MAP),
        (FIRST + "- dropout\n- flatten\n", CONV),
        (FIRST + "- add: [[], []]\n", CONV + MAP),  # passes its gradient on; the two of the map are added
        (FIRST + "- add: [[], [relu]]\n", CONV + MAP + MAP),  # relu, and the sum of both gradients of the map
        (FIRST + "- concat: [[], []]\n", CONV + MAP),
        (FIRST + "- multiply: [[], [tanh]]\n", CONV + 2 * MAP + MAP + MAP),  # two products, tanh, the sum
        # two products, of which one is summed for the gate, the mean, the sum of the map's gradients
        (FIRST + "- multiply: [[], [global_avgpool]]\n", CONV + 2 * MAP + MAP + MAP + MAP),
        # of a chain of two products, four gradients; the sums of three gradients of the map
        (FIRST + "- multiply: [[], [], []]\n", CONV + 4 * MAP + 2 * MAP),
    ],
)
def test_flops_by_hand(expand_text: Expand, steps: str, flops: int) -> None:
    assert count_backward(expand_text(HEAD + steps)).flops == flops


def test_a_node_says_whether_it_gives_a_gradient_to_what_enters(expand_text: Expand) -> None:
    found = count_backward(expand_text(HEAD + "- tanh\n" + FIRST + "- relu\n"))
    assert [node.asks_input for node in found.by_node] == [False, False, True]


@pytest.mark.parametrize(
    "name",
    ["bottleneck", "deformable_v2", "deformable_s4", "depthwise_conv", "resnext_grouped", "shuffle_v1_unit", "se",
     "inception_aux", "lenet5", "mobilenetv3_small"],
)  # fmt: skip
def test_macs_are_those_that_torch_dispatches(name: str) -> None:
    graph = cnnx.load(name)
    assert count_backward(graph).macs == _dispatched(graph)


def _dispatched(graph: Graph, batch: int = 2) -> int:
    macs = count_backward_pass(build(graph, device="meta"), example_inputs(graph, batch=batch, device="meta")).macs
    assert macs % batch == 0
    return macs // batch


def test_the_gradient_of_a_transposed_convolution_is_counted_by_what_enters() -> None:
    layer = nn.ConvTranspose2d(4, 6, 3, groups=2, device="meta")
    source = torch.empty(2, 4, 5, 5, device="meta", requires_grad=True)
    # 3·3 taps of 6/2 channels for each of 2·4·5·5 elements that enter; of the weights and, with a gradient, of these
    assert count_backward_pass(layer, [source.detach()]).macs == 2 * 4 * 5 * 5 * 3 * 3 * 3
    output = layer(source)
    with BackwardCounter() as counter:
        output.backward(torch.empty_like(output))
    assert counter.macs == 2 * (2 * 4 * 5 * 5 * 3 * 3 * 3)


def test_torch_s_own_counter_forgets_the_groups_of_a_convolution() -> None:
    """torch 2.13: of a depthwise convolution of 64 channels it counts 65 times the forward, where twice is right."""
    channels, side = 64, 8
    layer = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False, device="meta")
    output = layer(torch.empty(1, channels, side, side, device="meta", requires_grad=True))
    forward = channels * side * side * 3 * 3
    with FlopCounterMode(display=False) as theirs, BackwardCounter() as ours:
        output.backward(torch.empty_like(output))
    # the gradient of the input as it should be, that of the weights for every pair of channels
    assert theirs.get_total_flops() == 2 * (1 + channels) * forward
    assert ours.macs == 2 * forward


@pytest.mark.parametrize(
    ("optimizer", "state", "counters", "scratch"),
    [
        (Optimizer.SGD, 0, 0, 0),
        (Optimizer.MOMENTUM, 64 + 128 * 10 + 10, 0, 0),
        # three weight tensors; the second is the largest, and the divisor of the first still lives when it is changed
        (Optimizer.ADAM, 2 * (64 + 128 * 10 + 10), 3, 2 * 128 * 10 + 64),
    ],
)
def test_what_an_optimizer_keeps(
    expand_text: Expand, optimizer: Optimizer, state: int, counters: int, scratch: int
) -> None:
    graph = expand_text(f"{HEAD}{FIRST}- flatten\n- linear: {{out: 10}}\n")
    found = optimizer_memory(graph, optimizer, "float64")
    assert (found.state_bytes, found.counter_bytes, found.scratch_bytes) == (8 * state, 4 * counters, 8 * scratch)


def test_weights_stand_in_the_order_of_the_module(expand_text: Expand) -> None:
    text = "input: [2, 4, 4]\nlayers: [{conv: {out: 3, kernel: 1}, name: %s}, {conv: {out: 4, kernel: 1}}, {conv: {out: 5, kernel: 1}}]\n"
    graph = expand_text(text % "a")
    nodes = [node._replace(name=name) for node, name in zip(graph, ["a.x", "b", "a.y"], strict=True)]
    graph = Graph(
        "mixed",
        (nodes[0], nodes[1]._replace(inputs=("a.x",)), nodes[2]._replace(inputs=("b",))),
        graph.inputs,
        ("a.y",),
    )
    assert weight_sizes(graph) == [2 * 3, 4 * 5, 3 * 4]
    assert weight_sizes(graph) == [weight.numel() for weight in build(graph).parameters()]
