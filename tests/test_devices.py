"""Names of devices, and why one cannot be used."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from cnnx.errors import DeviceError, UsageError
from cnnx.pytorch import devices
from cnnx.pytorch.devices import check_device, parse_devices, resolve_devices


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cpu", ("cpu",)),
        ("cuda", ("cuda",)),
        ("cuda:1", ("cuda:1",)),
        ("cpu,cuda", ("cpu", "cuda")),
        (" CPU , cuda:12 ", ("cpu", "cuda:12")),
        ("cuda,cpu,cuda", ("cuda", "cpu")),
    ],
)
def test_names(text: str, names: tuple[str, ...]) -> None:
    assert parse_devices(text) == names


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("cup", "did you mean `cpu`?"),
        ("cudaa", "did you mean `cuda`?"),
        ("cuda:x", "did you mean `cuda:0`?"),
        ("mps", "devices are `cpu`"),
        ("", "devices are `cpu`"),
        ("cpu,", "devices are `cpu`"),
        ("cuda:01", "did you mean `cuda:0`?"),
        ("cuda:-1", "did you mean"),
    ],
)
def test_other_names_are_refused(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match="unknown device") as caught:
        parse_devices(text)
    assert caught.value.exit_code == 2
    assert caught.value.hint.startswith(hint)


def test_auto_is_cuda_where_it_can_be_used_and_else_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "check_device", lambda name: None)
    assert resolve_devices("auto") == ("cuda",)
    assert resolve_devices("cpu, Auto,cuda:1") == ("cpu", "cuda", "cuda:1")

    def lacks(name: str) -> None:
        raise DeviceError("no GPU is visible")

    monkeypatch.setattr(devices, "check_device", lacks)
    assert resolve_devices("auto,cpu") == ("cpu",)
    with pytest.raises(UsageError, match="unknown device `automatic`"):
        resolve_devices("automatic")


def test_names_need_no_torch() -> None:
    program = "import sys, cnnx.pytorch.settings; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_cpu_is_always_there() -> None:
    check_device("cpu")


def test_one_device_is_checked_at_a_time() -> None:
    with pytest.raises(UsageError, match="several"):
        check_device("cpu,cuda")


def test_a_build_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    with pytest.raises(DeviceError, match="was built without CUDA") as caught:
        check_device("cuda")
    assert caught.value.exit_code == 3
    assert torch.__version__ in caught.value.message


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A CUDA build of torch that sees no GPU."""
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return monkeypatch


def test_a_driver_that_torch_complains_of(no_gpu: pytest.MonkeyPatch) -> None:
    def complain() -> bool:
        warnings.warn("CUDA initialization: The NVIDIA driver on your system is too old\nmore", stacklevel=1)
        return False

    no_gpu.setattr(torch.cuda, "is_available", complain)
    with pytest.raises(DeviceError, match="driver on your system is too old") as caught:
        check_device("cuda")
    assert "more" not in str(caught.value)


def test_a_missing_driver(no_gpu: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_gpu.setattr(devices, "_DRIVER_FILE", tmp_path / "version")
    with pytest.raises(DeviceError, match=r"no NVIDIA driver is loaded$"):
        check_device("cuda")


def test_a_driver_without_gpu(no_gpu: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_gpu.setattr(devices, "_DRIVER_FILE", tmp_path)
    with pytest.raises(DeviceError, match=r"the NVIDIA driver shows no GPU$"):
        check_device("cuda")


@pytest.mark.parametrize("value", ["", "-1", "7"])
def test_hidden_gpus(no_gpu: pytest.MonkeyPatch, value: str) -> None:
    no_gpu.setenv("CUDA_VISIBLE_DEVICES", value)
    with pytest.raises(DeviceError, match=rf"no GPU is visible \(CUDA_VISIBLE_DEVICES='{value}'\)") as caught:
        check_device("cuda:0")
    assert "unset CUDA_VISIBLE_DEVICES" in caught.value.hint


@pytest.mark.parametrize(("count", "there"), [(1, "`cuda:0` alone is there"), (2, "there are `cuda:0` to `cuda:1`")])
def test_no_such_index(no_gpu: pytest.MonkeyPatch, count: int, there: str) -> None:
    no_gpu.setattr(torch.cuda, "is_available", lambda: True)
    no_gpu.setattr(torch.cuda, "device_count", lambda: count)
    check_device("cuda")
    check_device(f"cuda:{count - 1}")
    with pytest.raises(DeviceError, match=f"`cuda:{count}` cannot be used: {there}$"):
        check_device(f"cuda:{count}")
    no_gpu.setenv("CUDA_VISIBLE_DEVICES", "3")
    with pytest.raises(DeviceError, match="CUDA_VISIBLE_DEVICES='3'"):
        check_device(f"cuda:{count}")
