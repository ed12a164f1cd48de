"""What counts as one operation: conventions as data, and the figures of a graph under each.

A convention gives, for each operation, integer factors of quantities of a node: its multiply–adds, the elements that
enter and leave it, its weights. What it does not name counts as nothing, as an operation without a rule does in the
tools. An operation that derives from another (`deform_conv` from `conv`) is counted as that one, unless it is named.

`cnnx` is this project's own. Each of the others reproduces what a tool, as it comes, reports for the module that cnnx
builds (in evaluation mode, for one image), to the last digit; `beyond` says where that cannot be had from the graph.
The rules were read in the tools' own code, at the version that each names, and held against their answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cnnx.analysis.conventions.quantities import QUANTITIES, Quantity
from cnnx.analysis.figures import CONVENTION, Figures, NodeFigures, flops_by_category
from cnnx.errors import UsageError, brief, nearest
from cnnx.graph.convolution import Conv, DeformConv, Linear
from cnnx.graph.joins import Multiply, Warp
from cnnx.graph.operation import Operation
from cnnx.graph.pointwise import BatchNorm, Gelu, LeakyRelu, Lrn, Relu, Relu6, Scale, Silu, Softmax
from cnnx.graph.pooling import AdaptiveAvgPool, AvgPool, GlobalAvgPool, MaxPool, Resize

Factors = Mapping[Quantity, int]


@dataclass(frozen=True, slots=True)
class Convention:
    """What counts as one operation.

    `tool` is whose convention it is, with the version; `calls` what the tool calls its number; `source` where in its
    code the rules stand; `beyond` what cannot be had from the graph.
    """

    name: str
    tool: str
    calls: str
    source: str
    factors: Mapping[type[Operation], Factors]
    beyond: str = ""

    def apply(self, figures: Figures) -> Figures:
        """Give the figures with the FLOPs, in all, by category and by node, that this convention counts."""
        if self.name == figures.convention:
            return figures
        nodes = tuple([node._replace(flops=self._flops(node)) for node in figures.by_node])
        return replace(
            figures,
            flops=sum([node.flops for node in nodes]),
            flops_by_category=flops_by_category(nodes),
            by_node=nodes,
            convention=self.name,
        )

    def _flops(self, node: NodeFigures) -> int:
        return sum([factor * QUANTITIES[what](node) for what, factor in self.factors_of(type(node.op)).items()])

    def factors_of(self, operation: type[Operation]) -> Factors:
        """Give the factors for an operation: its own, else those of the nearest that it derives from, else none."""
        return next((self.factors[kind] for kind in operation.__mro__ if kind in self.factors), {})


_MACS: Factors = {Quantity.MACS: 1}
_MACS_AND_BIAS: Factors = {Quantity.MACS: 1, Quantity.BIAS: 1}
_INPUT: Factors = {Quantity.INPUT: 1}
_INPUT_TWICE: Factors = {Quantity.INPUT: 2}
_OUTPUT: Factors = {Quantity.OUTPUT: 1}
# Local response normalisation as PyTorch computes it: x·x, the mean over padded channels, a factor, an offset.
_LRN_BY_FUNCTIONS: Factors = {Quantity.INPUT: 4, Quantity.PADDED: 1}
_NOTHING: Factors = {}

PRESETS = (
    Convention(
        name=CONVENTION,
        tool="cnnx",
        calls="FLOPs",
        source="each operation's own rules in cnnx/graph",
        factors={Operation: {Quantity.MACS: 2, Quantity.OTHER: 1}},
    ),
    Convention(
        name="fvcore",
        tool="fvcore 0.1.5.post20221221",
        calls="flops",
        source="FlopCountAnalysis: fvcore/nn/flop_count.py, jit_handles.py",
        factors={
            Conv: _MACS,
            DeformConv: {Quantity.MACS: 1, Quantity.SAMPLES: 4},
            Warp: {Quantity.OUTPUT: 4},
            Linear: _MACS,
            BatchNorm: _INPUT_TWICE,
            AdaptiveAvgPool: _INPUT,
            GlobalAvgPool: _INPUT,
            Resize: {Quantity.BILINEAR: 4, Quantity.NEAREST: 1},
        },
        beyond="A global pooling that is written as `.mean` counts as nothing, and so does a convolution whose padding "
        "is given as text.",
    ),
    Convention(
        name="torch",
        tool="torch's FlopCounterMode",
        calls="flops",
        source="torch/utils/flop_counter.py, torch 2.13",
        factors={Conv: {Quantity.MACS: 2}, Linear: {Quantity.MACS: 2}},
    ),
    Convention(
        name="torchinfo",
        tool="torchinfo 1.8.0",
        calls="mult-adds",
        source="LayerInfo.calculate_macs: torchinfo/layer_info.py",
        factors={Conv: _MACS_AND_BIAS, Linear: _MACS_AND_BIAS, BatchNorm: {Quantity.WEIGHTS: 1}},
    ),
    Convention(
        name="thop",
        tool="thop 0.1.1.post2209072238",
        calls="MACs",
        source="thop/profile.py, thop/vision/basic_hooks.py, calc_func.py",
        factors={
            Conv: _MACS,
            DeformConv: _NOTHING,
            Linear: _MACS,
            BatchNorm: {Quantity.INPUT: 4},
            AvgPool: _OUTPUT,
            AdaptiveAvgPool: {Quantity.INPUT: 1, Quantity.OUTPUT: 1},
            GlobalAvgPool: {Quantity.INPUT: 1, Quantity.OUTPUT: 1},
            Softmax: {Quantity.INPUT: 3, Quantity.POSITIONS: -1},
            Resize: {Quantity.BILINEAR: 11, Quantity.NEAREST: 1},
        },
        beyond="It sees layers, not functions: pooling by `F.avg_pool2d`, `F.adaptive_avg_pool2d` or `.mean` counts as "
        "nothing.",
    ),
    Convention(
        name="ptflops",
        tool="ptflops 0.7.5, backend pytorch",
        calls="MACs",
        source="ptflops/pytorch_engine.py, pytorch_ops.py",
        factors={
            Conv: _MACS_AND_BIAS,
            DeformConv: _NOTHING,
            Linear: _MACS_AND_BIAS,
            BatchNorm: _INPUT_TWICE,
            Lrn: _LRN_BY_FUNCTIONS,
            # Layers and the functions that they call are both counted, so what has a rule for each counts twice.
            Relu: _INPUT_TWICE,
            Gelu: _INPUT_TWICE,
            MaxPool: _INPUT_TWICE,
            AvgPool: _INPUT_TWICE,
            AdaptiveAvgPool: _INPUT_TWICE,
            GlobalAvgPool: _INPUT_TWICE,
            Resize: {Quantity.OUTPUT: 2},
            Relu6: _INPUT,
            LeakyRelu: _INPUT,
            Silu: _INPUT,
            Softmax: _INPUT,
        },
        beyond="Where code calls `F.relu` or a pooling function itself, not by a layer, these count once; sums and "
        "products by `+` and `*` count as nothing, by `torch.add` and `torch.mul` 1 an element.",
    ),
    Convention(
        name="ptflops_aten",
        tool="ptflops 0.7.5, backend aten",
        calls="MACs",
        source="ptflops/aten_engine.py, aten_ops.py",
        factors={Conv: _MACS_AND_BIAS, Linear: _MACS_AND_BIAS},
    ),
    Convention(
        name="calflops",
        tool="calflops 0.3.2",
        calls="FLOPs",
        source="calflops/pytorch_ops.py; its MACs, as DeepSpeed's, are those of conv and linear",
        factors={
            Conv: {Quantity.MACS: 2, Quantity.BIAS: 1},
            Linear: {Quantity.MACS: 2},
            BatchNorm: _INPUT_TWICE,
            Lrn: _LRN_BY_FUNCTIONS,
            Relu: _INPUT,
            LeakyRelu: _INPUT,
            Silu: _INPUT,
            Gelu: _INPUT,
            Softmax: _INPUT,
            MaxPool: _INPUT,
            AvgPool: _INPUT,
            AdaptiveAvgPool: _INPUT,
            GlobalAvgPool: _INPUT,
            Resize: {Quantity.POSITIONS: 1},
        },
        beyond="A global pooling that is written as `.mean` counts as nothing; sums and products by `torch.add` and "
        "`torch.mul` count 1 an element, by `+` and `*` nothing.",
    ),
    Convention(
        name="torchprofile",
        tool="torchprofile 0.1.0",
        calls="MACs",
        source="torchprofile/handlers.py",
        factors={
            Conv: _MACS,
            DeformConv: {Quantity.MACS: 1, Quantity.SAMPLES: 4},
            Warp: {Quantity.OUTPUT: 4},
            Linear: _MACS,
            BatchNorm: _OUTPUT,
            Lrn: {Quantity.INPUT: 3},
            AvgPool: _OUTPUT,
            AdaptiveAvgPool: _OUTPUT,
            GlobalAvgPool: _OUTPUT,
            Multiply: {Quantity.PRODUCTS: 1},
            Scale: _OUTPUT,
            Resize: {Quantity.BILINEAR: 4},
        },
        beyond="It has no rule for a leaky ReLU in place, as cnnx builds it wherever it can; elsewhere that counts 1 "
        "an element. The products that turn the offsets of a deformable convolution or a warp into places count too.",
    ),
)


def find_convention(name: str) -> Convention:
    """Give the convention of that name. Raises `UsageError`, with the nearest name."""
    known = {convention.name: convention for convention in PRESETS}
    if name not in known:
        hint = nearest(name, known) or f"there are {', '.join(known)}"
        raise UsageError(f"no convention is named `{brief(name, 40)}`", hint=hint)
    return known[name]
