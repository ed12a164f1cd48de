"""What the articles' systems come to, and that each form which differs from the paper's stands beside it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

import cnnx
from cnnx.analysis.figures import count
from cnnx.graph.expand import expand
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library

LIBRARY = Library([built_in_folder()])

# An article's form, and the paper's that differs from it.
FORMS = {
    "bottleneck_s0": "bottleneck",
    "d2l_densenet": "densenet121",
    "d2l_googlenet": "googlenet",
    "d2l_resnet18": "resnet18",
    "deformable_s4": "deformable",
    "dense_block_s0": "dense_block",
    "dense_stage_separable": "dense_block",
    "inception_keras": "inception",
    "inception_resnet_a_s3": "inception_resnet_a",
    "inception_s3": "inception",
    "inverted_residual_s0": "inverted_residual",
    "mbconv_s3": "mbconv",
    "mobilenetv3_bottleneck_s3": "mobilenetv3_bottleneck",
    "nasnet_normal_s0": "nasnet_normal",
    "residual_basic": "resnet_basic",
    "residual_bottleneck_s0": "residual_bottleneck",
    "residual_bottleneck_s3": "residual_bottleneck",
    "resnet_v2_s3": "preact_bottleneck",
    "resnext_s0": "resnext_add",
    "se_conv": "se",
    "se_s3": "se",
    "shuffle_v2_unit_s3": "shuffle_v2_unit",
}


def test_every_form_of_an_article_is_here() -> None:
    suffixed = {file.name for file in LIBRARY.files() if file.name[-3:] in ("_s0", "_s1", "_s2", "_s3", "_s4")}
    assert suffixed <= set(FORMS)


@pytest.mark.parametrize(("article", "paper"), FORMS.items())
def test_a_form_says_how_it_differs_from_the_papers(article: str, paper: str) -> None:
    source = LIBRARY.open(article).file.spec.source
    assert source is not None
    assert source.note is not None
    assert re.search(rf"\b{paper}\b", source.note)
    assert LIBRARY.open(paper).file.path.exists()


@pytest.mark.parametrize(("article", "paper"), FORMS.items())
def test_a_form_is_another_graph_than_the_papers(article: str, paper: str) -> None:
    ours = expand(LIBRARY.open(article), LIBRARY)
    shape, *more = ours.inputs.values()
    theirs = expand(LIBRARY.open(paper), LIBRARY, {}, None if more or shape[0] == 1 else shape)
    assert [node.op for node in ours] != [node.op for node in theirs]


@pytest.mark.parametrize(
    ("name", "settings", "entering", "leaving"),
    [
        ("residual_basic", {}, (4, 3, 6, 6), (4, 3, 6, 6)),
        ("residual_basic", {"out": 6, "stride": 2}, (4, 3, 6, 6), (4, 6, 3, 3)),
        ("dense_block", {"growth": 10, "depth": 2}, (4, 3, 8, 8), (4, 23, 8, 8)),
        ("transition", {"out": 10, "bias": True}, (4, 23, 8, 8), (4, 10, 4, 4)),
        ("se_conv", {}, (4, 256, 7, 7), (4, 256, 7, 7)),
        ("mbconv_s3", {}, (1, 43, 300, 300), (1, 64, 300, 300)),
        ("mobilenetv3_bottleneck_s3", {}, (1, 80, 30, 30), (1, 112, 30, 30)),
    ],
)
def test_a_batch_has_the_shape_that_the_article_prints(
    name: str, settings: dict[str, Any], entering: tuple[int, ...], leaving: tuple[int, ...]
) -> None:
    network = cnnx.build(expand(LIBRARY.open(name), LIBRARY, settings, entering[1:])).eval()
    with torch.inference_mode():
        assert tuple(network(torch.zeros(entering)).shape) == leaving


@pytest.mark.parametrize(
    ("name", "settings", "params"),
    [
        ("inception_s3", {}, 196256 + 1152),
        ("mbconv_s3", {}, 25568),
        ("mobilenetv3_bottleneck_s3", {}, 114080),
        ("inverted_residual_s0", {}, 9504),
        ("nasnet_normal_s0", {}, 5 * 32**2 + 82 * 32),
        ("residual_basic", {"input": (3, 6, 6)}, 180),
        ("residual_basic", {"out": 6, "stride": 2, "input": (3, 6, 6)}, 546),
        ("dense_block", {"growth": 10, "depth": 2, "input": (3, 8, 8)}, 1492),
        ("fire", {}, (96 * 16 + 16) + (16 * 64 + 64) + (16 * 3 * 3 * 64 + 64)),
    ],
)
def test_weights_are_as_many_as_the_articles_code_has(name: str, settings: dict[str, Any], params: int) -> None:
    assert count(cnnx.load(name, **settings)).params == params


def test_the_orders_of_norm_and_activation_cost_the_same() -> None:
    found = [count(cnnx.load(name, out=64)) for name in ("conv_bn_relu", "bn_relu_conv", "conv_relu_bn")]
    assert {figures.params for figures in found} == {64 * 3 * 3 * 64 + 2 * 64}
    assert len({figures.macs for figures in found}) == 1
    assert len({tuple(node.op.word for node in figures.by_node) for figures in found}) == 3


@pytest.mark.parametrize("n", [3, 5, 7])
def test_asymmetric_factors_have_2n_in_place_of_n_squared(n: int) -> None:
    assert count(cnnx.load("asymmetric", n=n)).params == 2 * n * 256**2


@pytest.mark.parametrize("groups", [2, 4, 32])
def test_a_grouped_convolution_has_a_gth_of_weights_and_multiplications(groups: int) -> None:
    plain, grouped = count(cnnx.load("plain3x3")), count(cnnx.load("grouped", groups=groups))
    assert (grouped.params * groups, grouped.macs * groups) == (plain.params, plain.macs)


@pytest.mark.parametrize("ratio", [4, 8, 16])
def test_squeeze_and_excitation_has_2c2_over_r_weights(ratio: int) -> None:
    assert count(cnnx.load("se", r=ratio, bias=False)).params == 2 * 256**2 // ratio
