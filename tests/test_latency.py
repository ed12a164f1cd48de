"""Measuring modules and graphs: what comes back, what is refused, and that nothing is left changed."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import cnnx
from cnnx.errors import DeviceError, MemoryBudgetError, UsageError
from cnnx.graph.graph import Graph
from cnnx.pytorch import cuda_child, latency
from cnnx.pytorch.build import build
from cnnx.pytorch.cpu_use import Disturbance
from cnnx.pytorch.doubts import few_rounds
from cnnx.pytorch.latency import MeasureGraphs, measure, measure_graphs
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.torch_errors import torch_errors
from tests.conftest import Expand

QUICK = Settings(rounds=6, threads=1)  # one thread waits for no other on a busy machine
INPUT = torch.zeros(1, 4)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


@pytest.fixture
def graph() -> Graph:
    return cnnx.load("bottleneck", channels=8, input=(8, 6, 6))


def linear() -> nn.Module:
    module = nn.Linear(4, 4)
    nn.init.ones_(module.weight)
    nn.init.ones_(module.bias)
    return module


def test_each_module_gets_a_latency_and_a_ratio_to_the_first() -> None:
    told: list[tuple[int, int]] = []
    measurement = measure(
        [linear(), linear(), linear()],
        QUICK,
        [(INPUT,)] * 3,
        lambda done, planned, seconds=(): told.append((done, planned)),
    )
    assert len(measurement.latencies) == 3
    for each in measurement.latencies:
        assert each.rounds == 6
        assert each.device == "cpu"
        assert each.calls_per_sample > 1
        assert 0 < each.p25 <= each.median <= each.p75
        assert each.ci95[0] <= each.median <= each.ci95[1]
    assert measurement.ratios_to_first[0] is None
    for ratio in measurement.ratios_to_first[1:]:
        assert ratio is not None
        assert ratio.ci95[0] <= ratio.ratio <= ratio.ci95[1]
    assert told == [(done, 6) for done in range(1, 7)]


def test_ten_times_the_work_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "disturbance", lambda before, after, threads: Disturbance(0, crowded=False))
    weight = torch.ones(128, 128)

    class Work(nn.Module):
        def __init__(self, times: int) -> None:
            super().__init__()
            self.times = times

        def forward(self, source: Tensor) -> Tensor:
            for _ in range(self.times):
                source = torch.mm(source, weight).clamp(max=1)
            return source

    once, often = Work(2), Work(20)
    ratio = measure([once, often], replace(QUICK, rounds=20), [(weight,)] * 2).ratios_to_first[1]
    assert ratio is not None
    assert ratio.shown
    assert ratio.ratio > 2


def test_nothing_is_claimed_where_threads_had_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "disturbance", lambda before, after, threads: Disturbance(0.5, crowded=True))
    heavy = nn.Linear(1024, 1024)
    measurement = measure([linear(), heavy], QUICK, [(INPUT,), (torch.ones(64, 1024),)])
    ratio = measurement.ratios_to_first[1]
    assert ratio is not None
    assert ratio.ratio > 1.1
    assert not ratio.shown
    assert any("no difference is claimed" in warning for warning in measurement.warnings)


def test_built_modules_know_their_inputs(graph: Graph) -> None:
    measurement = measure([build(graph)], replace(QUICK, batch=2))
    assert len(measurement.latencies) == 1
    assert measurement.ratios_to_first == (None,)


def test_the_library_measures(graph: Graph) -> None:
    measurement = cnnx.measure([cnnx.build(graph), cnnx.build(graph)], rounds=6)
    assert [each.rounds for each in measurement.latencies] == [6, 6]


class Seen(nn.Module):
    """Notes the state in which it is called."""

    def forward(self, source: Tensor) -> Tensor:
        self.state = (self.training, torch.is_inference_mode_enabled(), gc.isenabled(), torch.get_num_threads())
        return source + 1


def test_the_state_of_measuring_and_after() -> None:
    module = Seen()
    before = (True, torch.is_inference_mode_enabled(), gc.isenabled(), torch.get_num_threads())
    measure([module], replace(QUICK, threads=1), [(INPUT,)])
    assert module.state == (False, True, False, 1)
    assert (module.training, torch.is_inference_mode_enabled(), gc.isenabled(), torch.get_num_threads()) == before


def test_an_interruption_comes_through_and_all_is_restored() -> None:
    module = linear()

    def interrupt(done: int, planned: int, seconds: Sequence[float] = ()) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure([module], replace(QUICK, threads=1), [(INPUT,)], interrupt)
    assert module.training
    assert gc.isenabled()
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize(
    ("modules", "settings", "inputs", "message"),
    [
        ([], QUICK, [], "no modules"),
        ([linear()], QUICK, None, "give `inputs`"),
        ([linear()], QUICK, [(INPUT,), (INPUT,)], "inputs for 2 modules, but there are 1"),
        ([linear(), linear().double()], QUICK, [(INPUT,)] * 2, "module 2 has weights of float64 on `cpu`, but float32 on `cpu`"),
        ([linear().to("meta")], QUICK, [(INPUT,)], "float32 on `meta`"),
        ([linear()], QUICK, [(torch.zeros(1, 5),)], "cannot run this on `cpu` in float32: mat1 and mat2"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured(
    modules: list[nn.Module], settings: Settings, inputs: list[tuple[Tensor, ...]] | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        measure(modules, settings, inputs)


def test_few_rounds_are_said() -> None:
    assert few_rounds(60, Settings()) == ()
    assert few_rounds(20, Settings(rounds=20)) == ()
    assert few_rounds(19, Settings(rounds=19)) == ("19 rounds: under 20, medians and intervals are rough",)
    assert few_rounds(30, Settings(max_time=2)) == ("30 of 60 rounds fitted into 2 s",)
    assert len(few_rounds(3, Settings(max_time=2))) == 2


def test_results_that_vanish_are_said() -> None:
    module = nn.Linear(4, 4, bias=False)
    measurement = measure([module], QUICK, [(INPUT,)])
    assert any(warning.startswith("module 1 gives denormal numbers or zeros") for warning in measurement.warnings)
    measurement = measure([module, nn.Identity()], QUICK, [(INPUT,), (INPUT,)], names=["thin@r=8", "other"])
    assert any(warning.startswith("thin@r=8 gives denormal numbers or zeros") for warning in measurement.warnings)


def test_graphs_come_with_their_environment(graph: Graph) -> None:
    measurement, environment = measure_graphs([graph, graph], QUICK, command="cnnx compare a b")
    assert len(measurement.latencies) == 2
    assert environment.command == "cnnx compare a b"
    assert environment.rounds == 6
    assert set(measurement.warnings) <= set(environment.warnings)
    assert "6 rounds: under 20, medians and intervals are rough" in environment.warnings


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_graphs_in_other_types(graph: Graph, dtype: str) -> None:
    assert measure_graphs([graph], replace(QUICK, dtype=dtype))[1].dtype == dtype


def test_no_graphs() -> None:
    with pytest.raises(UsageError, match="no graphs"):
        measure_graphs([], QUICK)


def test_what_is_too_large_is_never_built(expand_text: Expand, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object, **options: object) -> None:
        raise AssertionError("it was built")

    monkeypatch.setattr(latency, "build", never)
    huge = expand_text("input: [8, 8, 8]\nlayers:\n  - conv: {out: 10**15, kernel: 3}")
    with pytest.raises(MemoryBudgetError):
        measure_graphs([huge], QUICK)


def test_a_missing_device_is_told_before_anything(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    with pytest.raises(DeviceError, match="built without CUDA"):
        measure_graphs([graph], Settings(device="cuda"))
    with pytest.raises(DeviceError, match="built without CUDA"):
        measure([linear()], Settings(device="cuda"), [(INPUT,)])


@pytest.mark.parametrize(
    ("device", "raised", "kind"),
    [
        ("cpu", RuntimeError("not implemented for 'Half'\nat …"), UsageError),
        ("cuda", RuntimeError("CUDA error: device-side assert triggered"), DeviceError),
        ("cuda", RuntimeError("mat1 and mat2 shapes"), UsageError),
        (
            "cpu",
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried …"),
            MemoryBudgetError,
        ),
        ("cuda", torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), MemoryBudgetError),
    ],
)
def test_torchs_errors_become_ours(device: str, raised: RuntimeError, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught, torch_errors(Settings(device=device)):
        raise raised
    assert str(raised).splitlines()[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_graphs_on_cuda_go_to_a_child(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_child, "check_device", lambda name: None)
    monkeypatch.setattr(cuda_child, "run_in_child", lambda task, progress: (task, progress))
    settings = Settings(device="cuda:1")
    sent: object = measure_graphs([graph], settings, None, "cnnx compare")
    assert sent == (MeasureGraphs((graph,), settings, "cnnx compare", (graph.name,)), None)


@pytest.mark.cuda
@needs_cuda
def test_graphs_on_a_gpu(graph: Graph) -> None:
    measurement, environment = measure_graphs([graph, graph], Settings(device="cuda", rounds=20))
    assert [each.rounds for each in measurement.latencies] == [20, 20]
    assert environment.gpu
    assert environment.tf32 is False


@pytest.mark.cuda
@needs_cuda
def test_modules_on_a_gpu(graph: Graph) -> None:
    assert measure([build(graph, device="cuda")], Settings(device="cuda", rounds=6)).latencies[0].median > 0
