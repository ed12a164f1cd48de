"""Settings of a measurement: what is refused, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest

from cnnx.errors import UsageError
from cnnx.pytorch.settings import Settings


def test_defaults() -> None:
    settings = Settings()
    assert (settings.device, settings.dtype, settings.batch, settings.rounds) == ("cpu", "float32", 1, 60)
    assert not settings.on_cuda
    assert (settings.layout, settings.mode) == ("contiguous", "eager")
    assert Settings(device="cuda:1").on_cuda


def test_layout_and_mode_are_named() -> None:
    assert Settings(channels_last=True).layout == "channels last"
    assert Settings(compile=True).mode == "compiled"
    assert Settings(device="cuda", compile=True, cuda_graph=True).mode == "compiled, CUDA graph"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"device": "gpu"}, "unknown device `gpu`"),
        ({"device": "cpu,cuda"}, "several devices"),
        ({"dtype": "floot32"}, "did you mean `float32`"),
        ({"dtype": "int8"}, "unknown dtype `int8`"),
        ({"batch": 0}, "batch is 0"),
        ({"rounds": 0}, "rounds is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"cuda_graph": True}, "a CUDA graph runs on a CUDA device, not on `cpu`"),
        ({"max_time": 0.0}, "max_time is 0 seconds"),
        ({"max_time": float("nan")}, "max_time is nan"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Settings(**wrong)


@pytest.mark.parametrize("least", [{"batch": 1}, {"rounds": 1}, {"threads": 1}, {"max_time": 0.001}])
def test_the_least_that_can_be(least: dict[str, Any]) -> None:
    Settings(**least)
