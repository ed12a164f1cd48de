"""Which published accuracy belongs to a network as it was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cnnx.analysis.claims.accuracy import Accuracy, published_accuracy
from cnnx.graph.expand import expand
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library

BUILT_IN = Library([built_in_folder()])
SPEC = """
parameters: {width: 8, size: 32, classes: 10, aux: false}
input: [3, size, size]
variants: {thin: {width: 4}, wide: {width: 8}, default: wide}
layers:
  - conv: {out: width, kernel: 3}
  - {name: body}
  - {conv: {out: classes, kernel: 1}, name: aux, when: aux}
  - {conv: {out: classes, kernel: 1}, from: body, name: classifier}
outputs: [classifier, aux]
published:
"""
PAPER = '  - {top1: 70, source: "the paper, table 1"}\n'
TORCHVISION = '  - {top1: 71.5, top5: 90, source: "torchvision 0.28, IMAGENET1K_V1"}\n'


def found(text: str, folder: Path, name: str = "net", shape: tuple[int, ...] | None = None, **given: Any) -> Any:
    (folder / "net.yaml").write_text(SPEC + text, encoding="utf-8")
    library = Library([folder])
    target = library.open(name)
    return published_accuracy(target, expand(target, library, given, shape))


def built_in(name: str, shape: tuple[int, ...] | None = None, **given: Any) -> Accuracy | None:
    target = BUILT_IN.open(name)
    return published_accuracy(target, expand(target, BUILT_IN, given, shape))


def test_of_several_torchvisions_first_weights_come_first_then_what_is_stated_first(tmp_path: Path) -> None:
    assert found(PAPER + TORCHVISION, tmp_path).top1 == 71.5
    assert found(PAPER + '  - {top1: 72, source: "timm"}\n', tmp_path).source == "the paper, table 1"
    assert found(TORCHVISION.replace("V1", "V2").replace("71.5", "75") + TORCHVISION, tmp_path).top1 == 71.5


def test_a_row_without_an_accuracy_is_none(tmp_path: Path) -> None:
    assert found('  - {params: 312, source: "the paper"}\n', tmp_path) is None
    assert found('  - {top5: 90, source: "the paper"}\n' + PAPER, tmp_path).top1 == 70


def test_an_accuracy_is_of_one_variant(tmp_path: Path) -> None:
    rows = '  - {of: thin, top1: 60, source: "the paper"}\n' + PAPER
    assert found(rows, tmp_path).top1 == found(rows, tmp_path, "wide").top1 == 70
    assert found(rows, tmp_path, "thin").top1 == 60


def test_an_accuracy_is_of_its_own_settings(tmp_path: Path) -> None:
    rows = PAPER + '  - {with: {width: 16}, top1: 74, source: "the paper"}\n'
    assert found(rows, tmp_path, width=16).top1 == 74
    assert found(rows, tmp_path, width=12) is None
    assert found(rows, tmp_path, classes=100) is None  # what a user changes was not trained


def test_another_head_or_size_is_told_where_nothing_was_changed(tmp_path: Path) -> None:
    head = '  - {with: {classes: 11, aux: true}, top1: 73, source: "the code"}\n'
    assert found(head, tmp_path).settings == "classes=11, aux=true"
    size = '  - {input: [3, 48, 48], top1: 75, source: "the code"}\n'
    assert found(size, tmp_path).settings == "input=3×48×48"
    assert found(size, tmp_path, shape=(3, 48, 48)).settings == ""
    assert found(size, tmp_path, shape=(3, 40, 40)) is None
    assert found('  - {with: {width: 16}, top1: 74, source: "the paper"}\n', tmp_path) is None


def test_the_networks_own_input_size_comes_before_torchvision(tmp_path: Path) -> None:
    larger = TORCHVISION.replace("{top1", "{input: [3, 48, 48], top1")
    assert found(larger + PAPER, tmp_path).top1 == 70
    assert found(larger + PAPER, tmp_path, shape=(3, 48, 48)).top1 == 71.5


@pytest.mark.parametrize(
    ("name", "given", "top1", "source", "settings"),
    [
        ("resnet50", {}, 76.13, "torchvision 0.28, IMAGENET1K_V1", ""),
        ("mobilenetv3", {}, 74.042, "torchvision 0.28, IMAGENET1K_V1", ""),
        ("inceptionv3", {}, 77.294, "torchvision 0.28, IMAGENET1K_V1", "aux=true"),
        ("efficientnet_b2", {}, 80.1, "the paper, table 2", ""),  # torchvision's was measured at 288×288
        ("amoebanet_a", {}, 82.8, "the paper, table 2", "classes=1001"),
        ("resnet152_v2", {}, 78.9, "the paper, table 5, pre-activation, tested at 320×320", "input=3×320×320"),
    ],
)
def test_networks(name: str, given: dict[str, Any], top1: float, source: str, settings: str) -> None:
    accuracy = built_in(name, **given)
    assert accuracy is not None
    assert (accuracy.top1, accuracy.source, accuracy.settings) == (top1, source, settings)


def test_the_papers_own_form_has_the_authors_accuracy() -> None:
    accuracy = built_in("resnet50", block="residual_bottleneck_v1")
    assert accuracy is not None
    assert accuracy.top1 == 75.3
    assert built_in("resnet50", widen=2) is None
    assert built_in("efficientnet_b2", (3, 288, 288)) == Accuracy(80.608, 95.31, "torchvision 0.28, IMAGENET1K_V1", "")
