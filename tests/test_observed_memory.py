"""What lives while each node runs, as it is seen."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from cnnx.analysis.memory.inference import Alive
from cnnx.analysis.profiling.runs import ObservedMemory
from cnnx.pytorch.observed_memory import observe_memory
from cnnx.pytorch.settings import Settings

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


class Twice(nn.Module):
    """Adds and forgets: 100 numbers enter; at the second step, three such arrays live."""

    def forward(self, source: Tensor) -> Tensor:
        first = source + 1
        second = first + 1
        del first
        return second.sum()


def forward_of(module: Twice, source: Tensor):  # type: ignore[no-untyped-def]  # what a test passes on
    def forward(gauge):  # type: ignore[no-untyped-def]
        readings = [gauge()]
        first = source + 1
        readings.append(gauge())
        second = first + 1
        del first
        readings.append(gauge())
        result = second.sum()
        readings.append(gauge())
        return result, readings

    return forward


def test_storages_by_node() -> None:
    module, source = Twice(), torch.zeros(100)
    found = observe_memory(module, (source,), forward_of(module, source), ("a", "b", "sum"), Settings())
    assert found == ObservedMemory(
        3 * 400, (Alive("a", 2 * 400), Alive("b", 3 * 400), Alive("sum", 2 * 400 + 4)), with_workspace=False
    )
    assert module.training  # as it was


def test_weights_are_left_out() -> None:
    module, source = nn.Linear(10, 5), torch.zeros(1, 10)
    found = observe_memory(module, (source,), lambda gauge: (module(source), [gauge()]), (), Settings())
    assert found.peak_bytes == 4 * (10 + 5)


def test_the_allocator_is_asked_on_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    # Before: 5,000 bytes of weights and what libraries keep, and the input's 400. Then peaks since the last reset.
    peaks, resets = iter([5400, 6600, 7000, 6200]), [0]
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 5400)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: next(peaks))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: resets.__setitem__(0, resets[0] + 1))
    module, source = Twice(), torch.zeros(100)
    found = observe_memory(module, (source,), forward_of(module, source), ("a", "b", "sum"), Settings(device="cuda"))
    assert found == ObservedMemory(2000, (Alive("a", 1600), Alive("b", 2000), Alive("sum", 1200)), with_workspace=True)
    assert resets == [1 + 4]


@pytest.mark.cuda
@needs_cuda
def test_the_allocator_of_a_gpu() -> None:
    module, source = Twice(), torch.zeros(1 << 20, device="cuda")
    found = observe_memory(module, (source,), forward_of(module, source), ("a", "b", "sum"), Settings(device="cuda"))
    assert found.peak_bytes == pytest.approx(3 * 4 * (1 << 20), rel=0.01)
