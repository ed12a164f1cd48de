"""What `profile` measures of one network on one device with one batch."""

from __future__ import annotations

from dataclasses import dataclass

from cnnx.analysis.environment import Environment
from cnnx.analysis.memory.inference import Alive
from cnnx.analysis.records import Latency, LatencyRatio, TimeByNode


@dataclass(frozen=True, slots=True)
class ObservedMemory:
    """Bytes of inputs and activations that were seen to live while each node ran; the largest is the peak.

    On a CPU they are those of storages, without the workspace of kernels. On a GPU the allocator tells them, in its
    own steps and with the workspace that is taken from it. `by_node` is empty where only the peak could be seen.
    """

    peak_bytes: int
    by_node: tuple[Alive, ...]
    with_workspace: bool


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run; times are for a call with the whole batch.

    `latency` is of the module as it was asked for: eager, compiled, or as a CUDA graph. Where that is not eager, the
    same rounds measured the eager module too: `eager`, and `eager_ratio`, its time over that of the module asked for.
    `times` are always those of the eager module's nodes.
    """

    latency: Latency
    times: TimeByNode | None
    memory: ObservedMemory | None
    environment: Environment
    mode: str = "eager"
    eager: Latency | None = None
    eager_ratio: LatencyRatio | None = None
    prepare_seconds: float = 0.0  # of compiling and recording
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run has no result: `memory`, `unsupported`, `device` or `interrupted`, and the reason in words."""

    kind: str
    message: str
