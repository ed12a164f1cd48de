"""Where and how a result came about."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch

from cnnx.analysis.environment import Environment, cpu_model, static_environment
from cnnx.pytorch import environment
from cnnx.pytorch.environment import (
    ask_nvidia,
    before_measuring,
    clocks,
    governor,
    machine_warnings,
    measured_environment,
)
from cnnx.pytorch.settings import Settings
from cnnx.version import __version__


def test_the_static_part() -> None:
    described = static_environment("cnnx show x")
    assert described.cnnx == __version__
    assert described.python == platform.python_version()
    assert described.command == "cnnx show x"
    assert described.cores is None or described.cores >= 1
    assert described.torch is None
    assert described.device is None


def test_the_static_part_needs_no_torch() -> None:
    program = "import sys, cnnx.analysis.environment as e; e.static_environment(''); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("text", "model"),
    [
        (
            "processor\t: 0\nmodel name\t: Some  CPU @ 2.0GHz\nprocessor\t: 1\nmodel name\t: Some  CPU @ 2.0GHz\n",
            "Some CPU @ 2.0GHz",
        ),
        ("processor : 0\nBogoMIPS : 50.00\n\nHardware : BCM2835\nModel : Raspberry Pi 4\n", "Raspberry Pi 4"),
        ("processor : 0\ncpu : POWER9, altivec supported\n", "POWER9, altivec supported"),
    ],
)
def test_the_processors_name(tmp_path: Path, text: str, model: str) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert cpu_model(tmp_path / "cpuinfo") == model


def test_the_processors_name_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = tmp_path / "cpuinfo"
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(platform, "system", lambda: "FreeBSD")
    assert cpu_model(nowhere) == "riscv64"
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: SimpleNamespace(stdout="Apple M4\n"))
    assert cpu_model(nowhere) == "Apple M4"

    def fail(*args: object, **options: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", fail)
    assert cpu_model(nowhere) == "riscv64"


def test_cores_and_load_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "getloadavg", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    described = static_environment("")
    assert (described.cores, described.load) == (12, None)


def test_the_measured_part() -> None:
    settings = Settings(dtype="float64", batch=3, seed=5, threads=1, rounds=60)
    described = measured_environment(settings, before_measuring(settings, "cnnx compare"), 17, ("few",))
    assert described.command == "cnnx compare"
    assert described.torch == torch.__version__
    assert described.cpu_capability == torch.backends.cpu.get_cpu_capability()
    assert (described.device, described.dtype, described.batch, described.seed) == ("cpu", "float64", 3, 5)
    assert (described.threads, described.rounds, described.layout) == (1, 17, "contiguous")
    assert described.warmup is not None
    assert "3 calls" in described.warmup
    assert described.warnings[0] == "few"
    assert (described.gpu, described.tf32, described.cuda) == (None, None, None)


def test_threads_are_torchs_own_unless_given() -> None:
    described = measured_environment(Settings(), before_measuring(Settings(), ""), 1)
    assert described.threads == torch.get_num_threads()


def test_the_part_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU at {device}")
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    monkeypatch.setattr(environment, "ask_nvidia", lambda device, query: f"{query} of {device}")
    settings = Settings(device="cuda:1", tf32=True)
    described = measured_environment(settings, before_measuring(settings, ""), 60)
    assert (described.gpu, described.cuda, described.cudnn) == ("GPU at cuda:1", "12.8", "91002")
    assert described.driver == "driver_version of cuda:1"
    assert described.clocks_before == described.clocks_after == "clocks.sm,clocks.mem of cuda:1"
    assert described.tf32 is True


def test_the_drivers_tool_is_asked_by_the_gpus_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], **options: object) -> Any:
        asked.append(command)
        return SimpleNamespace(stdout="1980 MHz, 2619 MHz\n")

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="1f-2e"))
    monkeypatch.setattr(subprocess, "run", run)
    assert clocks("cuda") == "1980 MHz, 2619 MHz"
    assert asked[0][:3] == ("nvidia-smi", "-i", "GPU-1f-2e")


@pytest.mark.parametrize("error", [FileNotFoundError(), subprocess.CalledProcessError(6, "nvidia-smi")])
def test_a_tool_that_cannot_tell(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def run(command: tuple[str, ...], **options: object) -> None:
        raise error

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="1f"))
    monkeypatch.setattr(subprocess, "run", run)
    assert ask_nvidia("cuda", "driver_version") is None


def test_the_processors_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_freq", lambda: SimpleNamespace(current=2394.4), raising=False)
    assert clocks("cpu") == "2394 MHz"
    monkeypatch.setattr(psutil, "cpu_freq", lambda: None)
    assert clocks("cpu") is None
    monkeypatch.delattr(psutil, "cpu_freq")
    assert clocks("cpu") is None


def machine(cores: int | None = 4, load: float | None = 1.0) -> Environment:
    return replace(static_environment(""), cores=cores, load=load)


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    monkeypatch.setattr(environment, "governor", lambda: "performance")
    return monkeypatch


def test_a_calm_machine_warns_of_nothing(calm: pytest.MonkeyPatch) -> None:
    assert machine_warnings(machine(), threads=4) == ()
    assert machine_warnings(machine(cores=None, load=None), threads=4) == ()


def test_a_load_higher_than_the_cores(calm: pytest.MonkeyPatch) -> None:
    assert machine_warnings(machine(load=4.0), 1) == ()
    assert machine_warnings(machine(load=4.1), 1) == ("the load was 4.1 on 4 cores before measuring",)


def test_the_rest(calm: pytest.MonkeyPatch) -> None:
    calm.setattr(environment, "governor", lambda: "powersave")
    calm.setattr(psutil, "sensors_battery", lambda: SimpleNamespace(power_plugged=False), raising=False)
    assert machine_warnings(machine(), 5) == (
        "5 threads on 4 cores",
        "the processor's clock follows the load (governor `powersave`)",
        "the machine runs on its battery",
    )


def test_the_governor(tmp_path: Path) -> None:
    (tmp_path / "governor").write_text("schedutil\n")
    assert governor(tmp_path / "governor") == "schedutil"
    assert governor(tmp_path / "nothing") is None
