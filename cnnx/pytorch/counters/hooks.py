"""Counting by forward hooks: the layers that ran, their weights, and what came out of them.

A convolution's output element is a sum over one filter, a linear layer's over one row of its weights; so the
multiply–adds follow from the weights and the output that were seen, whatever the options of the layer say.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from cnnx.graph.operation import Shape
from cnnx.pytorch.counters.seen import Seen, innermost_layers, result_shapes, shape_of

_MULTIPLIES = (nn.Conv2d, nn.Linear)
_SCALES = (nn.BatchNorm1d, nn.BatchNorm2d)  # have weights and make no multiply–add that is counted


def count_by_hooks(module: nn.Module, inputs: tuple[Tensor, ...]) -> Seen:
    """Run a module on a batch of one and note what its layers do; the hooks are taken off again, whatever happens."""
    log = _Log(dict(innermost_layers(module)))
    handles = [layer.register_forward_hook(partial(log.note, path)) for path, layer in module.named_modules() if path]
    try:
        with torch.no_grad():
            results = module(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return log.seen(result_shapes(results))


class _Log:
    """What the hooks noted."""

    def __init__(self, innermost: dict[str, nn.Module]) -> None:
        self.innermost = innermost
        self.macs: dict[str, int] = {}
        self.params: dict[str, int] = {}
        self.inputs: dict[str, tuple[Shape, ...]] = {}
        self.outputs: dict[str, Shape] = {}
        self.unknown: set[str] = set()

    def note(self, path: str, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Note one call of a layer."""
        self.inputs.setdefault(path, tuple(map(shape_of, inputs)))
        self.outputs.setdefault(path, shape_of(output))
        if path not in self.innermost:
            return
        self.params[path] = sum(weight.numel() for weight in layer.parameters())
        if isinstance(layer, _MULTIPLIES):
            self.macs[path] = self.macs.get(path, 0) + layer.weight[0].numel() * output.numel()
        elif self.params[path] and not isinstance(layer, _SCALES):
            self.unknown.add(type(layer).__name__)

    def seen(self, results: tuple[Shape, ...]) -> Seen:
        """Give what was noted."""
        note = f"counts no multiply–adds of {', '.join(sorted(self.unknown))}" if self.unknown else ""
        macs = sum(self.macs.values())
        return Seen(macs, self.macs, self.params, self.inputs, self.outputs, results, note)
