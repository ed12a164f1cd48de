"""One run of `profile`: what it measures, and in which way."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

import cnnx
from cnnx.analysis.memory.inference import live_by_node, peak_inference
from cnnx.errors import MemoryBudgetError, UsageError
from cnnx.graph.graph import Graph
from cnnx.pytorch import cuda_child
from cnnx.pytorch.profiling import ProfileGraph, profile_graph
from cnnx.pytorch.settings import Settings
from tests.conftest import Expand

RESIDUAL = """
input: [8, 6, 6]
layers:
  - add:
      main:
        - conv: {out: 8, kernel: 3, norm: batchnorm, act: relu}
      shortcut: []
  - relu
"""
QUICK = Settings(rounds=6, threads=1)  # one thread waits for no other on a busy machine
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


@pytest.fixture
def graph(expand_text: Expand) -> Graph:
    return expand_text(RESIDUAL)


def test_a_run_has_latency_nodes_and_memory(graph: Graph) -> None:
    told: list[tuple[int, int]] = []
    settings = replace(QUICK, rounds=8, batch=3)
    run = profile_graph(graph, settings, lambda done, planned, seconds=(): told.append((done, planned)), "cnnx profile")
    assert run.latency.rounds == 8
    assert run.times is not None
    assert [node.name for node in run.times.nodes] == [node.name for node in graph]
    assert all(node.milliseconds > 0 for node in run.times.nodes)
    assert run.times.sum_ms == pytest.approx(sum(node.milliseconds for node in run.times.nodes))
    assert run.times.whole_ms == pytest.approx(run.latency.median)
    # A forward with clocks does all that a plain one does; a wide margin, as no time is sure on a shared machine.
    assert 0.2 < run.times.sum_to_whole.ratio < 5
    assert (run.environment.command, run.environment.batch, run.environment.rounds) == ("cnnx profile", 3, 8)
    assert (run.mode, run.eager, run.eager_ratio) == ("eager", None, None)
    assert told[-1] == (8, 8)


def test_what_is_observed_is_what_is_predicted_node_by_node(graph: Graph) -> None:
    memory = profile_graph(graph, replace(QUICK, rounds=1, batch=2, dtype="float64")).memory
    assert memory is not None
    assert memory.by_node == live_by_node(graph, "float64", 2)
    assert memory.peak_bytes == peak_inference(graph, "float64", 2).bytes
    assert not memory.with_workspace


def test_the_larger_node_takes_longer(expand_text: Expand) -> None:
    graph = expand_text(
        "input: [32, 32, 32]\nlayers:\n  - conv: {out: 128, kernel: 3}\n  - relu\n  - conv: {out: 1, kernel: 1}"
    )
    times = profile_graph(graph, replace(QUICK, rounds=10)).times
    assert times is not None
    first, *others = times.nodes
    assert all(first.milliseconds > other.milliseconds for other in others)


def test_channels_last(graph: Graph) -> None:
    run = profile_graph(graph, replace(QUICK, channels_last=True))
    assert run.environment.layout == "channels last"


def test_what_is_too_large_is_never_built(expand_text: Expand) -> None:
    with pytest.raises(MemoryBudgetError):
        profile_graph(expand_text("input: [8, 8, 8]\nlayers:\n  - conv: {out: 10**15, kernel: 3}"), Settings())


def test_a_compiler_that_is_missing_is_told_before_anything(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageError, match="needs a C\\+\\+ compiler for `cpu`, and there is no `no-such-compiler`"):
        profile_graph(graph, replace(QUICK, compile=True))


def test_cuda_goes_to_a_child(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_child, "check_device", lambda name: None)
    monkeypatch.setattr(cuda_child, "run_in_child", lambda task, progress: SimpleNamespace(task=task))
    settings = Settings(device="cuda")
    sent: object = profile_graph(graph, settings, None, "line")
    assert sent == SimpleNamespace(task=ProfileGraph(graph, settings, "line"))


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("wanted", [{}, {"cuda_graph": True}, {"channels_last": True, "dtype": "float16"}])
def test_a_run_on_a_gpu(wanted: dict[str, object]) -> None:
    graph = cnnx.load("bottleneck")
    run = profile_graph(graph, Settings(**{"device": "cuda", "rounds": 20, **wanted}))  # type: ignore[arg-type]
    assert run.times is not None
    assert len(run.times.nodes) == len(graph)
    assert run.times.sum_ms > 0
    assert run.memory is not None
    assert run.memory.with_workspace
    assert run.memory.peak_bytes >= 0.98 * peak_inference(graph, run.environment.dtype or "float32").bytes
    assert (run.eager is None) == (run.mode == "eager")
