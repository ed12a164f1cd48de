"""Profiles as measurements would give them, with fixed numbers, for tests of what shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cnnx
from cnnx.analysis.memory.inference import live_by_node, predict_memory
from cnnx.analysis.memory.training import Optimizer, count_backward, predict_step
from cnnx.analysis.profiling.parts import parts_of
from cnnx.analysis.profiling.profile import Profile, ProfiledRun, profile_rows, whole_row
from cnnx.analysis.profiling.runs import Failure, ObservedMemory, Run
from cnnx.analysis.profiling.training_runs import ObservedTraining, ProfiledTraining, TrainingRun
from cnnx.analysis.records import NodeTime, TimeByNode
from cnnx.graph.graph import Graph
from tests.records import ADDED, LIMITS, MEASURED, STATIC, SUM, latency

TOO_MUCH = 1024  # images: from there on, the memory is full


def timed(graph: Graph, batch: int) -> Run:
    """A run in which a node takes a microsecond, and 0.3 ns more for each element that it moves."""
    nodes = cnnx.count(graph).by_node
    times = [NodeTime(node.name, 1e-3 + batch * node.memory_access_elements * 3e-7) for node in nodes]
    total = sum(node.milliseconds for node in times)
    by_node = TimeByNode(tuple(times), total, 1.01 * total, 60, SUM, ADDED)
    live = live_by_node(graph, batch=batch)
    memory = ObservedMemory(max(alive.bytes for alive in live), live, with_workspace=False)
    return Run(latency(1.01 * total), by_node, memory, replace(MEASURED, batch=batch))


def trained(graph: Graph, batch: int, optimizer: Optimizer, failure: Failure | None) -> ProfiledTraining:
    """Training in which forward takes 10 ms, backward 21.5, the update 1.2, and all bytes are seen as predicted."""
    memory = predict_step(graph, optimizer, batch=batch)
    kept = memory.optimizer.state_bytes + memory.optimizer.counter_bytes
    observed = ObservedTraining(memory.saved_bytes, memory.peak_bytes, kept, with_workspace=False)
    forward, backward, update, step = [latency(batch * each) for each in (10.0, 21.5, 1.2, 32.7)]
    run = TrainingRun(optimizer, forward, backward, update, step, observed, replace(MEASURED, batch=batch))
    return ProfiledTraining(optimizer, count_backward(graph), memory, None if failure else run, failure)


def profile_of(
    name: str,
    batches: Sequence[int] = (1,),
    by: str = "block",
    top: int | None = None,
    optimizer: Optimizer | None = None,
) -> Profile:
    """Profile a spec with several batches, and its training; those of 1,024 and more find no memory."""
    graph = cnnx.load(name)
    figures = cnnx.count(graph)
    runs = tuple(_profiled(graph, batch, by, top, optimizer) for batch in batches)
    return Profile(name, "", figures, by, runs, STATIC, top)


def _profiled(graph: Graph, batch: int, by: str, top: int | None, optimizer: Optimizer | None) -> ProfiledRun:
    parts = parts_of(cnnx.count(graph))
    fits = batch < TOO_MUCH
    run = timed(graph, batch) if fits else None
    failure = None if fits else Failure("memory", "at least 64 GiB of memory are needed")
    training = None if optimizer is None else trained(graph, batch, optimizer, failure)
    backward = None if training is None else training.backward
    rows_by = "layer" if by == "memory" else by
    return ProfiledRun(
        device="cpu",
        batch=batch,
        predicted=predict_memory(graph, batch=batch),
        live_by_node=live_by_node(graph, batch=batch),
        limits=LIMITS,
        run=run,
        failure=failure,
        rows=profile_rows(parts, rows_by, top, "float32", batch, run, LIMITS, backward),
        whole=whole_row(graph.name, parts, "float32", batch, run, LIMITS, backward),
        training=training,
    )
