"""The bytes of a training step of every block and network, against those that storages show."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import pytest

from cnnx.analysis.memory.training import Optimizer, predict_step
from cnnx.errors import CnnxError
from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.training.memory import watched_step
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library
from tests.test_training_step import assert_as_observed

pytestmark = pytest.mark.usefixtures("one_thread")

LIBRARY = Library([built_in_folder()])
# The quick ones, on small maps; the others are slow.
QUICK = frozenset({
    "bn_inception", "d2l_densenet", "lenet5", "mobilenetv2", "mobilenetv3_small", "resnet18", "shufflenetv1_g3",
    "shufflenetv2_x0_5", "squeezenet1_1",
})  # fmt: skip
SIDES = (16, 32, 64, 96, 128, 160, 224)  # tried in turn, for what takes maps of any size
BATCH = 2  # a batch norm of a single value cannot train


def _names(folder: str) -> Iterator[str]:
    for file in LIBRARY.files():
        if file.path.parent.name == folder:
            yield from file.spec.variants or [file.name]


def _small(name: str) -> Graph:
    """Expand a spec on the smallest map that leaves every layer more than one position, as declared if none is."""
    target = LIBRARY.open(name)
    declared = expand(target, LIBRARY)
    shapes = list(declared.inputs.values())
    for side in SIDES if len(shapes) == 1 and len(shapes[0]) == 3 else ():
        if side < shapes[0][1]:
            try:
                return expand(target, LIBRARY, None, (shapes[0][0], side, side))
            except CnnxError:  # too small for some layer, or all sizes but its own
                continue
    return declared


@pytest.mark.parametrize("name", sorted(_names("blocks")))
def test_every_block_as_observed(name: str) -> None:
    assert_as_observed(_small(name), BATCH, Optimizer.ADAM)


def _networks(quick: Collection[str]) -> list[object]:
    names = sorted(_names("networks"))
    return [pytest.param(name, marks=() if name in quick else pytest.mark.slow) for name in names]


def test_the_quick_networks_are_there() -> None:
    assert set(_names("networks")) >= QUICK


@pytest.mark.parametrize("name", _networks(QUICK))
def test_every_network_as_observed(name: str) -> None:
    assert_as_observed(_small(name), BATCH, Optimizer.ADAM)


@pytest.mark.parametrize("name", _networks(["lenet5", "squeezenet1_1"]))
def test_every_network_at_its_declared_size_as_on_meta(name: str) -> None:
    if name == "shufflenetv1_g1":
        pytest.skip("on meta, though not on a CPU, a shuffle of one group is a view")
    graph, batch = expand(LIBRARY.open(name), LIBRARY), 32
    network, inputs = build(graph, device="meta"), example_inputs(graph, batch=batch, device="meta")
    seen = watched_step(network, inputs, Optimizer.ADAM, Settings(batch=batch))
    predicted = predict_step(graph, Optimizer.ADAM, batch=batch)
    # Names are not told there, and cnnx leaves PyTorch's counters of batches out of the buffers.
    assert replace(predicted, node="", alive=(), buffer_bytes=seen.buffer_bytes) == seen
