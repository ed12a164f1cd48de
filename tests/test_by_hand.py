"""Networks that no library has are the same functions as they are when written out by hand from their sources."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import build
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library
from tests import networks_by_hand as hand
from tests.by_hand import ByHand
from tests.cells_by_hand import AMOEBANET, NASNET
from tests.cells_by_hand import network as stacked
from tests.identity import fill, layer, layers, normal

LIBRARY = Library([built_in_folder()])
SLOW = pytest.mark.slow
NETWORKS = [
    pytest.param("lenet5", {}, hand.lenet5),
    pytest.param("alexnet_grouped", {}, hand.alexnet_grouped, marks=SLOW),
    pytest.param("nin_imagenet", {}, hand.nin_imagenet),
    pytest.param("nin_cifar10", {}, hand.nin_cifar10),
    pytest.param("d2l_nin", {}, hand.d2l_nin),
    pytest.param("googlenet", {"aux": True}, hand.googlenet),
    pytest.param("d2l_googlenet", {}, hand.d2l_googlenet),
    pytest.param("d2l_resnet18", {}, hand.d2l_resnet18),
    pytest.param("d2l_densenet", {}, hand.d2l_densenet),
    pytest.param("mobilenetv1_0_75", {}, hand.mobilenetv1(0.75)),
    pytest.param("mobilenetv1_0_5", {}, hand.mobilenetv1(0.5)),
    pytest.param("mobilenetv1_0_25", {}, hand.mobilenetv1(0.25)),
    pytest.param("mobilenetv1_0_5", {"padding": "tf_same", "eps": 1e-3}, hand.mobilenetv1_keras(0.5), id="keras"),
    pytest.param("resnet50_v2_keras", {}, hand.resnet50_v2_keras, marks=SLOW),
    pytest.param("nasnet_mobile", {"aux": True}, partial(stacked, search=NASNET, filters=44, cells=4)),
    pytest.param("amoebanet_a_mobile", {"aux": True}, partial(stacked, search=AMOEBANET, filters=50, cells=4)),
    pytest.param("amoebanet_a", {"aux": True}, partial(stacked, search=AMOEBANET, filters=190, cells=6), marks=SLOW),
]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("name", "parameters", "written"), NETWORKS)
def test_a_network_is_the_same_function_as_when_written_by_hand(
    name: str, parameters: dict[str, Any], written: hand.Network
) -> None:
    graph = expand(LIBRARY.open(name), LIBRARY, parameters)
    (shape,) = graph.inputs.values()
    run = ByHand()
    with torch.inference_mode():
        theirs = written(run, normal((1, *shape), 12345))
    assert [_less(one, "padding") for one in layers(graph)] == run.layers
    for mine, other in zip(_outputs(graph), theirs, strict=True):
        assert ((mine - other).norm() / other.norm()).item() < 1e-9


def _less(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != name}


def _outputs(graph: Graph) -> list[torch.Tensor]:
    module = build(graph, dtype="float64").eval()
    fill(module, [node.name for node in graph if layer(node) is not None])
    (shape,) = graph.inputs.values()
    with torch.inference_mode():
        found = module(normal((1, *shape), 12345))
    return [found] if isinstance(found, torch.Tensor) else list(found)
