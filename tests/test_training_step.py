"""The bytes of a training step: by hand, and against what storages show, operation by operation and at random."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings

from cnnx.analysis.memory.ledger import Held, Phase
from cnnx.analysis.memory.training import Optimizer, predict_step
from cnnx.errors import UsageError
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.training.memory import observe_training
from tests.built import MIXED
from tests.conftest import Expand
from tests.test_in_place import graphs

pytestmark = pytest.mark.usefixtures("one_thread")

MAP = 8 * 4 * 4 * 4  # bytes of 8 channels of 4×4 in float32
HEAD = "input: [8, 4, 4]\nlayers:\n"
FIRST = "- conv: {out: 8, kernel: 1}\n"  # 8·8 weights; what enters it needs no gradient
WEIGHTS = 8 * 8 * 4


def assert_as_observed(graph: Graph, batch: int, optimizer: Optimizer = Optimizer.SGD, dtype: str = "float32") -> None:
    """Hold the saved bytes, the peak and the optimizer's state against those that storages show."""
    measuring = Settings(batch=batch, dtype=dtype)
    network, inputs = build(graph, dtype=dtype), example_inputs(graph, batch=batch, dtype=dtype)
    seen = observe_training(network, inputs, optimizer, measuring)
    predicted = predict_step(graph, optimizer, dtype, batch)
    kept = predicted.optimizer.state_bytes + predicted.optimizer.counter_bytes
    assert (predicted.saved_bytes, predicted.peak_bytes, kept) == (seen.saved_bytes, seen.peak_bytes, seen.state_bytes)
    assert sum(each.bytes for each in predicted.alive) == predicted.peak_bytes


@pytest.mark.parametrize(
    ("steps", "peak", "node"),
    [
        # input, output and the output's gradient; the gradient of the weights stays
        (FIRST, 3 * MAP + WEIGHTS, "conv"),
        # … and the gradient of what relu wrote over
        (FIRST + "- relu\n", 4 * MAP + WEIGHTS, "conv"),
        # input, two outputs (relu6 keeps what enters), two gradients
        (FIRST + "- relu6\n", 5 * MAP, "relu6"),
        # where nothing is kept but the input, a sum passes its gradient on: one more for the sum of both gradients
        (FIRST + "- add: [[], []]\n", 4 * MAP + WEIGHTS, "conv"),
        # a product keeps both factors and gives two gradients, that of the second before their sum
        (FIRST + "- multiply: [[], []]\n", 6 * MAP, "multiply"),
        # the parts of a concatenation's gradient are views of it: 2 for what leaves and 2 for its gradient, then 1 sum
        (FIRST + "- concat: [[], []]\n", (1 + 2 + 2 + 1) * MAP + WEIGHTS, "conv"),
        # the gradient of a half is laid into zeros
        (FIRST + "- slice: {end: 4}\n", (1 + 1 + 0.5 + 1) * MAP + WEIGHTS, "conv"),
        # the positions of the maxima, 8 bytes each, are kept with what enters
        (FIRST + "- maxpool: {kernel: 2}\n", (1 + 1 + 0.25 + 0.25 + 1) * MAP + 8 * 2 * 2 * 8, "maxpool"),
        # the gradient of the gate is as large as the map until it is summed: two products and the sum
        (
            FIRST + "- multiply: [[], [global_avgpool]]\n",
            # input, map, product, its gradient, two products; the gate and its gradient
            6 * MAP + 8 * 4 + 8 * 4,
            "multiply",
        ),
    ],
)
def test_peak_by_hand(expand_text: Expand, steps: str, peak: float, node: str) -> None:
    graph = expand_text(HEAD + steps)
    found = predict_step(graph)
    assert (found.peak_bytes, found.phase, found.node) == (peak, Phase.BACKWARD, node)
    assert_as_observed(graph, 1)


OPERATIONS = (
    "relu", "relu6", "leaky_relu", "sigmoid", "hardsigmoid", "hardswish", "silu", "tanh", "gelu", "softmax",
    "batchnorm", "lrn", "dropout", "dropout: {p: 0}", "dropout: {p: 1}", "identity", "scale: {factor: 0.5}",
    "maxpool: {kernel: 2}", "avgpool: {kernel: 3, stride: 1, padding: 1}", "adaptive_avgpool: {size: 3}",
    "global_avgpool", "resize: {size: 7}", "resize: {size: 2, mode: nearest}", "channel_shuffle: {groups: 2}",
    "slice: {start: 2, end: 6}", "slice: {start: 0, end: 8}", "pad: {sides: [0, 1, 2, 0]}",
    "crop: {sides: [0, 1, 2, 0]}", "crop: {sides: [0, 0, 2, 0]}", "crop: {sides: [0, 0, 0, 0]}", "flatten",
    "conv: {out: 4, kernel: 3, bias: true}", "conv: {out: 8, kernel: 3, groups: 4, stride: 2}", "depthwise: {kernel: 3}",
    "deform_conv: {out: 4, kernel: 3}", "deform_conv: {out: 4, kernel: 3, modulated: true}",
    "deform_conv: {out: 4, kernel: 1, bias: true}",
    "add: [[]]", "add: [[], [identity]]", "add: [[], [], [relu6]]", "add: [[relu6], [identity, tanh]]",
    "multiply: [[]]", "multiply: [[], [relu6], [tanh]]", "multiply: [[global_avgpool], [global_avgpool, flatten], []]",
    "concat: [[]]", "concat: [[], [tanh]]", "concat: [[{slice: {end: 4}}], [{slice: {start: 4, end: 8}}, relu6]]",
)  # fmt: skip
# What follows decides in what a gradient arrives: as the caller's, in a tensor of its own, or as a part of one.
AFTER = ("", "- adaptive_avgpool: {size: 2}\n", "- relu\n", "- concat: [[], [tanh]]\n")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_as_observed(expand_text: Expand, operation: str) -> None:
    is_vector = operation == "flatten"
    for steps in AFTER[:1] + AFTER[2:] if is_vector else AFTER:
        assert_as_observed(expand_text(f"{HEAD}{FIRST}- {operation}\n{steps}"), 2)
    assert_as_observed(expand_text(f"{HEAD}{FIRST}- {operation}\n{AFTER[-1]}"), 1)  # where parts are whole in memory
    # Without a gradient for what enters.
    last = "linear: {out: 2}" if is_vector else "conv: {out: 2, kernel: 1}"
    assert_as_observed(expand_text(f"{HEAD}- {operation}\n- {last}\n"), 2)


@pytest.mark.parametrize("view", ["flatten", "slice: {start: 4, end: 8}", "crop: {sides: [1, 1, 0, 1]}"])
def test_writing_over_a_view_costs_two_gradients_of_what_is_viewed(expand_text: Expand, view: str) -> None:
    assert_as_observed(expand_text(f"{HEAD}{FIRST}- {view}\n- relu\n"), 2)


@pytest.mark.parametrize("optimizer", Optimizer)
@pytest.mark.parametrize(
    "steps",
    [
        FIRST + "- batchnorm\n- relu\n",
        "- flatten\n- linear: {out: 300}\n",  # weights so large that the peak is where they are changed
        "- flatten\n- linear: {out: 40, act: relu}\n- linear: {out: 5, bias: false}\n",
        "- flatten\n- linear: {out: 128, bias: false}\n- linear: {out: 128, bias: false}\n",  # one after the other
    ],
)
def test_every_optimizer_as_observed(expand_text: Expand, steps: str, optimizer: Optimizer) -> None:
    assert_as_observed(expand_text(HEAD + steps), 2, optimizer)


def test_adam_needs_twice_the_largest_weight_while_it_changes_it(expand_text: Expand) -> None:
    found = predict_step(expand_text(HEAD + "- flatten\n- linear: {out: 300}\n"), Optimizer.ADAM)
    weights = (128 * 300 + 300) * 4  # 8·4·4 = 128 enter
    # two means of every weight and 4 bytes for each of two counters, the gradients, two tensors as large as the largest
    held = 2 * weights + 2 * 4 + weights + 2 * 128 * 300 * 4
    assert (found.phase, found.peak_bytes) == (Phase.UPDATE, held + 128 * 4 + 300 * 4 + 300 * 4)
    assert found.by_kind()[Held.STATE] == 2 * weights + 2 * 4


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_other_types_as_observed(expand_text: Expand, dtype: str) -> None:
    layers = "- conv: {out: 8, kernel: 3, norm: batchnorm, act: hardswish}\n- maxpool: {kernel: 2}\n- dropout\n"
    assert_as_observed(expand_text(f"{HEAD}{layers}- multiply: [[], [global_avgpool, sigmoid]]\n"), 2, dtype=dtype)


def test_several_inputs_and_outputs_as_observed(expand_text: Expand) -> None:
    assert_as_observed(expand_text(MIXED), 2)


def test_an_output_that_others_read_as_observed(expand_text: Expand) -> None:
    text = (
        "input: [8, 4, 4]\noutputs: [low, high, same]\nlayers:\n"
        "- {conv: {out: 8, kernel: 1}, name: low}\n- {tanh: {}, name: high}\n- {identity: {}, name: same}\n"
    )
    assert_as_observed(expand_text(text), 2)


def test_what_has_no_weights_has_nothing_to_train(expand_text: Expand) -> None:
    graph = expand_text(HEAD + "- tanh\n- maxpool: {kernel: 2}\n")
    found = predict_step(graph)
    # what enters, tanh's output, a quarter of it, and the positions of the maxima, which nobody keeps
    assert (found.saved_bytes, found.phase, found.peak_bytes) == (0, Phase.FORWARD, 2.25 * MAP + 8 * 2 * 2 * 8)
    with pytest.raises(UsageError, match="no weights to train"):
        assert_as_observed(graph, 2)


@settings(max_examples=40, deadline=None)
@given(graph=graphs())
def test_random_graphs_as_observed(graph: Graph) -> None:
    assume(any(node.op.weights() for node in graph))
    assert_as_observed(graph, 2)


def test_sums_of_gradients_in_place_spare_a_tensor(expand_text: Expand) -> None:
    # The map has two gradients: the sum's, passed on and by then in nobody else's hands, and that of what is scaled.
    graph = expand_text(f"{HEAD}{FIRST}- add: {{map: [], scaled: [{{scale: {{factor: 0.5}}}}]}}\n- global_avgpool\n")
    watched, free = predict_step(graph), predict_step(graph, sums_in_place=True)
    # input, the mean and its gradient of 8 channels; both gradients of the map and their sum
    assert (watched.node, watched.peak_bytes) == ("add.scaled.scale", (1 + 3) * MAP + 2 * 8 * 4)
    # input, the map, what is scaled of it and their sum: the peak of the forward pass
    assert (free.node, free.peak_bytes) == ("add", 4 * MAP)


@pytest.mark.parametrize(
    ("branches", "kind"),
    [
        ("add: [[], [relu6]]", "aten::add_"),
        ("concat: [[relu6], [tanh]]", "aten::add_"),
        ("concat: [[], [relu6]]", "aten::add"),  # a part of a tensor is not written over
    ],
)
def test_autograd_sums_in_place_where_it_is_said_to(expand_text: Expand, branches: str, kind: str) -> None:
    graph = expand_text(f"{HEAD}{FIRST}- {branches}\n- conv: {{out: 8, kernel: 1}}\n")
    assert _kinds_of_sums(graph) == {kind}


def _kinds_of_sums(graph: Graph) -> set[str]:
    network, inputs = build(graph), example_inputs(graph, batch=2)
    output = network(*inputs)
    with torch.autograd.profiler.profile() as profile:
        output.backward(torch.ones_like(output))
    return {event.name for event in profile.function_events if event.name in ("aten::add", "aten::add_")}
