"""Records as JSON: exact integers, units in the names of fields, null for what was not asked for, no NaN."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cnnx.analysis.environment import Environment
from cnnx.analysis.figures import CONVENTION, Figures, NodeFigures
from cnnx.analysis.memory.inference import Memory
from cnnx.analysis.receptive_field import ReceptiveField

if TYPE_CHECKING:
    from cnnx.analysis.records import Latency

SCHEMA = "cnnx/1"

# What every result of a model has, and how every command calls it.
RESULT_FIELDS = (
    "name", "parameters", "input", "output", "params", "buffers", "macs", "flops", "weight_bytes", "buffer_bytes",
    "activation_elements", "memory_access_elements", "flops_per_byte", "peak_inference_bytes", "training_bytes",
    "receptive_field", "flops_by_category", "crosscheck", "latency_ms", "ratio_to_first",
)  # fmt: skip

Object = dict[str, Any]


def write_json(document: Object) -> str:
    """Write a document as JSON text."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def document(environment: Environment, results: Sequence[Object], convention: str = CONVENTION) -> Object:
    """Give what every JSON answer begins with, and the results, whose FLOPs are by `convention`."""
    return {
        "schema": SCHEMA,
        "cnnx": environment.cnnx,
        "environment": asdict(environment),
        "convention": convention,
        "results": list(results),
    }


def result(figures: Figures, memory: Memory | None = None) -> Object:
    """Give the figures of one graph; what only a command with other means can tell is null."""
    return {
        "name": figures.name,
        "parameters": dict(figures.parameters),
        "input": {name: list(shape) for name, shape in figures.input.items()},
        "output": {name: list(shape) for name, shape in figures.output.items()},
        "params": figures.params,
        "buffers": figures.buffers,
        "macs": figures.macs,
        "flops": figures.flops,
        "weight_bytes": figures.weight_bytes,
        "buffer_bytes": figures.buffer_bytes,
        "activation_elements": figures.activation_elements,
        "memory_access_elements": figures.memory_access_elements,
        "flops_per_byte": figures.flops_per_byte,
        "peak_inference_bytes": None if memory is None else memory.peak.bytes,
        "training_bytes": None if memory is None else memory.training.bytes,
        "receptive_field": {name: _receptive_field(field) for name, field in figures.receptive_field.items()},
        "flops_by_category": dict(figures.flops_by_category),
        "crosscheck": None,
        "latency_ms": None,
        "ratio_to_first": None,
    }


def _receptive_field(field: ReceptiveField) -> Object:
    axes = {"height": field.height, "width": field.width}
    return {
        "size": None if field.size is None else list(field.size),
        "global": field.is_global,
        **{name: None if axis is None else {"low": axis.low, "high": axis.high} for name, axis in axes.items()},
        "jump": None if field.height is None or field.width is None else [field.height.jump, field.width.jump],
        "reason": field.reason,
    }


def node_object(node: NodeFigures) -> Object:
    """Give the figures of one node."""
    return {
        "name": node.name,
        "operation": node.op.word,
        "settings": node.op.describe(),
        "category": str(node.op.category),
        "inputs": [list(shape) for shape in node.inputs],
        "output": list(node.output),
        "params": node.params,
        "buffers": node.buffers,
        "macs": node.macs,
        "flops": node.flops,
        "activation_elements": node.activation_elements,
        "memory_access_elements": node.memory_access_elements,
    }


def latency_object(latency: Latency) -> Object:
    """Give one measured latency, in milliseconds a call."""
    return {
        "device": latency.device,
        "median": latency.median,
        "p25": latency.p25,
        "p75": latency.p75,
        "rounds": latency.rounds,
        "ci95": list(latency.ci95),
        "calls_per_sample": latency.calls_per_sample,
    }
