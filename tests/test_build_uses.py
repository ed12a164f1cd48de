"""A built module is used as any other: copied, saved, trained, compiled, exported, timed."""

from __future__ import annotations

import copy
import io
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cnnx.pytorch.build import Network, build, example_inputs, timed_forward
from tests.built import MIXED, assert_same
from tests.conftest import Expand

pytestmark = pytest.mark.usefixtures("one_thread")


def roundtrip_save(network: Network) -> Network:
    file = io.BytesIO()
    torch.save(network, file)
    file.seek(0)
    loaded: Network = torch.load(file, weights_only=False)
    return loaded


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network)), roundtrip_save],
    ids=["deepcopy", "pickle", "save"],
)
def test_copies_compute_the_same_and_are_their_own(expand_text: Expand, copied: Callable[[Network], Network]) -> None:
    graph = expand_text(MIXED)
    network = build(graph).eval()
    network.set_submodule("relu", nn.Sigmoid())
    inputs = example_inputs(graph)
    other = copied(network)
    assert isinstance(other, Network)
    assert other.graph == graph
    assert not other.training
    expected = network(*inputs)
    assert_same(other(*inputs), expected)
    with torch.no_grad():
        for weight in other.parameters():
            weight.zero_()
    assert_same(network(*inputs), expected)


def test_a_state_dict_goes_into_another_build(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    network, other = build(graph, seed=0).eval(), build(graph, seed=1).eval()
    other.load_state_dict(network.state_dict())
    assert_same(other(*example_inputs(graph)), network(*example_inputs(graph)))


def test_each_value_is_dropped_after_its_last_reader(expand_text: Expand) -> None:
    graph = expand_text("input: [4, 6, 6]\nlayers: [{conv: {out: 4, kernel: 1}}, tanh, sigmoid, tanh]")
    network = build(graph).eval()
    alive: list[int] = []
    seen: list[Any] = []

    def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
        alive.append(sum(reference() is not None for reference in seen))
        seen.append(weakref.ref(output))

    for node in graph:
        network.get_submodule(node.name).register_forward_hook(note)
    network(*example_inputs(graph))
    # While a layer runs, of all earlier outputs only its input is alive.
    assert alive == [0, 1, 1, 1]


def test_a_clock_is_read_at_the_start_and_after_each_node(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    network = build(graph).eval()
    run = timed_forward(network)
    readings = iter(range(100))
    outputs, times = run(lambda: next(readings), *example_inputs(graph))
    assert times == list(range(len(graph) + 1))
    assert_same(outputs, network(*example_inputs(graph)))
    network.set_submodule("relu", nn.Sigmoid())
    assert_same(run(lambda: 0, *example_inputs(graph))[0], network(*example_inputs(graph)))


def test_torch_compile(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    network = build(graph).eval()
    torch.compiler.reset()
    # The eager backend runs what the compiler traced; `fullgraph` allows no break in it.
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    inputs = example_inputs(graph)
    assert_same(compiled(*inputs), network(*inputs))
    network.set_submodule("relu", nn.Sigmoid())
    assert_same(compiled(*inputs), network(*inputs))
    assert_same(compiled(skip=inputs[1], x=inputs[0]), network(*inputs))


@pytest.mark.parametrize("strict", [True, False])
def test_torch_export(expand_text: Expand, strict: bool) -> None:
    graph = expand_text(MIXED)
    network = build(graph).eval()
    inputs = example_inputs(graph, batch=2)
    batch = torch.export.Dim("batch", min=2)
    exported = torch.export.export(network, inputs, dynamic_shapes={"x": {0: batch}, "skip": {0: batch}}, strict=strict)
    larger = example_inputs(graph, batch=5)
    assert_same(exported.module()(*larger), network(*larger))
    assert set(exported.state_dict) == set(network.state_dict())


def test_trains(expand_text: Expand) -> None:
    graph = expand_text(MIXED)
    network = build(graph)
    inputs = example_inputs(graph, batch=4)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        low, high = network(*inputs)
        loss = low.square().mean() + high.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
