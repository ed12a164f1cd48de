"""One run of `profile`: latency, the time of every node and the memory of a module, on one device with one batch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor, nn

from cnnx.analysis.figures import count
from cnnx.analysis.profiling.runs import ObservedMemory, Run
from cnnx.graph.graph import Graph
from cnnx.pytorch.build import timed_forward
from cnnx.pytorch.calling import check_calling, prepare_call
from cnnx.pytorch.cpu_use import Disturbance
from cnnx.pytorch.cuda_child import run_where_asked
from cnnx.pytorch.doubts import denormal, few_rounds, unsteady
from cnnx.pytorch.environment import Before, before_measuring, measured_environment
from cnnx.pytorch.latency import clock_of, latency_of, prepare, time_watched
from cnnx.pytorch.measuring_state import measuring_state
from cnnx.pytorch.memory_budget import check_memory
from cnnx.pytorch.node_times import Forward, NodeClock, NodeSeconds, Ready, clocked_call, time_by_node
from cnnx.pytorch.observed_memory import observe_memory
from cnnx.pytorch.protocol import Call, Samples
from cnnx.pytorch.settings import Progress, Settings
from cnnx.pytorch.statistics import compare
from cnnx.pytorch.torch_errors import torch_errors
from cnnx.pytorch.unit_scale import vanishes


def profile_graph(graph: Graph, settings: Settings, progress: Progress | None = None, command: str = "") -> Run:
    """Build a graph and measure it: the whole, every node, and its memory. `command` is the command line.

    Raises `DeviceError` if the device cannot be used or fails, `MemoryBudgetError` if the memory cannot hold the
    module or was full, `UsageError` if torch cannot run or compile it so.
    """
    return run_where_asked(ProfileGraph(graph, settings, command), settings, progress)


@dataclass(frozen=True, slots=True)
class ProfileGraph:
    """The task of building and profiling a graph in one process."""

    graph: Graph
    settings: Settings
    command: str

    def run(self, progress: Progress | None) -> Run:
        """Do it. Raises as `profile_graph` does."""
        settings, graph = self.settings, self.graph
        check_calling(settings)
        check_memory([count(graph, settings.dtype)], settings)
        before = before_measuring(settings, self.command)
        with torch_errors(settings):
            network, inputs = prepare(graph, settings)
            timed = timed_forward(network)
            subject = Subject(
                network, inputs, lambda clock: timed(clock, *inputs), tuple(node.name for node in graph.nodes)
            )
            return profile_subject(subject, settings, before, progress)


@dataclass(frozen=True, slots=True)
class Subject:
    """A module with what it takes; `forward` calls a clock at the start and after each of the named nodes.

    `ready` gives a context in which it runs without delay.
    """

    module: nn.Module
    inputs: tuple[Tensor, ...]
    forward: Forward
    names: tuple[str, ...]
    ready: Ready = nullcontext


@dataclass(frozen=True, slots=True)
class _Timed:
    """What was timed: the samples of the call asked for, of the eager one (maybe the same), and of the clocked one."""

    samples: Samples
    by_node: Sequence[NodeSeconds]
    disturbed: Disturbance
    prepare_seconds: float
    vanished: bool


def profile_subject(subject: Subject, settings: Settings, before: Before, progress: Progress | None = None) -> Run:
    """Profile a module in this process, on the settings' device, where it and its inputs are already.

    Raises what torch raises.
    """
    memory = observe_memory(subject.module, subject.inputs, subject.forward, subject.names, settings)
    with measuring_state([subject.module], settings):
        timed = _time(subject, settings, progress)
    return _run(subject, settings, before, memory, timed)


def _time(subject: Subject, settings: Settings, progress: Progress | None) -> _Timed:
    eager = partial(subject.module, *subject.inputs)
    vanished = vanishes(eager())
    asked = prepare_call(subject.module, subject.inputs, settings)
    clocked = clocked_call(subject.forward, settings, subject.ready)
    clock = NodeClock(clock_of(settings), clocked)
    calls: list[Call] = [eager, clocked] if settings.mode == "eager" else [asked.call, eager, clocked]
    samples, disturbed = time_watched(calls, clock, settings, progress)
    by_node = clock.by_node[-samples.rounds :]  # warm-up and calibration came before
    return _Timed(samples, by_node, disturbed, asked.seconds, vanished)


def _run(subject: Subject, settings: Settings, before: Before, memory: ObservedMemory, timed: _Timed) -> Run:
    seconds, calls = timed.samples.seconds, timed.samples.calls_per_sample
    latencies = [latency_of(each, number, settings) for each, number in zip(seconds, calls, strict=True)]
    is_eager = settings.mode == "eager"
    plain, clocked = seconds[-2:]
    warnings = (
        *few_rounds(timed.samples.rounds, settings),
        *timed.disturbed.warnings(),
        *unsteady(latencies[:1], ["the latency"]),
        *denormal([timed.vanished], ["the network"]),
    )
    ratio = None if is_eager else compare(seconds[0], plain, settings.seed)
    if ratio is not None and timed.disturbed.crowded:
        ratio = replace(ratio, shown=False)
    return Run(
        latency=latencies[0],
        times=time_by_node(subject.names, plain, clocked, timed.by_node, settings.seed),
        memory=memory,
        environment=measured_environment(settings, before, timed.samples.rounds, warnings),
        mode=settings.mode,
        eager=None if is_eager else latencies[-2],
        eager_ratio=ratio,
        prepare_seconds=timed.prepare_seconds,
        warnings=warnings,
    )
