"""Other counters beside cnnx's own: torch's FlopCounterMode and fvcore, where they can run."""

from __future__ import annotations

from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cnnx.analysis.figures import Figures
from cnnx.analysis.records import CounterResult
from cnnx.pytorch.compiler import compiler_left_alone
from cnnx.pytorch.counters.crosscheck import FVCORE_MACS, FVCORE_NODES, lacks_memory
from cnnx.pytorch.counters.fvcore import count_by_fvcore
from cnnx.pytorch.foreign.attempt import Attempt, told
from cnnx.pytorch.foreign.stage import Inputs, staged


def look_beside(model: nn.Module, inputs: Inputs, device: str, figures: Figures) -> tuple[CounterResult, ...]:
    """Give what the others count for the same call: multiply–adds, or a note that says why there are none.

    FlopCounterMode runs on `device`, as cnnx's own counter did; fvcore, which traces with data, on the CPU. Both count
    convolutions, linear layers and matrix products; FlopCounterMode attention too.
    """
    return (_by_torch(model, inputs, device), _by_fvcore(model, inputs, figures))


def _by_torch(model: nn.Module, inputs: Inputs, device: str) -> CounterResult:
    with Attempt() as attempt:
        with (
            staged(model, inputs, device) as given,
            FlopCounterMode(display=False) as counter,
            compiler_left_alone(counter.mode),
        ):
            model(*given)
        total = counter.get_total_flops()
        return CounterResult("torch", total // 2, reported=total)
    return CounterResult("torch", None, note=f"failed: {told(attempt.error)}")


def _by_fvcore(model: nn.Module, inputs: Inputs, figures: Figures) -> CounterResult:
    reason = _why_without_fvcore(inputs, figures)
    if reason:
        return CounterResult("fvcore", None, note=f"left out: {reason}")
    with Attempt() as attempt, staged(model, inputs, "cpu") as given:
        seen = count_by_fvcore(model, given)
        return CounterResult("fvcore", seen.macs, note=seen.note, reported=seen.reported)
    return CounterResult("fvcore", None, note=f"failed: {told(attempt.error)}")


def _why_without_fvcore(inputs: Inputs, figures: Figures) -> str:
    if len(figures.by_node) > FVCORE_NODES:
        return f"{len(figures.by_node):,} operators, and above {FVCORE_NODES:,} it takes very long"
    if figures.macs > FVCORE_MACS:
        return f"it runs the module, and above {FVCORE_MACS // 10**9} G multiply–adds that takes very long"
    if not all(isinstance(each, Tensor) for each in inputs):
        return "it traces modules that take tensors only"
    return lacks_memory(figures)
