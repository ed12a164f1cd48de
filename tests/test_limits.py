"""The limits of a device: what is measured, and what is kept between runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cnnx.analysis.profiling.limits_store import keep_limits, kept_limits
from cnnx.errors import UsageError
from cnnx.pytorch import cuda_child, limits
from cnnx.pytorch.limits import MeasureLimits, limits_environment, measure_limits
from cnnx.pytorch.settings import Settings
from tests.records import LIMITS

QUICK = Settings(threads=1)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small matrices and arrays, and no time."""
    monkeypatch.setattr(limits, "SECONDS_EACH", 0.001)
    monkeypatch.setattr(limits, "LARGEST_PRODUCT", 256)
    monkeypatch.setattr(limits, "COPY_BYTES", {"cpu": 1 << 20, "cuda": 1 << 20})


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_measured(dtype: str, short: None) -> None:
    told: list[tuple[int, int]] = []
    found = measure_limits(replace(QUICK, dtype=dtype), lambda done, planned, seconds=(): told.append((done, planned)))
    assert (found.device, found.dtype, found.threads, found.kept) == ("cpu", dtype, 1, False)
    assert (found.product_size, found.copy_bytes) == (256, 1 << 20)
    assert found.flops_per_second > 0
    assert found.bytes_per_second > 0
    assert found.environment == limits_environment(replace(QUICK, dtype=dtype))
    assert told == [(0, 2), (1, 2), (2, 2)]


class StepClock:
    """A clock on which a product takes a second for each 2·10⁹ operations, and a copy half a second."""

    def __init__(self) -> None:
        self.at = 0.0

    def sample(self, call: object, times: int) -> float:
        assert isinstance(call, partial)
        matrix = call.args[0]
        seconds = 2 * len(matrix) ** 3 / 2e9 if matrix.dim() == 2 else 0.5
        self.at += seconds
        return seconds * times

    def now(self) -> float:
        return self.at


def test_rates_are_operations_and_bytes_over_the_shortest_time(short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST_PRODUCT", 8192)
    monkeypatch.setattr(limits, "SECONDS_EACH", 1.0)
    monkeypatch.setattr(limits, "clock_of", lambda settings: StepClock())
    found = MeasureLimits(QUICK).run(None)
    # A product of 256 takes 2·256³ / 2·10⁹ s = 17 ms; one of 512 takes 134 ms, which is long enough.
    assert found.product_size == 512
    assert found.flops_per_second == pytest.approx(2e9)
    assert found.bytes_per_second == pytest.approx(2 * (1 << 20) / 0.5)  # read and written


def test_limits_belong_to_an_environment() -> None:
    first = limits_environment(QUICK)
    assert first != limits_environment(replace(QUICK, threads=2))
    assert first != limits_environment(replace(QUICK, dtype="float16"))
    assert first == limits_environment(replace(QUICK, batch=8))
    assert first["torch"] == str(torch.__version__)


def test_a_gpu_is_known_by_its_name_and_not_by_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    card = SimpleNamespace(name="A graphics card", total_memory=80 << 30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    found = limits_environment(Settings(device="cuda:1", threads=3))
    assert (found["gpu"], found["device"], found["gpu_memory_bytes"]) == ("A graphics card", "cuda:1", 80 << 30)
    assert "threads" not in found


def test_cuda_goes_to_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_child, "check_device", lambda name: None)
    monkeypatch.setattr(cuda_child, "run_in_child", lambda task, progress: task)
    sent: object = measure_limits(Settings(device="cuda"))
    assert sent == MeasureLimits(Settings(device="cuda"))


def test_a_type_without_products_is_told(short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(*arguments: object, **options: object) -> None:
        raise RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'")

    monkeypatch.setattr(torch, "mm", lacks)
    with pytest.raises(UsageError, match="addmm_impl_cpu_"):
        measure_limits(replace(QUICK, dtype="float16"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CNNX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_limits_are_kept_for_their_environment(cache: Path) -> None:
    assert kept_limits(LIMITS.environment) is None
    keep_limits(LIMITS)
    assert kept_limits(LIMITS.environment) == replace(LIMITS, kept=True)
    assert kept_limits({"cpu": "Another"}) is None


def test_limits_of_a_busy_machine_are_not_kept(cache: Path) -> None:
    keep_limits(replace(LIMITS, warnings=("other processes used 50% of the processor",)))
    assert kept_limits(LIMITS.environment) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"flops_per_second": 1}', "null"])
def test_what_cannot_be_read_is_as_if_it_were_not_there(cache: Path, text: str) -> None:
    keep_limits(LIMITS)
    (place,) = cache.iterdir()
    place.write_text(text, "utf-8")
    assert kept_limits(LIMITS.environment) is None


def test_limits_that_cannot_be_are_not_taken(cache: Path) -> None:
    keep_limits(replace(LIMITS, flops_per_second=0.0))
    assert kept_limits(LIMITS.environment) is None


def test_nothing_is_kept_without_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CNNX_CACHE", "")
    keep_limits(LIMITS)
    assert kept_limits(LIMITS.environment) is None
    (tmp_path / "file").touch()
    monkeypatch.setenv("CNNX_CACHE", str(tmp_path / "file" / "cache"))  # where no folder can be made
    keep_limits(LIMITS)
    assert kept_limits(LIMITS.environment) is None


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_limits_of_a_gpu(dtype: str) -> None:
    found = measure_limits(Settings(device="cuda", dtype=dtype))
    assert found.threads is None
    assert found.flops_per_second > 1e12
    assert found.bytes_per_second > 1e11
