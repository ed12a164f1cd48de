"""The specs that come with cnnx: each says what it is, expands in every variant, and gives its figures."""

from __future__ import annotations

import re
from functools import cache
from statistics import median
from typing import Any

import pytest

from cnnx.analysis.claims.worked import check_figures
from cnnx.analysis.figures import Figures, count
from cnnx.errors import SpecError
from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.spec.folders import built_in_folder, scan
from cnnx.spec.library import Library, Target
from cnnx.spec.model import Spec, SpecFile

NAMES = sorted(scan(built_in_folder()).files)
NODE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")


@cache
def library() -> Library:
    return Library([built_in_folder()])


def file_of(name: str) -> SpecFile:
    return library().open(name).file


def load(name: str, shape: tuple[int, ...] | None = None, **parameters: Any) -> Graph:
    return expand(library().open(name), library(), parameters, shape)


def figures_of(name: str, shape: tuple[int, ...] | None = None, **parameters: Any) -> Figures:
    return count(load(name, shape, **parameters))


def targets(name: str) -> list[Target]:
    file = file_of(name)
    variants = [Target(variant, file, variant) for variant in file.spec.variants]
    return variants or [Target(name, file)]


def test_every_file_can_be_read_and_no_name_is_given_twice() -> None:
    assert library().problems() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    spec = file_of(name).spec
    assert spec.title
    assert spec.family
    assert spec.summary is not None
    assert re.fullmatch(r"[A-Z].*[^.]\.", spec.summary), "one sentence"
    assert ". " not in spec.summary, "one sentence"
    assert spec.source is not None
    assert spec.source.year
    assert spec.source.paper or (spec.source.title and spec.source.url)


@pytest.mark.parametrize("name", NAMES)
def test_a_family_says_which_variant_its_name_means(name: str) -> None:
    spec: Spec = file_of(name).spec
    assert (spec.default is not None) == bool(spec.variants)


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_that_a_spec_states_are_what_comes_out(name: str) -> None:
    checks = check_figures(file_of(name), library())
    assert checks, "at least one worked or published figure"
    assert [str(check) for check in checks if not check.holds] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_expands_in_every_variant_into_nodes_with_readable_names(name: str) -> None:
    for target in targets(name):
        names = [node.name for node in expand(target, library())]
        assert names
        assert len(set(names)) == len(names)
        assert [node for node in names if not NODE.fullmatch(node) or len(node) > 64 or node.count(".") > 5] == []


def test_most_specs_are_short() -> None:
    lengths = [len(file_of(name).text.text.splitlines()) for name in NAMES]
    assert median(lengths) < 40
    assert max(len(line) for name in NAMES for line in file_of(name).text.text.splitlines()) <= 150


# What the articles and papers work out, with the arithmetic, apart from what the specs say of themselves.
PARAMS: list[tuple[str, dict[str, Any], int]] = [
    ("plain3x3", {}, 256 * 3 * 3 * 256),
    ("plain3x3", {"channels": 16, "out": 32}, 32 * 3 * 3 * 16),
    ("plain3x3", {"channels": 3, "out": 64, "bias": True}, (3 * 3 * 3 + 1) * 64),
    ("plain5x5", {}, 25 * 256**2),
    ("plain7x7", {}, 49 * 256**2),
    ("stacked3x3", {"depth": 2}, 18 * 256**2),
    ("stacked3x3", {"depth": 3}, 27 * 256**2),
    ("asymmetric", {"n": 5}, 2 * 5 * 256**2),
    ("bottleneck", {}, 256 * 1 * 1 * 64 + 64 * 3 * 3 * 64 + 64 * 1 * 1 * 256),
    ("bottleneck", {"bias": True}, 70016),
    ("residual_bottleneck_s0", {}, 70016),
    ("resnext_add", {}, 70144),
    ("resnext_concat", {}, 70144),
    ("resnext_grouped", {}, 70144),
    ("grouped", {"channels": 128, "groups": 32}, 32 * (4 * 3 * 3 * 4)),
    ("grouped", {"groups": 4}, 256 * 3 * 3 * 256 // 4),
    ("dense_block", {"channels": 3, "growth": 10, "depth": 2}, 1492),
    ("se", {"bias": False, "r": 8}, 2 * 256**2 // 8),
    ("se_conv", {"bias": False, "hidden": 256 // 8}, 2 * 256**2 // 8),
    ("se_s3", {"channels": 256, "squeeze": 8}, 2 * 256**2 // 8),
    ("separable", {"channels": 16, "out": 32}, 16 * 3 * 3 + 32 * 16),
    ("separable", {"channels": 3, "out": 64, "bias": True}, 3 * 3 * 3 + (1 * 1 * 3 + 1) * 64),
    ("depthwise_conv", {"channels": 3}, 3 * 3 * 3),
    ("inverted_residual_s0", {"channels": 32, "r": 4}, 9504),
    ("nasnet_normal_s0", {}, 5 * 32**2 + 82 * 32),
    ("nasnet_normal_s0", {"channels": 44}, 5 * 44**2 + 82 * 44),
    ("mobilenetv3_bottleneck_s3", {}, 114080),
    ("mobilenetv3_large", {}, 5483032),
    ("mobilenetv3_small", {}, 2542856),
]


@pytest.mark.parametrize(("name", "parameters", "params"), PARAMS)
def test_params(name: str, parameters: dict[str, Any], params: int) -> None:
    assert figures_of(name, **parameters).params == params


@pytest.mark.parametrize(("name", "macs"), [("mobilenetv3_large", 216589760), ("mobilenetv3_small", 56510400)])
def test_macs_of_networks(name: str, macs: int) -> None:
    assert figures_of(name, (3, 224, 224)).macs == macs


@pytest.mark.parametrize(
    ("small", "parameters", "large", "side"),
    [("stacked3x3", {"depth": 2}, "plain5x5", 5), ("stacked3x3", {"depth": 3}, "plain7x7", 7)],
)
def test_stacked_convolutions_see_as_far_as_one_large(
    small: str, parameters: dict[str, Any], large: str, side: int
) -> None:
    fields = [figures_of(small, **parameters).only_field, figures_of(large).only_field]
    assert [field.size for field in fields if field] == [(side, side), (side, side)]


@pytest.mark.parametrize(
    ("name", "parameters", "shape", "output"),
    [
        ("dense_block", {"growth": 10, "depth": 2}, (3, 8, 8), (3 + 2 * 10, 8, 8)),
        ("dense_block", {}, (64, 56, 56), (64 + 128, 56, 56)),
        ("resnet_stem", {"pool": False}, (3, 224, 224), (64, (224 - 7 + 6) // 2 + 1, 112)),
        ("residual_bottleneck", {"width": 128, "stride": 2}, (256, 56, 56), (4 * 128, 28, 28)),
        ("shuffle_v2_unit", {"out": 116, "stride": 2}, (24, 56, 56), (116, 28, 28)),
        ("inverted_residual", {"out": 64, "stride": 2}, (32, 28, 28), (64, 14, 14)),
        ("mobilenetv3_bottleneck_s3", {"stride": 2}, (80, 300, 300), (112, 150, 150)),
    ],
)
def test_outputs(name: str, parameters: dict[str, Any], shape: tuple[int, ...], output: tuple[int, ...]) -> None:
    assert list(figures_of(name, shape, **parameters).output.values()) == [output]


def test_a_shuffle_changes_neither_weights_nor_macs() -> None:
    plain, shuffled = figures_of("grouped"), figures_of("grouped", shuffle=True)
    assert (plain.params, plain.macs, plain.flops) == (shuffled.params, shuffled.macs, shuffled.flops)
    assert len(shuffled.by_node) == len(plain.by_node) + 1


def test_as_many_groups_as_channels_are_a_depthwise_convolution() -> None:
    assert load("grouped", groups=256).nodes[0].op == load("depthwise_conv").nodes[0].op


@pytest.mark.parametrize(
    ("name", "parameters", "added"),
    [
        ("inverted_residual", {}, True),
        ("inverted_residual", {"out": 64}, False),
        ("inverted_residual", {"stride": 2}, False),
        ("mobilenetv3_bottleneck", {}, True),
        ("mobilenetv3_bottleneck", {"out": 48}, False),
        ("mobilenetv3_bottleneck_s3", {}, True),
        ("mobilenetv3_bottleneck_s3", {"stride": 2}, False),
    ],
)
def test_the_input_is_added_where_the_article_adds_it(name: str, parameters: dict[str, Any], added: bool) -> None:
    assert any(node.op.word == "add" for node in load(name, **parameters)) == added


@pytest.mark.parametrize(
    ("name", "parameters", "shape", "told"),
    [
        # 32 → (32 + 4 − 11)//4 + 1 = 7 → 3 → 1, and 3 does not fit into 1
        ("alexnet", {}, (3, 32, 32), "a kernel of 3 does not fit into the height of 1, at layer `maxpool3` of `alexnet`, which reads 256×1×1"),
        ("vgg16", {}, (3, 16, 32), "of 2 does not fit into the height of 1, at layer `features.4.maxpool` of `vgg16`, which reads 512×1×2"),
        ("lenet5", {}, (1, 8, 8), "over 5 does not fit into the height of 4, at layer `conv2` of `lenet5`, which reads 6×4×4"),
        ("inceptionv3", {}, (3, 64, 64), "over 3 does not fit into the height of 2, at layer `d.conv3x3.conv` of `inceptionv3`, which reads 192×2×2"),
        ("densenet121", {}, (3, 32, 16), "does not fit into the width of 1, at layer `blocks.2.transition.avgpool` of `densenet121`, which reads 512×2×1"),
        ("nasnet_mobile", {"aux": True}, (3, 64, 64), "at layer `cells.7.aux.avgpool` of `nasnet_mobile`, which reads 528×4×4"),
    ],
)  # fmt: skip
def test_an_input_that_is_too_small_is_refused_at_the_layer_that_it_does_not_fit(
    name: str, parameters: dict[str, Any], shape: tuple[int, ...], told: str
) -> None:
    with pytest.raises(SpecError) as raised:
        load(name, shape, **parameters)
    assert told in raised.value.problems[0].message
