"""The limits of a device, measured: the most operations a second and the most bytes a second that torch reaches on it.

A large product of square matrices shows the first, a copy of a large array the second, each at its best of several
samples: noise makes them slower and never faster.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import torch

from cnnx.analysis.environment import cpu_model, usable_cores
from cnnx.analysis.profiling.limits_store import LimitsEnvironment
from cnnx.analysis.profiling.roofline import Limits
from cnnx.pytorch.build import find_dtype
from cnnx.pytorch.cpu_use import CpuUse, Disturbance, disturbance
from cnnx.pytorch.cuda_child import run_where_asked
from cnnx.pytorch.latency import clock_of
from cnnx.pytorch.measuring_state import measuring_state
from cnnx.pytorch.memory_budget import available_memory
from cnnx.pytorch.protocol import Call, Clock
from cnnx.pytorch.settings import Progress, Settings
from cnnx.pytorch.torch_errors import torch_errors

METHOD = 1  # to be raised when what is measured changes: limits that were kept are measured anew then
SECONDS_EACH = 0.8
ATTEMPTS = 3  # on a machine on which others work
SMALLEST_PRODUCT, LARGEST_PRODUCT = 256, 8192
LONG_ENOUGH = 0.05  # seconds of one product
COPY_BYTES = {"cpu": 256 << 20, "cuda": 1 << 30}  # many times the caches
_SHARE_OF_MEMORY = 8  # the two arrays take no more than a quarter of what is there

Rate = tuple[float, int]  # operations or bytes a second, and the size of what showed it


def measure_limits(settings: Settings, progress: Progress | None = None) -> Limits:
    """Measure the limits of the settings' device for their dtype and threads, in a second or two.

    Raises `DeviceError` if the device cannot be used, `UsageError` where it has no matrix product of the dtype.
    """
    return run_where_asked(MeasureLimits(settings), settings, progress)


def limits_environment(settings: Settings) -> LimitsEnvironment:
    """Give what limits depend on. Opens a CUDA device to ask for its name."""
    shared: dict[str, str | int | None] = {
        "method": METHOD,
        "device": settings.device,
        "dtype": settings.dtype,
        "torch": str(torch.__version__),
    }
    if settings.on_cuda:
        gpu = torch.cuda.get_device_properties(settings.device)
        return shared | {"gpu": gpu.name, "gpu_memory_bytes": gpu.total_memory, "cuda": torch.version.cuda}
    return shared | {
        "cpu": cpu_model(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": usable_cores(),
        "threads": settings.threads or torch.get_num_threads(),
    }


@dataclass(frozen=True, slots=True)
class MeasureLimits:
    """The task of measuring the limits of a device in one process."""

    settings: Settings

    def run(self, progress: Progress | None) -> Limits:
        """Do it. Raises as `measure_limits` does."""
        settings, tell = self.settings, progress or _to_nobody
        with torch_errors(settings), measuring_state([], settings):
            threads = None if settings.on_cuda else torch.get_num_threads()
            (flops, size), (moved, copied), disturbed = self._rates(tell, threads or 1)
        return Limits(
            device=settings.device,
            dtype=settings.dtype,
            threads=threads,
            flops_per_second=flops,
            bytes_per_second=moved,
            product_size=size,
            copy_bytes=copied,
            measured_at=datetime.now().astimezone().isoformat(timespec="seconds"),
            environment=limits_environment(settings),
            warnings=_doubts(disturbed),
        )

    def _rates(self, tell: Progress, threads: int) -> tuple[Rate, Rate, Disturbance]:
        """Measure operations and bytes a second once, or on a busy machine a few times: then the best of all counts."""
        clock = clock_of(self.settings)
        products: list[Rate] = []
        copies: list[Rate] = []
        for attempt in range(1, ATTEMPTS + 1):
            before = CpuUse.now()
            tell(2 * attempt - 2, 2 * attempt)
            products.append(_best_product(self.settings, clock))
            tell(2 * attempt - 1, 2 * attempt)
            copies.append(_best_copy(self.settings, clock))
            tell(2 * attempt, 2 * attempt)
            disturbed = disturbance(before, CpuUse.now(), threads)
            if not disturbed.crowded:
                break
        return max(products), max(copies), disturbed


def _to_nobody(_done: int, _planned: int, _seconds: Sequence[float] = ()) -> None:
    """Tell progress to nobody."""


def _doubts(disturbed: Disturbance) -> tuple[str, ...]:
    if not disturbed.crowded:
        return ()
    return (
        f"other processes used {disturbed.others:.0%} of the processor while the limits were measured: "
        "they may be higher, and are not kept",
    )


def _best_product(settings: Settings, clock: Clock) -> Rate:
    """Give the most operations a second, 2·n³ a product, and the size of the largest that was tried."""
    deadline = clock.now() + SECONDS_EACH
    best, size = 0.0, SMALLEST_PRODUCT
    while True:
        product = _product(size, settings)
        seconds = _best_sample(product, clock, least=2)
        best = max(best, 2 * size**3 / seconds)
        if seconds >= LONG_ENOUGH or size >= LARGEST_PRODUCT or clock.now() > deadline:
            break
        size *= 2
    return max(best, 2 * size**3 / _best_sample(product, clock, least=2, deadline=deadline)), size


def _product(size: int, settings: Settings) -> Call:
    dtype = find_dtype(settings.dtype)
    left, right = (torch.randn(size, size, device=settings.device).to(dtype) for _ in range(2))
    return partial(torch.mm, left, right, out=torch.empty_like(left))


def _best_copy(settings: Settings, clock: Clock) -> Rate:
    """Give the most bytes a second that copying an array reads and writes, and the array's bytes."""
    room = available_memory(settings) // _SHARE_OF_MEMORY
    count = max(1, min(COPY_BYTES["cuda" if settings.on_cuda else "cpu"], room) // 4)
    source = torch.zeros(count, dtype=torch.float32, device=settings.device)
    target = torch.empty_like(source)
    seconds = _best_sample(partial(target.copy_, source), clock, least=3, deadline=clock.now() + SECONDS_EACH)
    return 2 * source.nbytes / seconds, source.nbytes


def _best_sample(call: Call, clock: Clock, least: int, deadline: float = 0.0) -> float:
    """Give the seconds of the shortest call until the deadline, of `least` at the least, after one untimed."""
    call()
    best, done = math.inf, 0
    while done < least or clock.now() < deadline:
        best = min(best, clock.sample(call, 1))
        done += 1
    return best
