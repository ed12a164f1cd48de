"""On a GPU: latencies against Triton's, ways of calling against each other, and memory against the prediction."""

from __future__ import annotations

from functools import partial

import pytest
import torch

import cnnx
from cnnx.analysis.memory.inference import peak_inference
from cnnx.errors import MemoryBudgetError
from cnnx.pytorch.latency import measure_graphs, prepare
from cnnx.pytorch.measuring_state import measuring_state
from cnnx.pytorch.profiling import profile_graph
from cnnx.pytorch.settings import Settings

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]
HEAVY = Settings(device="cuda", batch=64, rounds=40)  # milliseconds a call, and maps that no cache holds


@pytest.mark.parametrize("name", ["plain3x3", "bottleneck"])
def test_latency_agrees_with_tritons_benchmark(name: str) -> None:
    testing = pytest.importorskip("triton.testing", reason="Triton comes with torch's CUDA builds only")
    graph = cnnx.load(name)
    measured, _ = measure_graphs([graph], HEAVY)
    module, inputs = prepare(graph, HEAVY)
    with measuring_state([module], HEAVY):
        reference = testing.do_bench(partial(module, *inputs), warmup=100, rep=500, return_mode="median")
    assert measured.latencies[0].median == pytest.approx(reference, rel=0.03)


def test_parts_add_up_to_the_whole() -> None:
    times = profile_graph(cnnx.load("resnet50"), HEAVY).times
    assert times is not None
    assert times.sum_to_whole.ratio == pytest.approx(1, abs=0.02)
    assert times.clocked_to_whole.ratio < 1.01


def test_a_graph_of_many_small_kernels_is_faster_than_launching_each() -> None:
    run = profile_graph(cnnx.load("mobilenetv3_small"), Settings(device="cuda", rounds=40, cuda_graph=True))
    assert run.eager is not None
    assert run.eager_ratio is not None
    assert run.eager_ratio.ratio > 1.2


def test_the_peak_is_the_predicted_one_and_what_kernels_borrow() -> None:
    graph = cnnx.load("mobilenetv3_large")
    memory = profile_graph(graph, Settings(device="cuda", batch=32, rounds=1)).memory
    assert memory is not None
    assert memory.peak_bytes >= 0.98 * peak_inference(graph, batch=32).bytes


def test_a_full_memory_leaves_the_next_run_in_peace() -> None:
    graph = cnnx.load("bottleneck")
    with pytest.raises(MemoryBudgetError):
        profile_graph(graph, Settings(device="cuda", batch=10**6, rounds=1))
    assert profile_graph(graph, Settings(device="cuda", rounds=1)).latency.median > 0
