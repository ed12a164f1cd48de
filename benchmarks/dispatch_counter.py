"""cnnx's count of any module against torch's FlopCounterMode on the same module, both on the meta device.

They take turns, and are compared round by round: what slows the machine down slows both. cnnx's time is that of all it
does: the module is kept as it was, its operators are counted with their FLOPs, bytes and places, and figures are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.row import Row, best
from cnnx import count, load
from cnnx.analysis.figures import Figures
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.foreign.count import count_module

ROUNDS = 15
AT_MOST = 0.95
TIMED = ("mobilenetv3_large", "resnet50", "densenet121", "vgg16")
COUNTED = (
    "alexnet", "bn_inception", "densenet121", "efficientnet_b0", "inception_resnet_v1", "inceptionv3", "inceptionv4",
    "lenet5", "mobilenetv1", "mobilenetv2", "mobilenetv3_large", "mobilenetv3_small", "nin", "resnet18", "resnet50",
    "resnext50_32x4d", "shufflenetv1", "squeezenet1_0", "vgg16", "xception",
)  # fmt: skip
Case = tuple[nn.Module, tuple[Any, ...]]


def rows() -> Iterator[Row]:
    """Time every module, then count the networks."""
    for name, (module, inputs) in _cases().items():
        yield _timed(name, module, inputs)
    yield _counted()


def _cases() -> Mapping[str, Case]:
    with torch.device("meta"):
        transformer = nn.Transformer(256, 8, 3, 3, 1024, batch_first=True).eval()
        tokens = torch.empty(1, 64, 256)
    return {name: _network(name) for name in TIMED} | {
        "nn.Transformer, 3 and 3 layers": (transformer, (tokens, tokens))
    }


def _network(name: str) -> Case:
    graph = load(name)
    return build(graph, device="meta").eval(), example_inputs(graph, device="meta")


def _timed(name: str, module: nn.Module, inputs: tuple[Any, ...]) -> Row:
    def by_torch() -> int:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            module(*inputs)
        return int(counter.get_total_flops())

    def by_cnnx() -> int:
        return 2 * count_module(module, *inputs).figures.macs

    equal = by_cnnx() == by_torch()  # the first calls, which import what torch needs for meta
    pairs = [(best(by_cnnx, 1), best(by_torch, 1)) for _ in range(ROUNDS)]
    ratio = median(own / other for own, other in pairs)
    seconds = [1e3 * median(each) for each in zip(*pairs, strict=True)]
    found = f"{seconds[0]:.2f} ms / {seconds[1]:.2f} ms = {ratio:.3f}, {'equal' if equal else 'NOT EQUAL'}"
    return Row(f"{name}: counted / by FlopCounterMode", found, f"≤ {AT_MOST:g}, equal", equal and ratio <= AT_MOST)


def _counted() -> Row:
    wrong = [name for name in COUNTED if not _is_exact(name)]
    found = f"{len(COUNTED) - len(wrong)} of {len(COUNTED)} equal in all" + "".join(f", not {name}" for name in wrong)
    return Row("networks: counted on meta / static figures", found, "all equal", not wrong)


def _is_exact(name: str) -> bool:
    graph = load(name)
    static = count(graph)
    seen = count_module(build(graph, device="meta"), *example_inputs(graph, device="meta")).figures
    return _told(seen) == _told(static)


def _told(figures: Figures) -> tuple[int, int, int, int, dict[str, int]]:
    by_category = dict(figures.flops_by_category)
    return figures.params, figures.buffers, figures.macs, figures.flops, by_category
