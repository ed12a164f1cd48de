"""What eight tools report of reference networks is what their conventions say, or the network's row says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cnnx
from cnnx.analysis.claims.verification import remarks_of
from cnnx.analysis.conventions.presets import find_convention
from cnnx.analysis.figures import count
from cnnx.spec.folders import built_in_folder
from cnnx.spec.library import Library

PEERS = json.loads((Path(__file__).parent / "reference" / "peers.json").read_text("utf-8"))
# The peers' names of networks and tools, and cnnx's.
NETWORKS = {
    "resnet50": "resnet50",
    "mobilenet_v3_large": "mobilenetv3_large",
    "densenet121": "densenet121",
    "efficientnet_b0": "efficientnet_b0",
    "googlenet": "googlenet_bn",
    "shufflenet_v2_x1_0": "shufflenetv2_x1_0",
    "vgg16": "vgg16",
    "alexnet": "alexnet",
}
TOOLS = {
    "fvcore": "fvcore",
    "torch_flop_counter": "torch",
    "ptflops_pytorch": "ptflops",
    "ptflops_aten": "ptflops_aten",
    "thop": "thop",
    "torchinfo": "torchinfo",
    "torchprofile": "torchprofile",
    "calflops_flops": "calflops",
}
MAP = 1024 * 7 * 7  # what enters the last pooling of DenseNet-121 and ShuffleNet v2 1.0×
# What cannot be had from the graph: torchvision does by a function what these tools look for in a layer.
BY_FUNCTIONS = {
    # `F.relu` and `F.adaptive_avg_pool2d` at the end: thop sees no layer (its 1 an input and 1 an output element),
    # ptflops counts each of them once, not for the layer and for the function.
    ("densenet121", "thop"): MAP + 1024,
    ("densenet121", "ptflops"): MAP + MAP,
    # `F.relu` behind every convolution: once, not twice. Elements by stage: the stem, then the outputs of the
    # convolutions of each inception block, those before its 3×3 and 5×5 included.
    ("googlenet", "ptflops"): 64 * 112**2
    + (64 + 192) * 56**2
    + (256 + 96 + 16 + 480 + 128 + 32) * 28**2
    + (512 + 96 + 16 + 512 + 112 + 24 + 512 + 128 + 24 + 528 + 144 + 32 + 832 + 160 + 32) * 14**2
    + (832 + 160 + 32 + 1024 + 192 + 48) * 7**2,
    # `.mean([2, 3])` in place of the last pooling.
    ("shufflenet_v2_x1_0", "fvcore"): MAP,
    ("shufflenet_v2_x1_0", "thop"): MAP + 1024,
    ("shufflenet_v2_x1_0", "ptflops"): 2 * MAP,
    ("shufflenet_v2_x1_0", "calflops"): MAP,
}


@pytest.mark.parametrize("network", NETWORKS)
def test_every_tool_reports_of_a_reference_network_what_its_convention_says(network: str) -> None:
    reported: dict[str, Any] = dict(PEERS["networks"][network])
    shape, macs = tuple(reported.pop("input")), reported.pop("calflops_macs")
    figures = count(cnnx.load(NETWORKS[network], input=shape))
    assert figures.macs == macs
    computed = {
        tool: find_convention(name).apply(figures).flops - BY_FUNCTIONS.get((network, name), 0)
        for tool, name in TOOLS.items()
    }
    assert computed == reported


@pytest.mark.parametrize(("network", "tool"), BY_FUNCTIONS)
def test_where_a_tool_reports_otherwise_the_row_of_that_network_says_so(network: str, tool: str) -> None:
    target = Library([built_in_folder()]).open(NETWORKS[network])
    less = BY_FUNCTIONS[network, tool]
    (remark,) = [remark for remark in remarks_of(target) if tool in remark]
    assert f" {less} " in remark
    assert find_convention(tool).beyond
