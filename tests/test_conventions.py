"""Conventions: their rules with the arithmetic, and the stock tools on built modules."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import cnnx
from cnnx.analysis.conventions.bridge import MULTIPLIERS, Bridge, Term, bridge
from cnnx.analysis.conventions.presets import PRESETS, find_convention
from cnnx.analysis.conventions.quantities import QUANTITIES, Quantity
from cnnx.analysis.figures import CONVENTION, Figures, count
from cnnx.errors import UsageError
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import build, example_inputs
from cnnx.report.bridge import adds_up, flops_note
from cnnx.spec.folders import built_in_folder

Expand = Callable[..., Graph]

BLOCKS = sorted((built_in_folder() / "blocks").glob("*.yaml"))

M, B = 9 * 4 * 8 * 36, 8 * 36  # multiply–adds and biased outputs of a 3×3 convolution from 4 to 8 channels, on 6×6
E, P = 4 * 36, 36  # elements and positions of 4×6×6
D = 9 * 4 * 36  # values that a deformable 3×3 convolution samples
# A step on 4×6×6, and what each tool counts of it; what a row does not name is nothing.
RULES: dict[str, dict[str, int]] = {
    "conv: {out: 8, kernel: 3}": {
        "fvcore": M, "torch": 2 * M, "torchinfo": M, "thop": M, "ptflops": M, "ptflops_aten": M,
        "calflops": 2 * M, "torchprofile": M,
    },
    "conv: {out: 8, kernel: 3, bias: true}": {
        "fvcore": M, "torch": 2 * M, "torchinfo": M + B, "thop": M, "ptflops": M + B, "ptflops_aten": M + B,
        "calflops": 2 * M + B, "torchprofile": M,
    },
    "batchnorm": {
        "fvcore": 2 * E, "torchinfo": 2 * 4, "thop": 4 * E, "ptflops": 2 * E, "calflops": 2 * E, "torchprofile": E,
    },
    "lrn: {size: 5}": {"ptflops": 4 * E + (5 - 1) * P, "calflops": 4 * E + (5 - 1) * P, "torchprofile": 3 * E},
    "relu": {"ptflops": 2 * E, "calflops": E},
    "relu6": {"ptflops": E},
    "leaky_relu": {"ptflops": E, "calflops": E},
    "silu": {"ptflops": E, "calflops": E},
    "gelu": {"ptflops": 2 * E, "calflops": E},
    "softmax": {"thop": (3 * 4 - 1) * P, "ptflops": E, "calflops": E},
    **{word: {} for word in ("sigmoid", "tanh", "hardsigmoid", "hardswish", "dropout", "channel_shuffle: {groups: 2}")},
    "maxpool: {kernel: 2}": {"ptflops": 2 * E, "calflops": E},
    "avgpool: {kernel: 2}": {"thop": 4 * 9, "ptflops": 2 * E, "calflops": E, "torchprofile": 4 * 9},
    "adaptive_avgpool: {size: 2}": {
        "fvcore": E, "thop": E + 4 * 4, "ptflops": 2 * E, "calflops": E, "torchprofile": 4 * 4,
    },
    "global_avgpool": {"fvcore": E, "thop": E + 4, "ptflops": 2 * E, "calflops": E, "torchprofile": 4},
    "resize: {factor: 2}": {
        "fvcore": 4 * 4 * E, "thop": 11 * 4 * E, "ptflops": 2 * 4 * E, "calflops": 4 * P, "torchprofile": 4 * 4 * E,
    },
    "resize: {factor: 2, mode: nearest}": {"fvcore": 4 * E, "thop": 4 * E, "ptflops": 2 * 4 * E, "calflops": 4 * P},
    "add: [[], []]": {},
    "multiply: [[], [], []]": {"torchprofile": 2 * E},
    "scale: {factor: 2}": {"torchprofile": E},
    "pad: {sides: [1, 1, 1, 1]}": {},
}  # fmt: skip


def figures_under(name: str, figures: Figures) -> Figures:
    return find_convention(name).apply(figures)


def stock(graph: Graph) -> dict[str, int]:
    """Ask fvcore and torch, as they come, what the built module costs."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # importing fvcore scripts a function, which torch deprecates
        from fvcore.nn import FlopCountAnalysis
    module, inputs = build(graph).eval(), example_inputs(graph)
    analysis = FlopCountAnalysis(module, inputs).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*inputs)
    return {"fvcore": int(analysis.total()), "torch": counter.get_total_flops()}


def static(graph: Graph) -> dict[str, int]:
    figures = count(graph)
    return {name: figures_under(name, figures).flops for name in ("fvcore", "torch")}


@pytest.mark.parametrize("step", RULES)
def test_a_step_counts_as_the_tools_count_it(expand_text: Expand, step: str) -> None:
    figures = count(expand_text(f"input: [4, 6, 6]\nlayers:\n  - {step}\n"))
    expected = {convention.name: RULES[step].get(convention.name, 0) for convention in PRESETS[1:]}
    assert {name: figures_under(name, figures).flops for name in expected} == expected


@pytest.mark.parametrize("step", RULES)
def test_fvcore_and_torch_as_they_come_say_the_same_of_each_step(expand_text: Expand, step: str) -> None:
    graph = expand_text(f"input: [4, 6, 6]\nlayers:\n  - {step}\n")
    assert stock(graph) == static(graph)


@pytest.mark.parametrize("path", BLOCKS, ids=[path.stem for path in BLOCKS])
def test_fvcore_and_torch_as_they_come_say_the_same_of_every_block(path: Path) -> None:
    graph = cnnx.load(str(path))
    assert stock(graph) == static(graph)


@pytest.mark.parametrize("name", ["lenet5", "mobilenetv3_small", "shufflenetv1_g3", "squeezenet1_1"])
def test_fvcore_and_torch_as_they_come_say_the_same_of_networks(name: str) -> None:
    graph = cnnx.load(name)
    assert stock(graph) == static(graph)


def test_products_of_several_branches_are_counted_one_by_one(expand_text: Expand) -> None:
    text = (
        "input: {x: [4, 6, 6], gate: [4, 1, 1], other: [4, 1, 1]}\nlayers: [{multiply: null, from: [gate, other, x]}]"
    )
    figures = count(expand_text(text))
    assert QUANTITIES[Quantity.PRODUCTS](figures.by_node[0]) == 4 + E


def test_a_vector_is_one_position(expand_text: Expand) -> None:
    figures = count(expand_text("input: [4, 6, 6]\nlayers: [flatten, {linear: {out: 5}}, softmax]"))
    macs = 4 * 36 * 5
    expected = {
        "fvcore": macs,
        "torchinfo": macs + 5,
        "thop": macs + 3 * 5 - 1,
        "ptflops": macs + 5 + 5,
        "calflops": 2 * macs + 5,
    }
    assert {name: figures_under(name, figures).flops for name in expected} == expected


def test_a_deformable_convolution_is_counted_by_what_it_samples() -> None:
    figures = count(cnnx.load("deformable", channels=4, input=(4, 6, 6)))
    deformed = next(node for node in figures.by_node if node.op.word == "deform_conv")
    beside = figures.macs - deformed.macs
    expected = {"fvcore": figures.macs + 4 * D, "torch": 2 * figures.macs, "thop": beside}
    assert {name: figures_under(name, figures).flops for name in expected} == expected


@pytest.mark.parametrize("path", BLOCKS, ids=[path.stem for path in BLOCKS])
def test_the_own_convention_as_data_gives_the_figures_of_every_node(path: Path) -> None:
    figures = count(cnnx.load(str(path)))
    again = figures_under(CONVENTION, figures_under("fvcore", figures))
    assert again == figures
    assert figures_under(CONVENTION, figures) is figures


def test_figures_under_a_convention_add_up_by_node_and_by_category() -> None:
    figures = count(cnnx.load("residual_bottleneck"))
    under = figures_under("ptflops", figures)
    assert under.convention == "ptflops"
    assert under.flops == sum(node.flops for node in under.by_node) == sum(under.flops_by_category.values())
    assert (under.macs, under.params, under.memory_access_elements) == (
        figures.macs,
        figures.params,
        figures.memory_access_elements,
    )
    assert figures.convention == CONVENTION


def test_every_quantity_has_its_rule() -> None:
    assert set(QUANTITIES) == set(Quantity)
    used = {quantity for preset in PRESETS for factors in preset.factors.values() for quantity in factors}
    assert used == set(Quantity)


def test_every_convention_says_whose_it_is() -> None:
    names = [preset.name for preset in PRESETS]
    assert len(set(names)) == len(names)
    for preset in PRESETS:
        assert preset.tool
        assert preset.calls
        assert preset.source
        assert not preset.beyond or preset.beyond.endswith(".")


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("fvcor", "did you mean `fvcore`?"),
        ("ptflops_atn", "did you mean `ptflops_aten`?"),
        ("nonsense", "there are cnnx, fvcore, "),
    ],
)
def test_an_unknown_convention_is_told_with_the_nearest(given: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"no convention is named `{given}`") as raised:
        find_convention(given)
    assert raised.value.hint.startswith(hint)


def test_the_bridge_of_resnet50_reconciles_to_the_last_digit() -> None:
    figures = count(cnnx.load("resnet50"))
    totals = {preset.name: bridge(figures, preset).total for preset in PRESETS}
    assert totals.pop("cnnx") == figures.flops
    assert totals == {
        "fvcore": 4111512576,
        "torch": 8178368512,
        "torchinfo": 4089238376,
        "thop": 4133742592,
        "ptflops": 4132436968,
        "ptflops_aten": 4089185256,
        "calflops": 8211108352,
        "torchprofile": 4100300288,
    }


def bridge_of(text: str, name: str, expand_text: Expand) -> Bridge:
    return bridge(count(expand_text(text)), find_convention(name))


def test_a_bridge_has_conv_and_linear_first_and_leaves_out_what_is_nothing(expand_text: Expand) -> None:
    text = "input: [4, 6, 6]\nlayers: [relu, {conv: {out: 8, kernel: 3}}, batchnorm, flatten, {linear: {out: 5}}]"
    assert bridge_of(text, "torchinfo", expand_text).terms == (
        Term(MULTIPLIERS, Quantity.MACS, 1, M + B * 5),
        Term(MULTIPLIERS, Quantity.BIAS, 1, 5),
        Term("batchnorm", Quantity.WEIGHTS, 1, 2 * 8),
    )
    assert [term.part for term in bridge_of(text, "ptflops", expand_text).terms] == [
        MULTIPLIERS,
        "relu",
        MULTIPLIERS,
        "batchnorm",
    ]
    assert bridge_of("input: [4, 6, 6]\nlayers: [relu]", "torch", expand_text).terms == ()


@pytest.mark.parametrize("path", BLOCKS, ids=[path.stem for path in BLOCKS])
def test_the_addends_of_every_block_add_up(path: Path) -> None:
    figures = count(cnnx.load(str(path)))
    for preset in PRESETS:
        found = bridge(figures, preset)
        assert found.total == sum(term.gives for term in found.terms) == figures_under(preset.name, figures).flops


def test_a_convention_is_put_in_words() -> None:
    assert adds_up(find_convention("torch")) == "2 × multiply–adds of conv and linear"
    assert adds_up(find_convention("torchinfo")) == (
        "multiply–adds of conv and linear + biased output elements of conv and linear + weights of batchnorm"
    )
    assert " + 3 × input elements of softmax − output positions of softmax + " in adds_up(find_convention("thop"))


def test_the_note_names_only_what_is_there() -> None:
    figures = figures_under("fvcore", count(cnnx.load("residual_bottleneck")))
    assert flops_note("fvcore", [figures]).startswith(
        "FLOPs, by the convention `fvcore`: the flops of fvcore 0.1.5.post20221221, "
        "multiply–adds of conv + 2 × input elements of batchnorm. A global pooling"
    )


def test_a_note_says_where_a_convention_counts_nothing(expand_text: Expand) -> None:
    figures = figures_under("torch", count(expand_text("input: [4, 6, 6]\nlayers: [relu]")))
    assert flops_note("torch", [figures]) == (
        "FLOPs, by the convention `torch`: the flops of torch's FlopCounterMode, nothing of what is here."
    )
