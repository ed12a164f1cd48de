"""The part of a result's environment that needs no torch: Python, platform, processor, cores, load."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cnnx.version import __version__

_CPUINFO = Path("/proc/cpuinfo")
# Where the kernels of different processors write what the processor is called.
_MODEL_KEYS = ("model name", "Model Name", "cpu model", "Model", "cpu", "Hardware", "uarch")


@dataclass(frozen=True, slots=True)
class Environment:
    """Where and how a result came about; what was not needed or cannot be had is None."""

    cnnx: str
    python: str
    platform: str
    command: str
    cpu: str | None = None
    cpu_capability: str | None = None
    cores: int | None = None
    load: float | None = None  # one-minute load average before measuring
    torch: str | None = None
    threads: int | None = None
    device: str | None = None
    dtype: str | None = None
    batch: int | None = None
    layout: str | None = None
    rounds: int | None = None
    warmup: str | None = None
    seed: int | None = None
    tf32: bool | None = None
    gpu: str | None = None
    cuda: str | None = None
    cudnn: str | None = None
    driver: str | None = None
    clocks_before: str | None = None
    clocks_after: str | None = None
    warnings: tuple[str, ...] = ()


def static_environment(command: str) -> Environment:
    """Describe this machine and the command line, within a few milliseconds and without torch."""
    return Environment(
        cnnx=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        command=command,
        cpu=cpu_model(),
        cores=usable_cores(),
        load=load_average(),
    )


def cpu_model(cpuinfo: Path = _CPUINFO) -> str | None:
    """Give the processor's name as the system tells it, else its architecture."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    pairs = (line.partition(":") for line in text.splitlines())
    told = {key.strip(): " ".join(value.split()) for key, _, value in pairs}
    names = [told[key] for key in _MODEL_KEYS if told.get(key)]
    return next(iter(names), None) or _apple_model() or platform.processor() or platform.machine() or None


def _apple_model() -> str | None:
    if platform.system() != "Darwin":
        return None
    command = ("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string")
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=2, check=True).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):  # not there, or it failed: the architecture's name must do
        return None


def usable_cores() -> int | None:
    """Count the logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):  # Linux: a container or `taskset` may allow fewer than there are
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def load_average() -> float | None:
    """Give the load average of the last minute; None where the system keeps none."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has no such function; elsewhere it may not be had
        return None
