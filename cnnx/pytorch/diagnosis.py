"""What torch is there and which devices it can use. Torch is imported inside, as it may be missing or broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnx.analysis.diagnosis import Device, TorchBuild
from cnnx.errors import DeviceError
from cnnx.pytorch.devices import check_device

if TYPE_CHECKING:
    from types import ModuleType


def diagnose_torch() -> TorchBuild:
    """Ask torch for its version, its CUDA, its threads, and the devices, with the cause where one cannot be used."""
    try:
        import torch
    except (ImportError, OSError, RuntimeError) as error:  # missing, or its libraries do not load
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        return TorchBuild(None, None, None, (), f"torch cannot be imported: {reason}")
    devices = (Device("cpu", True, torch.backends.cpu.get_cpu_capability()), *_cuda_devices(torch))
    return TorchBuild(str(torch.__version__), torch.version.cuda, torch.get_num_threads(), devices)


def _cuda_devices(torch: ModuleType) -> Iterator[Device]:
    try:
        check_device("cuda")
    except DeviceError as error:
        yield Device("cuda", False, str(error).removeprefix("`cuda` cannot be used: "))
        return
    for index in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(index)
        memory = f"{found.total_memory / 2**30:.1f} GiB"
        yield Device(f"cuda:{index}", True, f"{found.name}, {memory}, compute capability {found.major}.{found.minor}")
