"""The part of a result's environment that torch, the devices and the measurement itself can tell."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import torch

from cnnx.analysis.environment import Environment, static_environment
from cnnx.pytorch.protocol import WARMUP
from cnnx.pytorch.settings import Settings

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
_SLOW_GOVERNORS = ("powersave", "conservative")


@dataclass(frozen=True, slots=True)
class Before:
    """What is noted before a measurement starts, to be held against what is found after it."""

    environment: Environment
    clocks: str | None


def before_measuring(settings: Settings, command: str) -> Before:
    """Note the state of the machine before anything is built."""
    return Before(static_environment(command), clocks(settings.device))


def measured_environment(settings: Settings, before: Before, rounds: int, warnings: Sequence[str] = ()) -> Environment:
    """Describe where and how a measurement of `rounds` rounds ran, with all that may have disturbed it."""
    threads = settings.threads or torch.get_num_threads()
    described = replace(
        before.environment,
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        torch=str(torch.__version__),
        threads=threads,
        device=settings.device,
        dtype=settings.dtype,
        batch=settings.batch,
        layout=settings.layout,
        rounds=rounds,
        warmup=WARMUP,
        seed=settings.seed,
        clocks_before=before.clocks,
        clocks_after=clocks(settings.device),
        warnings=(*warnings, *machine_warnings(before.environment, threads)),
    )
    return _with_cuda(described, settings) if settings.on_cuda else described


def _with_cuda(environment: Environment, settings: Settings) -> Environment:
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]  # torch declares no types here
    return replace(
        environment,
        tf32=settings.tf32,
        gpu=torch.cuda.get_device_name(settings.device),
        cuda=torch.version.cuda,
        cudnn=None if cudnn is None else str(cudnn),
        driver=ask_nvidia(settings.device, "driver_version"),
    )


def clocks(device: str) -> str | None:
    """Give the present clock of a device, with its unit; None where it cannot be had."""
    if device != "cpu":
        return ask_nvidia(device, "clocks.sm,clocks.mem")
    try:
        frequency = psutil.cpu_freq()
    except (AttributeError, OSError, NotImplementedError):  # not on every system, nor in every container
        return None
    return None if frequency is None or not frequency.current else f"{frequency.current:.0f} MHz"


def ask_nvidia(device: str, query: str) -> str | None:
    """Ask the driver's own tool, with units; None where it is not there or does not know the device."""
    # By its identity: CUDA_VISIBLE_DEVICES numbers the GPUs anew for torch, but not for the tool.
    identity = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
    command = ("nvidia-smi", "-i", identity, f"--query-gpu={query}", "--format=csv,noheader")
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None


def machine_warnings(environment: Environment, threads: int) -> tuple[str, ...]:
    """Say what of the machine's state may have disturbed a measurement."""
    cores, load = environment.cores or 0, environment.load or 0.0
    battery = getattr(psutil, "sensors_battery", lambda: None)()
    told = {
        f"the load was {load:.1f} on {cores} cores before measuring": 0 < cores < load,
        f"{threads} threads on {cores} cores": 0 < cores < threads,
        f"the processor's clock follows the load (governor `{governor()}`)": governor() in _SLOW_GOVERNORS,
        "the machine runs on its battery": battery is not None and battery.power_plugged is False,
    }
    return tuple([warning for warning, holds in told.items() if holds])


def governor(path: Path = _GOVERNOR) -> str | None:
    """Give the name of the policy that sets the processor's clock; None where the system tells none."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None
