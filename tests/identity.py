"""What shows that a network of ours is the same function as a reference, and not merely of the same size.

`tests/reference/<network>.json` tells of one network, as `source` computed it: its input, its weights (`params`; of
the layers that run in eval mode, `params_used`), its multiply–adds, every layer with weights in order of execution,
and the logits that it gives when it is filled by this rule, in float64 and eval mode.

The i-th layer in order of execution (i = 0, 1, … over convolutions, linear layers and batch norms together; a layer
counts where it first runs) takes, with `n(shape, s) = numpy.random.RandomState(s).standard_normal(shape)`:

- convolution and linear layer: `weight = n(weight.shape, i)·sqrt(2 / fan_in)` with `fan_in = weight[0].numel()`,
  `bias = 0.1·n(bias.shape, i + 10000)`;
- batch norm: `weight = 1 + 0.1·n(C, i)`, `bias = 0.1·n(C, i + 10000)`, `running_mean = 0.1·n(C, i + 20000)`,
  `running_var = exp(0.1·n(C, i + 30000))`.

The image is `n((1, channels, height, width), 12345)`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor, nn

from cnnx.graph.convolution import Conv, Linear
from cnnx.graph.graph import Graph, Node
from cnnx.graph.pointwise import BatchNorm
from cnnx.pytorch.build import build

REFERENCES = Path(__file__).parent / "reference"
Layer = dict[str, Any]


def reference_names() -> list[str]:
    """Name the networks of which a reference tells."""
    others = {"members", "peers"}  # further members of families (test_members.py), and what counters report
    return sorted(path.stem for path in REFERENCES.glob("*.json") if path.stem not in others)


@cache
def reference(name: str) -> dict[str, Any]:
    """Read what the reference tells of a network."""
    facts: dict[str, Any] = json.loads((REFERENCES / f"{name}.json").read_text("utf-8"))
    return facts


def layers(graph: Graph) -> list[Layer]:
    """Describe every layer with weights as the references do, in order of execution."""
    return [described for node in graph if (described := layer(node)) is not None]


def layer(node: Node) -> Layer | None:
    """Describe a node with weights as the references do; others are None."""
    match node.op:
        case Conv() as conv:
            return {
                "op": "conv",
                "weight": list(conv.weights()["weight"]),
                "stride": list(conv.stride),
                "dilation": list(conv.dilation),
                "groups": conv.groups,
                "bias": conv.bias,
                "out": list(node.shape),
                "padding": list(conv.padding),
            }
        case BatchNorm() as norm:
            return {"op": "batchnorm", "channels": norm.channels, "out": list(node.shape), "eps": norm.eps}
        case Linear() as linear:
            weight = list(linear.weights()["weight"])
            return {"op": "linear", "weight": weight, "bias": linear.bias, "out": list(node.shape)}
    return None


def as_linear(facts: Layer) -> Layer:
    """Describe a 1×1 convolution of a map of one position as the linear layer that it is."""
    if facts["op"] != "conv" or facts["out"][1:] != [1, 1] or facts["weight"][2:] != [1, 1] or facts["groups"] != 1:
        return facts
    return {"op": "linear", "weight": facts["weight"][:2], "bias": facts["bias"], "out": facts["out"][:1]}


def logits(graph: Graph) -> Tensor:
    """Build a network in float64, fill it by the rule, and run it in eval mode on the rule's image."""
    module = build(graph, dtype="float64").eval()
    fill(module, [node.name for node in graph if layer(node) is not None])
    (shape,) = graph.inputs.values()
    with torch.inference_mode():
        output = module(normal((1, *shape), 12345))[0]
    assert isinstance(output, Tensor)
    return output


def fill(module: nn.Module, names: Sequence[str]) -> None:
    """Fill the layers of these names, which stand in order of execution, by the rule."""
    with torch.no_grad():
        for i, name in enumerate(names):
            _fill_layer(module.get_submodule(name), i)


def _fill_layer(one: nn.Module, i: int) -> None:
    assert isinstance(one, nn.Conv2d | nn.Linear | nn.BatchNorm2d)
    if isinstance(one, nn.BatchNorm2d):
        assert one.running_mean is not None
        assert one.running_var is not None
        channels = (one.num_features,)
        one.weight.copy_(1 + 0.1 * normal(channels, i))
        one.running_mean.copy_(0.1 * normal(channels, i + 20000))
        one.running_var.copy_(torch.exp(0.1 * normal(channels, i + 30000)))
    else:
        one.weight.copy_(normal(tuple(one.weight.shape), i) * (2 / one.weight[0].numel()) ** 0.5)
    if one.bias is not None:
        one.bias.copy_(0.1 * normal(tuple(one.bias.shape), i + 10000))


def normal(shape: tuple[int, ...], seed: int) -> Tensor:
    """Draw standard normal numbers, in float64, from a seed of their own."""
    return torch.from_numpy(numpy.random.RandomState(seed).standard_normal(shape))
