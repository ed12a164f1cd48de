"""Names of devices, and whether a device can be used here, or why not."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

from cnnx.errors import DeviceError, UsageError, nearest

AUTO = "auto"
_DEVICE = re.compile(r"cpu|cuda(?::(?:0|[1-9][0-9]{0,3}))?")
_DRIVER_FILE = Path("/proc/driver/nvidia/version")


def parse_devices(text: str) -> tuple[str, ...]:
    """Read `cpu`, `cuda`, `cuda:1`, or several with commas; each is given once, in the order written.

    Needs no torch. Raises `UsageError`, with the nearest name, for anything else.
    """
    names = [part.strip().lower() for part in text.split(",")]
    for name in names:
        if _DEVICE.fullmatch(name) is None:
            hint = nearest(name, ("cpu", "cuda", "cuda:0", AUTO)) or "devices are `cpu`, `cuda`, `cuda:1` …"
            raise UsageError(f"unknown device `{name[:64]}`", hint=hint)
    return tuple(dict.fromkeys(names))


def resolve_devices(text: str) -> tuple[str, ...]:
    """Read devices as `parse_devices` does, where `auto` is `cuda` if that can be used here, else `cpu`.

    Imports torch where `auto` is named. Raises `UsageError` for anything else.
    """
    names = [part.strip().lower() for part in text.split(",")]
    return parse_devices(",".join(_automatic() if name == AUTO else name for name in names))


def _automatic() -> str:
    try:
        check_device("cuda")
    except DeviceError:
        return "cpu"
    return "cuda"


def check_device(name: str) -> None:
    """Check that a device can be used.

    Raises `DeviceError` that says whether torch's build, the environment, the driver or the index is the cause;
    `UsageError` if `name` is not the name of one device.
    """
    names = parse_devices(name)
    if len(names) != 1:
        raise UsageError(f"`{name}` names several devices; one was expected")
    if names[0] != "cpu":
        _check_cuda(names[0], os.environ)


def _check_cuda(name: str, environment: Mapping[str, str]) -> None:
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        raise DeviceError(
            f"`{name}` cannot be used: this torch, {torch.__version__}, was built without CUDA",
            hint="install a CUDA build of torch, or measure on `cpu`",
        )
    count, said = _count_devices()
    if count == 0:
        raise _no_device(name, environment, said)
    index = int(name.partition(":")[2] or 0)
    if index >= count:
        there = "`cuda:0` alone is there" if count == 1 else f"there are `cuda:0` to `cuda:{count - 1}`"
        raise DeviceError(f"`{name}` cannot be used: {there}{_visible(environment)}")


def _count_devices() -> tuple[int, str]:
    """Count the CUDA devices that torch sees; with what torch said of it, as it warns where it sees none."""
    import torch

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # `device_count` may ask the management library alone, which sees GPUs that the driver cannot run.
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return count, " ".join(str(warning.message).splitlines()[0] for warning in caught)


def _no_device(name: str, environment: Mapping[str, str], said: str) -> DeviceError:
    """Say why torch sees no GPU: what it said of the driver, else what hides the GPUs, else that there is none."""
    if said:
        reason, hint = said, ""
    elif "CUDA_VISIBLE_DEVICES" in environment:
        reason, hint = "no GPU is visible", "unset CUDA_VISIBLE_DEVICES, or name GPUs that are there"
    elif os.name == "posix" and not _DRIVER_FILE.exists():
        reason, hint = "no NVIDIA driver is loaded", ""
    else:
        reason, hint = "the NVIDIA driver shows no GPU", ""
    return DeviceError(f"`{name}` cannot be used: {reason}{_visible(environment)}", hint=hint)


def _visible(environment: Mapping[str, str]) -> str:
    value = environment.get("CUDA_VISIBLE_DEVICES")
    return "" if value is None else f" (CUDA_VISIBLE_DEVICES={value!r})"
