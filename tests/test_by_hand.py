"""Networks and blocks that no library has are the same functions as when they are written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import build
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library
from tests import articles_by_hand as articles
from tests import networks_by_hand as networks
from tests.by_hand import ByHand
from tests.cells_by_hand import AMOEBANET, NASNET
from tests.cells_by_hand import network as stacked
from tests.identity import fill, layer, layers, normal

pytestmark = pytest.mark.usefixtures("one_thread")
LIBRARY = Library([built_in_folder()])
SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "parameters", "written"),
    [
        ("lenet5", {}, networks.lenet5),
        pytest.param("alexnet_grouped", {}, networks.alexnet_grouped, marks=SLOW),
        ("nin_imagenet", {}, networks.nin_imagenet),
        ("nin_cifar10", {}, networks.nin_cifar10),
        ("d2l_nin", {}, networks.d2l_nin),
        ("googlenet", {"aux": True}, networks.googlenet),
        ("d2l_googlenet", {}, networks.d2l_googlenet),
        ("d2l_resnet18", {}, networks.d2l_resnet18),
        ("d2l_densenet", {}, networks.d2l_densenet),
        ("mobilenetv1_0_75", {}, networks.mobilenetv1(0.75)),
        ("mobilenetv1_0_5", {}, networks.mobilenetv1(0.5)),
        ("mobilenetv1_0_25", {}, networks.mobilenetv1(0.25)),
        ("mobilenetv1_0_5", {"padding": "tf_same", "eps": 1e-3}, networks.mobilenetv1_keras(0.5)),
        pytest.param("resnet50_v2_keras", {}, networks.resnet50_v2_keras, marks=SLOW),
        ("nasnet_mobile", {"aux": True}, partial(stacked, search=NASNET, filters=44, cells=4)),
        ("amoebanet_a_mobile", {"aux": True}, partial(stacked, search=AMOEBANET, filters=50, cells=4)),
        pytest.param(
            "amoebanet_a", {"aux": True}, partial(stacked, search=AMOEBANET, filters=190, cells=6), marks=SLOW
        ),
    ],
)
def test_a_network_is_the_same_function_as_when_written_by_hand(
    name: str, parameters: dict[str, Any], written: networks.Network
) -> None:
    check(expand(LIBRARY.open(name), LIBRARY, parameters), written)


@pytest.mark.parametrize(
    ("name", "parameters", "written"),
    [
        ("bottleneck_s0", {}, articles.bottleneck_s0),
        ("residual_bottleneck_s0", {}, articles.residual_bottleneck_s0),
        ("inception_keras", {}, articles.inception_keras),
        ("resnext_s0", {}, articles.resnext_s0),
        ("dense_block_s0", {}, articles.dense_block_s0),
        ("inverted_residual_s0", {}, articles.inverted_residual_s0),
        ("nasnet_normal_s0", {}, articles.nasnet_normal_s0),
        ("inception_s3", {}, articles.inception_s3),
        ("residual_bottleneck_s3", {}, articles.residual_bottleneck_s3),
        ("residual_bottleneck_s3", {"out": 64}, partial(articles.residual_bottleneck_s3, out=64)),
        ("resnet_v2_s3", {}, articles.resnet_v2_s3),
        ("resnet_v2_s3", {"stride": 2}, partial(articles.resnet_v2_s3, stride=2)),
        ("resnet_v2_s3", {"out": 128, "stride": 2}, partial(articles.resnet_v2_s3, out=128, stride=2)),
        ("inception_resnet_a_s3", {}, articles.inception_resnet_a_s3),
        ("dense_stage_separable", {}, articles.dense_stage_separable),
        ("shuffle_v2_unit_s3", {}, articles.shuffle_v2_unit_s3),
        ("shuffle_v2_unit_s3", {"stride": 2}, partial(articles.shuffle_v2_unit_s3, stride=2)),
        ("se_s3", {}, articles.se_s3),
        ("se_s3", {"hard": True}, partial(articles.se_s3, hard=True)),
        ("mbconv_s3", {}, articles.mbconv_s3),
        ("mbconv_s3", {"stride": 2}, partial(articles.mbconv_s3, stride=2)),
        ("mbconv_s3", {"se": False}, partial(articles.mbconv_s3, se=False)),
        ("mobilenetv3_bottleneck_s3", {}, articles.mobilenetv3_bottleneck_s3),
        ("mobilenetv3_bottleneck_s3", {"stride": 2}, partial(articles.mobilenetv3_bottleneck_s3, stride=2)),
        ("se_resnext", {"out": 512, "hidden": 16}, articles.se_resnext),
        ("deformable_s4", {"channels": 16}, articles.deformable_s4),
    ],
)
def test_a_block_is_the_same_function_as_in_the_article(
    name: str, parameters: dict[str, Any], written: Callable[..., Tensor]
) -> None:
    check(expand(LIBRARY.open(name), LIBRARY, parameters), lambda run, *images: [written(run, *images)])


def check(graph: Graph, written: Callable[..., list[Tensor]]) -> None:
    """Hold a graph, built, against a function: the same layers in the same order, the same numbers."""
    run = ByHand()
    images = [normal((1, *shape), 12345 + index) for index, shape in enumerate(graph.inputs.values())]
    with torch.inference_mode():
        theirs = written(run, *images)
    assert [_less(one, "padding") for one in layers(graph)] == run.layers
    for mine, other in zip(_outputs(graph, images), theirs, strict=True):
        assert mine.shape == other.shape
        assert ((mine - other).norm() / other.norm()).item() < 1e-9


def _less(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != name}


def _outputs(graph: Graph, images: list[Tensor]) -> list[Tensor]:
    module = build(graph, dtype="float64").eval()
    fill(module, [node.name for node in graph if layer(node) is not None])
    with torch.inference_mode():
        found = module(*images)
    return [found] if isinstance(found, Tensor) else list(found)
