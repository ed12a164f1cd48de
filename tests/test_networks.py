"""Networks are the same functions as their references: the same layers in the same order, and the same logits."""

from __future__ import annotations

from typing import Any

import pytest

from cnnx.analysis.figures import Figures, count
from cnnx.graph.expand import expand
from cnnx.graph.graph import Graph
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library
from tests.conftest import Expand
from tests.identity import as_linear, layers, logits, reference, reference_names

NAMES = reference_names()
SMALL = 12_000_000  # weights, up to which a network runs by default
# Larger ones that run by default too, so that most families and all implementations are among them.
SPREAD = frozenset({"inceptionv3", "resnet50_v2", "resnext50_32x4d", "se_resnet50", "xception"})
LIBRARY = Library([built_in_folder()])


def load(name: str, **parameters: Any) -> Graph:
    return expand(LIBRARY.open(name), LIBRARY, parameters, tuple(reference(name)["input"]))


def figures(name: str, **parameters: Any) -> Figures:
    return count(load(name, **parameters))


def has_heads(name: str) -> bool:
    """Say whether the reference has weights that do not run in eval mode: auxiliary heads."""
    facts = reference(name)
    return bool(facts["params"] != facts["params_used"])


def by_size() -> list[Any]:
    small = {name for name in NAMES if reference(name)["params_used"] <= SMALL}
    return [pytest.param(name, marks=() if name in small | SPREAD else pytest.mark.slow) for name in NAMES]


def test_the_spread_is_of_networks_that_have_a_reference() -> None:
    assert set(NAMES) >= SPREAD


@pytest.mark.parametrize("name", NAMES)
def test_a_reference_says_what_computed_it(name: str) -> None:
    assert "torch" in reference(name)["source"]


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_those_of_the_reference(name: str) -> None:
    found = figures(name)
    assert (found.params, found.macs) == (reference(name)["params_used"], reference(name)["macs"])


@pytest.mark.parametrize("name", [name for name in NAMES if has_heads(name)])
def test_weights_with_auxiliary_heads_are_those_of_the_reference(name: str) -> None:
    assert figures(name, aux=True).params == reference(name)["params"]


@pytest.mark.parametrize("name", NAMES)
def test_layers_are_those_of_the_reference_in_their_order(name: str) -> None:
    for number, (ours, theirs) in enumerate(zip(layers(load(name)), reference(name)["layers"], strict=True)):
        assert as_linear(ours) == as_linear(theirs), f"layer {number}"


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", by_size())
def test_logits_are_those_of_the_reference(name: str) -> None:
    found = logits(load(name))
    assert found.norm().item() == pytest.approx(reference(name)["logits_norm"], rel=1e-9)
    assert found[:8].tolist() == pytest.approx(reference(name)["logits_first8"], rel=1e-9)


def test_logits_tell_apart_what_no_figure_does(expand_text: Expand) -> None:
    text = "input: [2, 4, 4]\nlayers: [{batchnorm: {eps: EPS}}, global_avgpool, flatten]\n"
    one, other = (expand_text(text.replace("EPS", eps)) for eps in ("0.001", "0.00001"))
    assert (count(one).params, count(one).flops) == (count(other).params, count(other).flops)
    assert logits(one).tolist() != pytest.approx(logits(other).tolist(), rel=1e-9)
