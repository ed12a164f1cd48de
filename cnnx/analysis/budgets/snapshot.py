"""What a check knows of a model: what was asked for, the figures that came of it, and the cost of every layer.

A snapshot is all that budgets and baselines look at, so that a model of any origin can be checked that can be
brought into this form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cnnx.analysis.figures import Figures
from cnnx.analysis.memory.inference import Memory
from cnnx.graph.operation import Shape
from cnnx.spec.values import Value


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What one layer costs, for one image."""

    name: str
    operation: str  # as tables have it: `conv 3×3 /2`
    output: Shape
    params: int
    macs: int
    flops: int
    activation_elements: int  # of its output


@dataclass(frozen=True, slots=True)
class Asked:
    """What a figure was asked for with: it can be held only against one that was asked for alike.

    `settings` are the parameters or arguments that were set, and `inputs` the shapes that were given, as they are shown
    (None: the model's own). Where its own defaults change between two snapshots, what was asked for stays the same.
    """

    settings: Mapping[str, Value]
    inputs: tuple[str, ...] | None = None
    dtype: str = "float32"
    batch: int = 1
    convention: str = "cnnx"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The figures of a model by their names in JSON, and its layers in execution order."""

    name: str
    asked: Asked
    parameters: Mapping[str, Value]
    input: Mapping[str, Shape]
    output: Mapping[str, Shape]
    figures: Mapping[str, int]
    peak_node: str  # where the peak of inference is; empty where that is not known
    layers: tuple[LayerCost, ...] | None = field(repr=False)  # None where only the figures are known


def take_snapshot(figures: Figures, memory: Memory | None, asked: Asked) -> Snapshot:
    """Bring figures, and the memory that is needed where that can be told, into the form that is checked."""
    peak = None if memory is None else memory.peak
    counted = {
        "params": figures.params,
        "macs": figures.macs,
        "flops": figures.flops,
        "weight_bytes": figures.weight_bytes,
        "activation_elements": figures.activation_elements,
        **({} if peak is None else {"peak_inference_bytes": peak.bytes}),
    }
    layers = [
        LayerCost(
            node.name,
            f"{node.op.word} {node.op.describe()}".rstrip(),
            output=node.output,
            params=node.params,
            macs=node.macs,
            flops=node.flops,
            activation_elements=node.activation_elements,
        )
        for node in figures.by_node
    ]
    shapes, node = (dict(figures.input), dict(figures.output)), "" if peak is None else peak.node
    return Snapshot(figures.name, asked, dict(figures.parameters), *shapes, counted, node, tuple(layers))
