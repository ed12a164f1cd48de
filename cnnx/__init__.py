"""What a convolutional block or network costs, and why.

    import cnnx

    graph = cnnx.load("bottleneck", channels=128)
    figures = cnnx.count(graph)
    module = cnnx.build(graph)

`load` and `count` need no torch; `build`, `measure` and `count_module` import it when they are called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnx.version import __version__

if TYPE_CHECKING:
    from torch import nn

    from cnnx.analysis.figures import Figures
    from cnnx.analysis.models.figures import ModelCount
    from cnnx.analysis.records import Measurement
    from cnnx.graph.graph import Graph

__all__ = ["__version__", "build", "count", "count_module", "load", "measure"]


def load(name: str, *, input: tuple[int, int, int] | None = None, **parameters: Any) -> Graph:  # noqa: A002 - the spec's own word
    """Expand a spec, found by name or path, into a graph.

    `parameters` are the spec's own; `input` is `(channels, height, width)` for one image.
    Raises `cnnx.errors.CnnxError`, with the place in the spec, where that is impossible.
    """
    from cnnx.graph.binding import check_input
    from cnnx.graph.expand import expand
    from cnnx.spec.library import Library

    library = Library()
    return expand(library.open(name), library, parameters, None if input is None else check_input(input))


def count(graph: Graph, dtype: str = "float32") -> Figures:
    """Count weights, multiply–adds, FLOPs, bytes and elements of a graph, for one image, without torch."""
    from cnnx.analysis.figures import count as count_graph

    return count_graph(graph, dtype)


def count_module(module: nn.Module, *inputs: Any) -> ModelCount:
    """Count what a call of any module costs, by the operators that it dispatches on the meta device, without data.

    `inputs` are its positional arguments, as they are: a batch of 1 gives the figures of one image. The module is left
    as it was. Raises `cnnx.errors.UsageError` where it cannot be run on these inputs or gives no tensor.
    """
    from cnnx.pytorch.foreign.count import count_module as count_by_dispatch

    return count_by_dispatch(module, *inputs)


def build(graph: Graph, *, device: str = "cpu", dtype: str = "float32", seed: int = 0) -> nn.Module:
    """Build an ordinary `torch.nn.Module` whose submodules have the names of the nodes."""
    from cnnx.pytorch.build import build as build_module

    return build_module(graph, device=device, dtype=dtype, seed=seed)


def measure(
    modules: Sequence[nn.Module],
    *,
    device: str = "cpu",
    batch: int = 1,
    dtype: str = "float32",
    rounds: int = 60,
) -> Measurement:
    """Measure built modules against each other, in milliseconds a call, by interleaved random rounds."""
    from cnnx.pytorch.latency import Settings
    from cnnx.pytorch.latency import measure as measure_modules

    return measure_modules(modules, Settings(device=device, batch=batch, dtype=dtype, rounds=rounds))
