"""What `profile --train` measures of one network on one device with one batch."""

from __future__ import annotations

from dataclasses import dataclass

from cnnx.analysis.environment import Environment
from cnnx.analysis.memory.training import Backward, Optimizer, StepMemory
from cnnx.analysis.profiling.runs import Failure
from cnnx.analysis.records import Latency


@dataclass(frozen=True, slots=True)
class ObservedTraining:
    """Bytes that were seen in one training step, beside weights and buffers; see `StepMemory` for what is held.

    On a CPU they are those of storages, without the workspace of kernels. On a GPU the allocator tells the peak, in its
    own steps and with the workspace that is taken from it. `state_bytes` are all that the optimizer keeps.
    """

    saved_bytes: int
    peak_bytes: int
    state_bytes: int
    with_workspace: bool


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """The times of a training step with the whole batch, and its memory.

    `forward`, `backward` and `update` (the optimizer's) are parts of the same steps, by clocks read in between, and
    `step` is their sum; the removal of old gradients and the release of the outputs are not in it.
    """

    optimizer: Optimizer
    forward: Latency
    backward: Latency
    update: Latency
    step: Latency
    memory: ObservedTraining
    environment: Environment


@dataclass(frozen=True, slots=True)
class ProfiledTraining:
    """The training of one device and batch: what is predicted, and what was measured or why not.

    `backward` is None, or has no FLOPs, and `predicted` is None where these cannot be told.
    """

    optimizer: Optimizer
    backward: Backward | None
    predicted: StepMemory | None
    run: TrainingRun | None
    failure: Failure | None
