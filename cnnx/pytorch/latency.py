"""The latency of modules, measured against each other.

The protocol (`protocol.py`) times every module once a round, in random order; the statistics (`statistics.py`)
compare two modules round by round. On CPU everything runs in this process; a graph's latency on a CUDA device is
measured in a process of its own (`cuda_child.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from cnnx.analysis.environment import Environment
from cnnx.analysis.figures import Figures, count
from cnnx.analysis.records import Latency, Measurement
from cnnx.errors import UsageError
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import Network, build, example_inputs
from cnnx.pytorch.calling import prepare_call
from cnnx.pytorch.channels_last import lay_out_inputs, lay_out_weights
from cnnx.pytorch.cpu_use import CpuUse, Disturbance, disturbance
from cnnx.pytorch.cuda_child import run_where_asked
from cnnx.pytorch.cuda_clock import CudaClock
from cnnx.pytorch.devices import check_device
from cnnx.pytorch.doubts import denormal, few_rounds, unsteady
from cnnx.pytorch.environment import before_measuring, measured_environment
from cnnx.pytorch.measuring_state import measuring_state
from cnnx.pytorch.memory_budget import check_memory
from cnnx.pytorch.protocol import Call, Clock, CpuClock, Samples, time_calls
from cnnx.pytorch.settings import Progress, Settings
from cnnx.pytorch.statistics import compare, summarize
from cnnx.pytorch.torch_errors import torch_errors
from cnnx.pytorch.unit_scale import scale_activations, vanishes

__all__ = ["Progress", "Settings", "measure", "measure_graphs"]

Inputs = tuple[Tensor, ...]


def measure(
    modules: Sequence[nn.Module],
    settings: Settings,
    inputs: Sequence[Inputs] | None = None,
    progress: Progress | None = None,
    names: Sequence[str] = (),
) -> Measurement:
    """Measure modules against each other, in this process, in milliseconds a call.

    `inputs` are the arguments for each module; modules that cnnx built know what they take. Warnings call them by
    `names`, or else by their positions. Modules are switched to evaluation meanwhile and, like all that is global,
    left as they were. No difference is claimed where other processes made the threads wait (`cpu_use.py`).
    Raises `UsageError` if a module is not where and what the settings say or does not take its inputs,
    `DeviceError` if the device cannot be used.
    """
    if not modules:
        raise UsageError("there are no modules to measure")
    check_device(settings.device)
    names = names or [f"module {position}" for position in range(1, len(modules) + 1)]
    for module, name in zip(modules, names, strict=True):
        _check_module(module, name, settings)
    arguments = [_inputs(module, settings) for module in modules] if inputs is None else list(inputs)
    if len(arguments) != len(modules):
        raise UsageError(f"inputs for {len(arguments)} modules, but there are {len(modules)} modules")
    with measuring_state(modules, settings), torch_errors(settings):
        calls = [prepare_call(module, given, settings).call for module, given in zip(modules, arguments, strict=True)]
        vanished = [vanishes(call()) for call in calls]
        samples, disturbed = time_watched(calls, clock_of(settings), settings, progress)
    return _measurement(samples, disturbed, vanished, names, settings)


class Preparable(Protocol):
    """What can be measured beside graphs: a model with its figures, which can be sent to another process."""

    @property
    def figures(self) -> Figures:
        """What it costs for one image."""
        ...

    def prepare(self, settings: Settings) -> tuple[nn.Module, Inputs]:
        """Give it and inputs for it as the settings say."""
        ...


Measurable = Graph | Preparable


def measure_graphs(
    graphs: Sequence[Measurable],
    settings: Settings,
    progress: Progress | None = None,
    command: str = "",
    labels: Sequence[str] = (),
) -> tuple[Measurement, Environment]:
    """Build graphs and measure them, and models, against each other; say where and how (`command` is the command line).

    Warnings call the graphs by their `labels`, or else by their names.

    Weights are scaled so that activations neither vanish nor grow, as in a trained network (`unit_scale.py`). The
    environment's warnings hold the measurement's own too.
    Raises `DeviceError` if the device cannot be used or fails, `MemoryBudgetError`, before anything is built, if the
    memory cannot hold the modules, `UsageError` if torch cannot run them so.
    """
    if not graphs:
        raise UsageError("there are no graphs to measure")
    names = tuple(labels or [figures_of(each, settings).name for each in graphs])
    return run_where_asked(MeasureGraphs(tuple(graphs), settings, command, names), settings, progress)


@dataclass(frozen=True, slots=True)
class MeasureGraphs:
    """The task of building and measuring graphs in one process."""

    graphs: tuple[Measurable, ...]
    settings: Settings
    command: str
    labels: tuple[str, ...]

    def run(self, progress: Progress | None) -> tuple[Measurement, Environment]:
        """Do it. Raises as `measure_graphs` does."""
        settings = self.settings
        check_memory([figures_of(each, settings) for each in self.graphs], settings)
        before = before_measuring(settings, self.command)
        with torch_errors(settings):
            prepared = [
                prepare(each, settings) if isinstance(each, Graph) else each.prepare(settings) for each in self.graphs
            ]
        networks, inputs = zip(*prepared, strict=True)
        measurement = measure(networks, settings, inputs, progress, self.labels)
        rounds = measurement.latencies[0].rounds
        return measurement, measured_environment(settings, before, rounds, measurement.warnings)


def figures_of(subject: Measurable, settings: Settings) -> Figures:
    """Give what a graph or model costs for one image."""
    return count(subject, settings.dtype) if isinstance(subject, Graph) else subject.figures


def prepare(graph: Graph, settings: Settings) -> tuple[Network, Inputs]:
    """Build a graph as the settings say, draw its inputs, and scale its weights to them."""
    built = build(graph, device=settings.device, dtype=settings.dtype, seed=settings.seed)
    network = lay_out_weights(built, settings)
    inputs = inputs_for(graph, settings)
    scale_activations(network, inputs)
    return network, inputs


def inputs_for(graph: Graph, settings: Settings) -> Inputs:
    """Make inputs of a graph as the settings say."""
    inputs = example_inputs(
        graph, batch=settings.batch, device=settings.device, dtype=settings.dtype, seed=settings.seed
    )
    return lay_out_inputs(inputs, settings)


def clock_of(settings: Settings) -> Clock:
    """Give the clock for the settings' device."""
    return CudaClock() if settings.on_cuda else CpuClock()


def _inputs(module: nn.Module, settings: Settings) -> Inputs:
    graph = getattr(module, "graph", None)
    if not isinstance(graph, Graph):
        raise UsageError("cnnx does not know what a module takes that it did not build", hint="give `inputs`")
    return inputs_for(graph, settings)


def _check_module(module: nn.Module, name: str, settings: Settings) -> None:
    """Check that the weights are where and what the settings say, as the result will say so too."""
    wanted, dtype = torch.device(settings.device), getattr(torch, settings.dtype)
    for weight in module.parameters():
        elsewhere = weight.device.type != wanted.type or wanted.index not in (None, weight.device.index)
        if elsewhere or (weight.is_floating_point() and weight.dtype != dtype):
            raise UsageError(
                f"{name} has weights of {str(weight.dtype).removeprefix('torch.')} on `{weight.device}`, "
                f"but {settings.dtype} on `{settings.device}` is to be measured"
            )


def _measurement(
    samples: Samples, disturbed: Disturbance, vanished: Sequence[bool], names: Sequence[str], settings: Settings
) -> Measurement:
    first, *others = samples.seconds
    latencies = [
        latency_of(seconds, calls, settings)
        for seconds, calls in zip(samples.seconds, samples.calls_per_sample, strict=True)
    ]
    ratios = [compare(first, seconds, settings.seed) for seconds in others]
    if disturbed.crowded:
        ratios = [replace(ratio, shown=False) for ratio in ratios]
    warnings = (
        *few_rounds(samples.rounds, settings),
        *disturbed.warnings(),
        *unsteady(latencies, names),
        *denormal(vanished, names),
    )
    return Measurement(tuple(latencies), (None, *ratios), warnings)


def latency_of(seconds: Sequence[float], calls: int, settings: Settings) -> Latency:
    """Give the latency that samples of so many calls each show."""
    summary = summarize([1e3 * value for value in seconds], settings.seed)
    return Latency(
        device=settings.device,
        median=summary.median,
        p25=summary.p25,
        p75=summary.p75,
        rounds=summary.n,
        ci95=summary.ci95,
        calls_per_sample=calls,
    )


def time_watched(
    calls: Sequence[Call], clock: Clock, settings: Settings, progress: Progress | None
) -> tuple[Samples, Disturbance]:
    """Time calls against each other, and watch what other processes do meanwhile."""
    before = CpuUse.now()
    samples = time_calls(calls, clock, settings, progress)
    # The threads that feed a GPU are few; what they wait for is the GPU.
    threads = 1 if settings.on_cuda else torch.get_num_threads()
    return samples, disturbance(before, CpuUse.now(), threads)
