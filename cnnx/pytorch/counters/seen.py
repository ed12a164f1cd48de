"""What a counter saw on a module; the three counters fill it, the cross-check compares it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from cnnx.graph.operation import Shape


@dataclass(frozen=True, slots=True)
class Seen:
    """Counts for one image, by the paths of the innermost layers; shapes are without the batch.

    `inputs` and `outputs` have the shapes at every module that was called, those at its first call; `results` those
    of the whole. What a counter cannot say is empty. `note` says what it did not know. `reported` is the total that
    the tool itself gives, by its own convention.
    """

    macs: int
    macs_by_layer: Mapping[str, int]
    params_by_layer: Mapping[str, int] | None = None
    inputs: Mapping[str, tuple[Shape, ...]] = field(default_factory=dict)
    outputs: Mapping[str, Shape] = field(default_factory=dict)
    results: tuple[Shape, ...] = ()
    note: str = ""
    reported: int | None = None


def innermost_layers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Give the paths and layers within a module that contain no others."""
    for path, layer in module.named_modules():
        if path and next(layer.children(), None) is None:
            yield path, layer


def shape_of(tensor: Tensor) -> Shape:
    """Give the shape of a tensor without its batch."""
    return tuple(tensor.shape[1:])


def result_shapes(results: Tensor | tuple[Tensor, ...]) -> tuple[Shape, ...]:
    """Give the shapes of what a module gave, without the batch."""
    return tuple([shape_of(result) for result in (results if isinstance(results, tuple) else (results,))])
