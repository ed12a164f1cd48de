"""The cross-check: three counters on the built module, held against the static figures."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import cnnx
from cnnx.analysis.figures import Figures, count
from cnnx.analysis.records import CrossCheck, Disagreement
from cnnx.errors import MemoryBudgetError
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.counters import crosscheck as counters
from cnnx.pytorch.counters.crosscheck import crosscheck, crosscheck_module
from cnnx.pytorch.counters.flop_counter import count_by_flop_counter
from cnnx.pytorch.counters.fvcore import count_by_fvcore
from cnnx.pytorch.counters.hooks import count_by_hooks

Expand = Callable[..., Graph]

BLOCKS = sorted((Path(__file__).parents[1] / "configs" / "blocks").glob("*.yaml"))
BOTTLENECK = """
input: [16, 8, 8]
layers: [{conv: {out: 4, kernel: 1}}, {conv: {out: 4, kernel: 3, norm: batchnorm}}, {conv: {out: 16, kernel: 1}}]
"""
# Each operation that torch does in its own way: what fvcore has no handle for, what writes over its input, views.
EVERYTHING = """
input: {x: [8, 8, 8], gate: [8, 1, 1]}
layers:
  - {multiply: null, from: [x, gate]}
  - conv: {out: 8, kernel: 3, padding: tf_same, stride: 2, bias: true, norm: batchnorm, act: relu}
  - {conv: {out: 8, kernel: 3, act: relu6}}
  - {conv: {out: 8, kernel: 3, groups: 2, act: leaky_relu}}
  - {conv: {out: 8, kernel: 3, dilation: 2, act: hardswish}}
  - {depthwise: {kernel: 5, act: silu}}
  - {conv: {out: 8, kernel: [1, 3], act: hardsigmoid}}
  - tanh
  - relu6
  - add: {a: [gelu], b: [sigmoid], c: [hardswish], d: [silu], e: [softmax], f: [hardsigmoid], g: [leaky_relu]}
  - {deform_conv: {out: 8, kernel: 3, modulated: true}}
  - {name: map}
  - {deform_conv: {out: 16, kernel: 3, bias: true, norm: batchnorm}, name: moves}
  - {warp: null, from: [map, moves]}
  - {channel_shuffle: {groups: 2}}
  - lrn
  - {resize: {factor: 2, mode: nearest}}
  - {maxpool: {kernel: 3, stride: 2, padding: same, ceil: true}}
  - {resize: {factor: 2}}
  - {avgpool: {kernel: 2, padding: tf_same}}
  - {pad: {sides: [1, 1, 1, 1]}}
  - {crop: {sides: [0, 1, 1, 0]}}
  - {adaptive_avgpool: {size: 2}}
  - {scale: {factor: 0.5}}
  - concat: [[{slice: {start: 0, end: 4}}, relu], [{slice: {start: 4, end: 8}}, identity]]
  - dropout
  - flatten
  - batchnorm
  - {linear: {out: 5, bias: false, act: relu}}
  - linear: {out: 3}
"""


def checked(graph: Graph, module: nn.Module | None = None, figures: Figures | None = None) -> CrossCheck:
    return crosscheck_module(module or build(graph), graph, figures or count(graph))


def lines(check: CrossCheck) -> set[tuple[str, str, str, str, str]]:
    return {dataclasses.astuple(difference) for difference in check.disagreements}


@pytest.mark.parametrize("path", BLOCKS, ids=[path.stem for path in BLOCKS])
def test_the_counters_agree_on_every_block(path: Path) -> None:
    graph = cnnx.load(str(path))
    figures = count(graph)
    check = crosscheck(graph, figures)
    assert check.disagreements == ()
    assert check.agree
    assert check.params == figures.params
    assert [counter.counter for counter in check.counters] == ["hooks", "torch", "fvcore"]
    assert {counter.macs for counter in check.counters} == {figures.macs}
    assert {counter.note for counter in check.counters} == {""}


def test_each_counter_says_it_by_node(expand_text: Expand) -> None:
    graph = expand_text(BOTTLENECK)
    check = crosscheck(graph, count(graph))
    by_node = {"conv1": 16 * 4 * 8 * 8, "conv2": 3 * 3 * 4 * 4 * 8 * 8, "conv3": 4 * 16 * 8 * 8}
    assert [counter.macs_by_node for counter in check.counters] == [by_node] * 3
    assert [counter.macs for counter in check.counters] == [sum(by_node.values())] * 3
    assert check.params == 16 * 4 + 3 * 3 * 4 * 4 + 2 * 4 + 4 * 16


def test_no_operation_is_unknown_to_a_counter(expand_text: Expand) -> None:
    check = checked(expand_text(EVERYTHING))
    assert check.disagreements == ()
    assert {counter.note for counter in check.counters} == {""}


def test_a_swapped_layer_is_named(expand_text: Expand) -> None:
    graph = expand_text(BOTTLENECK)
    module = build(graph)
    module.set_submodule("conv2", nn.Conv2d(4, 4, 1, bias=False))
    static, seen = str(3 * 3 * 4 * 4 * 8 * 8), str(4 * 4 * 8 * 8)
    whole = 16 * 4 * 8 * 8 + 4 * 16 * 8 * 8
    check = checked(graph, module)
    assert not check.agree
    assert lines(check) == {
        *((counter, "conv2", "macs", static, seen) for counter in ("hooks", "fvcore", "torch")),
        *(
            (counter, "total", "macs", str(whole + int(static)), str(whole + int(seen)))
            for counter in ("hooks", "fvcore", "torch")
        ),
        ("hooks", "conv2", "params", str(3 * 3 * 4 * 4), str(4 * 4)),
        ("module", "total", "params", str(16 * 4 + 3 * 3 * 4 * 4 + 8 + 64), str(16 * 4 + 4 * 4 + 8 + 64)),
    }


def test_a_swapped_layer_changes_the_shapes_behind_it(expand_text: Expand) -> None:
    graph = expand_text(BOTTLENECK)
    module = build(graph)
    module.set_submodule("conv2", nn.Conv2d(4, 4, 3, bias=False))
    shapes = {line for line in lines(checked(graph, module)) if line[2] == "output"}
    assert shapes == {
        ("hooks", "conv2", "output", "4×8×8", "4×6×6"),
        ("hooks", "conv2_norm", "output", "4×8×8", "4×6×6"),
        ("hooks", "conv3", "output", "16×8×8", "16×6×6"),
        ("torch", "conv3", "output", "16×8×8", "16×6×6"),
    }


def test_the_shape_of_a_join_is_seen_where_it_enters_a_layer(expand_text: Expand) -> None:
    graph = expand_text(
        "input: [4, 8, 8]\nlayers: [{concat: {a: [{maxpool: {kernel: 2}}], b: [{avgpool: {kernel: 2}}]}}, sigmoid]"
    )
    module = build(graph)
    module.set_submodule("concat.a.maxpool", nn.MaxPool2d(4))
    module.set_submodule("concat.b.avgpool", nn.AvgPool2d(4))
    assert ("hooks", "concat", "output", "8×4×4", "8×2×2") in lines(checked(graph, module))


def test_layers_within_a_layer_count_for_its_node(expand_text: Expand) -> None:
    graph = expand_text(BOTTLENECK)
    module = build(graph)
    module.set_submodule("conv3", nn.Sequential(nn.Conv2d(4, 8, 1, bias=False), nn.Conv2d(8, 16, 1, bias=False)))
    static, seen = str(4 * 16 * 8 * 8), str((4 * 8 + 8 * 16) * 8 * 8)
    found = lines(checked(graph, module))
    assert {line for line in found if line[2] == "macs" and line[1] != "total"} == {
        (counter, "conv3", "macs", static, seen) for counter in ("hooks", "fvcore", "torch")
    }
    assert ("hooks", "conv3", "params", str(4 * 16), str(4 * 8 + 8 * 16)) in found


class Doubled(nn.Module):
    """A layer that multiplies where no counter by layers looks."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.erfinv(x) * self.scale.sum()


def test_what_a_counter_does_not_know_stands_in_its_note(expand_text: Expand) -> None:
    graph = expand_text("input: [4, 8, 8]\nlayers: [relu]")
    module = build(graph)
    module.set_submodule("relu", Doubled())
    check = checked(graph, module)
    assert {counter.counter: counter.note for counter in check.counters} == {
        "hooks": "counts no multiply–adds of Doubled",
        "torch": "",
        "fvcore": "does not know aten::erfinv",
    }
    assert lines(check) == {("module", "total", "params", "0", "3"), ("hooks", "relu", "params", "0", "3")}


def test_a_wrong_static_figure_is_found(expand_text: Expand) -> None:
    graph = expand_text(BOTTLENECK)
    figures = count(graph)
    conv1, *others = figures.by_node
    wrong = dataclasses.replace(figures, by_node=(conv1._replace(macs=7, output=(5, 8, 8)), *others))
    found = checked(graph, figures=wrong).disagreements
    assert Disagreement("torch", "conv1", "macs", "7", str(16 * 4 * 8 * 8)) in found
    assert Disagreement("hooks", "conv1", "output", "5×8×8", "4×8×8") in found
    assert {difference.node for difference in found} == {"conv1"}


def test_the_module_stays_as_it_was(expand_text: Expand) -> None:
    graph = expand_text(BOTTLENECK)
    module = build(graph)
    threads = torch.get_num_threads()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    checked(graph, module)
    assert module.training
    assert torch.get_num_threads() == threads
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert not hooked(module)


def hooked(module: nn.Module) -> bool:
    return any(layer._forward_hooks or layer._forward_pre_hooks for layer in module.modules())


@pytest.mark.parametrize("counter", [count_by_hooks, count_by_flop_counter])
def test_hooks_are_taken_off_after_an_exception_too(expand_text: Expand, counter: Callable[..., object]) -> None:
    graph = expand_text(BOTTLENECK)
    module = build(graph).eval()
    with pytest.raises(RuntimeError, match="channels"):
        counter(module, (torch.zeros(1, 3, 8, 8),))
    assert not hooked(module)
    counter(module, example_inputs(graph))
    assert not hooked(module)


def test_fvcore_leaves_its_hooks_after_an_exception(expand_text: Expand) -> None:
    # The reason why it gets a copy; where this fails, fvcore has mended it.
    module = build(expand_text(BOTTLENECK)).eval()
    with pytest.raises(RuntimeError, match="channels"):
        count_by_fvcore(module, (torch.zeros(1, 3, 8, 8),))
    assert hooked(module)


class GoesOn(nn.Module):
    """Tries what torch refuses, and then something else."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong, self.right = nn.Conv2d(5, 4, 1), nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        try:
            x = self.wrong(x)
        except RuntimeError:
            x = self.right(x)
        return x


def test_tracing_that_an_operator_ends_is_told() -> None:  # torch 2.13 crashes on it
    with pytest.raises(RuntimeError, match="tracing ended at an operator that raised"):
        count_by_fvcore(GoesOn(), (torch.zeros(1, 3, 8, 8),))


def test_fvcore_is_left_out_of_large_networks(expand_text: Expand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "FVCORE_NODES", 3)
    graph = expand_text(BOTTLENECK)
    check = crosscheck(graph, count(graph))
    fvcore = check.counters[-1]
    assert (fvcore.counter, fvcore.macs, fvcore.macs_by_node) == ("fvcore", None, None)
    assert fvcore.note == "left out: 4 nodes, and above 3 it takes very long"
    assert check.agree


def test_fvcore_is_left_out_of_long_runs_and_the_others_need_no_run(expand_text: Expand) -> None:
    # 10^5·10^5·200·200 multiply–adds and 37 GiB of weights: nobody computes that here.
    graph = expand_text("input: [100000, 200, 200]\nlayers: [{conv: {out: 100000, kernel: 1}}]")
    check = crosscheck(graph, count(graph))
    assert [counter.macs for counter in check.counters] == [10**10 * 200 * 200] * 2 + [None]
    assert check.counters[-1].note == "left out: it runs the module, and above 200 G multiply–adds that takes very long"
    assert check.agree


def test_fvcore_is_left_out_where_the_memory_is_too_small(expand_text: Expand, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise MemoryBudgetError("at least 9 GiB are needed")

    monkeypatch.setattr(counters, "check_memory", refuse)
    graph = expand_text(EVERYTHING)
    check = crosscheck(graph, count(graph))
    assert check.counters[-1].note == "left out: at least 9 GiB are needed"
    assert check.agree


def test_tensors_that_torch_cannot_have_are_refused(expand_text: Expand) -> None:
    graph = expand_text("input: [1000000000, 8, 8]\nlayers: [{conv: {out: 1000000000, kernel: 3}}]")
    with pytest.raises(MemoryBudgetError, match="`conv` needs a tensor of 1000000000×1000000000×3×3 elements"):
        crosscheck(graph, count(graph))


def test_large_networks_are_counted_on_meta_with_the_same_result(
    expand_text: Expand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "META_MACS", 0)
    graph = expand_text(EVERYTHING)
    figures = count(graph)
    check = crosscheck(graph, figures)
    assert check.agree
    assert [counter.macs for counter in check.counters] == [figures.macs] * 3


def test_hundreds_of_nodes(expand_text: Expand) -> None:
    graph = expand_text(
        "input: [4, 2, 2]\n"
        "layers: [{repeat: {times: 200, layers: [{conv: {out: 4, kernel: 1, norm: batchnorm, act: relu}}]}}]"
    )
    check = crosscheck(graph, count(graph))
    assert check.agree
    assert [counter.macs for counter in check.counters] == [200 * 4 * 4 * 2 * 2] * 3


def test_the_compiler_is_not_imported_for_a_count() -> None:
    # It takes as long as importing torch; see `compiler.py`.
    code = (
        "import sys, cnnx; from cnnx.pytorch.counters.crosscheck import crosscheck; "
        "graph = cnnx.load('residual_bottleneck', input=(16, 8, 8), channels=16); "
        "assert crosscheck(graph, cnnx.count(graph)).agree; "
        "print([name for name in ('torch._dynamo', 'sympy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
