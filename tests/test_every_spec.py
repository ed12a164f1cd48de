"""Every spec in every variant: it builds, learns, hands its weights on, and takes as many bytes as predicted.

Networks run on the smallest map that they take, and, in the slow tests, on the one that they declare.
"""

from __future__ import annotations

import gc
from functools import cache
from typing import Any

import pytest
import torch

from cnnx.analysis.figures import count
from cnnx.analysis.memory.inference import peak_inference, saved_for_backward
from cnnx.errors import CnnxError
from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.storage_watch import observed_saved
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library
from tests.built import as_tuple, observed_peak

pytestmark = pytest.mark.usefixtures("one_thread")
LIBRARY = Library([built_in_folder()])
SIDES = (8, 16, 32, 48, 64, 75, 96, 128, 224, 299)
SMALL = 6_000_000  # weights, up to which a network runs by default


def variants(folder: str) -> list[str]:
    """Name every spec of a folder, a family by its variants."""
    files = [file for file in LIBRARY.files() if file.path.parent.name == folder]
    return [name for file in files for name in (file.spec.variants or [file.name])]


BLOCKS, NETWORKS = variants("blocks"), variants("networks")


@cache
def declared(name: str) -> Graph:
    """Expand a spec as it stands."""
    return expand(LIBRARY.open(name), LIBRARY)


@cache
def smallest(name: str) -> Graph:
    """Expand a spec of one input on the smallest square map that it takes."""
    (channels, *_), *more = declared(name).inputs.values()
    for side in SIDES if not more else ():
        try:
            return expand(LIBRARY.open(name), LIBRARY, {}, (channels, side, side))
        except CnnxError:
            continue
    return declared(name)


def by_size(names: list[str]) -> list[Any]:
    """Give specs; large ones are for the slow tests."""
    small = {name for name in names if count(declared(name)).params <= SMALL}
    return [pytest.param(name, marks=() if name in small else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", by_size([*BLOCKS, *NETWORKS]))
def test_every_weight_learns_and_goes_into_a_fresh_build(name: str) -> None:
    graph = smallest(name)
    # A batch norm of a single value cannot train; where it sees two, gradients grow to 10⁷¹ in senet154.
    network = build(graph, dtype="float64", seed=1)
    outputs = as_tuple(network(*example_inputs(graph, batch=2, dtype="float64")))
    assert [tuple(output.shape) for output in outputs] == [(2, *graph.shapes[output]) for output in graph.outputs]
    torch.autograd.backward([output.square().sum() for output in outputs])
    for weight in network.parameters():
        assert weight.grad is not None
        assert torch.isfinite(weight.grad).all()
    fresh = build(graph, dtype="float64", seed=2)
    fresh.load_state_dict(network.state_dict())
    images = example_inputs(graph, dtype="float64")
    with torch.inference_mode():
        for one, other in zip(as_tuple(network.eval()(*images)), as_tuple(fresh.eval()(*images)), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("name", by_size(NETWORKS))  # blocks are held by the tests of memory
def test_predicted_bytes_are_those_that_storages_show(name: str) -> None:
    graph = smallest(name)
    network = build(graph)
    assert observed_peak(network, example_inputs(graph)) == peak_inference(graph).bytes
    assert observed_saved(network, example_inputs(graph, batch=2)) == saved_for_backward(graph, batch=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_predicted_bytes_are_those_of_the_declared_input(name: str) -> None:
    gc.collect()  # the networks before, which a watch's own references may still hold
    graph = declared(name)
    network = build(graph)
    assert observed_peak(network, example_inputs(graph)) == peak_inference(graph).bytes
    assert observed_saved(network, example_inputs(graph)) == saved_for_backward(graph)
