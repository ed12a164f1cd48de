"""One run of `profile` for a model that cnnx did not build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cnnx.analysis.memory.inference import Alive, Memory
from cnnx.analysis.models.figures import Dispatched
from cnnx.analysis.models.parts import WHOLE
from cnnx.analysis.profiling.runs import Run
from cnnx.pytorch.calling import check_calling
from cnnx.pytorch.cuda_child import run_where_asked
from cnnx.pytorch.environment import Before, before_measuring
from cnnx.pytorch.foreign.attempt import as_usage_error
from cnnx.pytorch.foreign.clocked import AnotherWayError, ClockedForward, most_by_name, time_by_name
from cnnx.pytorch.foreign.model import Model
from cnnx.pytorch.foreign.predicted import predict_model
from cnnx.pytorch.foreign.state import kept_as_it_was
from cnnx.pytorch.memory_budget import check_memory
from cnnx.pytorch.profiling import Subject, profile_subject
from cnnx.pytorch.settings import Progress, Settings
from cnnx.pytorch.torch_errors import torch_errors

_WANDERS = "the model takes another way through its modules at each call: its time is not divided among them"
_PASSED = "did not run as modules of their own: torch or the model takes a faster way when it is measured"


def profile_model(
    model: Model, watched: Sequence[str], settings: Settings, progress: Progress | None = None, command: str = ""
) -> Run:
    """Measure a model: the whole, the modules at the `watched` paths, and its memory; `command` is the command line.

    Raises `DeviceError` if the device cannot be used or fails, `MemoryBudgetError` if the memory cannot hold the
    module or was full, `UsageError` if torch cannot run or compile it so, or its own code raises.
    """
    return run_where_asked(ProfileModel(model, tuple(watched), settings, command), settings, progress)


@dataclass(frozen=True, slots=True)
class ProfileModel:
    """The task of profiling a model in one process."""

    model: Model
    watched: tuple[str, ...]
    settings: Settings
    command: str

    def run(self, progress: Progress | None) -> Run:
        """Do it. Raises as `profile_model` does."""
        check_calling(self.settings)
        check_memory([self.model.figures], self.settings)
        before = before_measuring(self.settings, self.command)
        with as_usage_error(f"running `{self.model.source.name}`"), torch_errors(self.settings):
            try:
                return self._measure(self.watched, before, progress)
            except AnotherWayError:  # what chooses its way at random may have gone the same one at first
                return self._measure((), before, progress)

    def _measure(self, watched: Sequence[str], before: Before, progress: Progress | None) -> Run:
        module, inputs = self.model.prepare(self.settings)
        with kept_as_it_was(module):  # what it keeps from inference could not be trained with
            forward = ClockedForward(module, inputs, watched)
            subject = Subject(module, inputs, forward, tuple([name or WHOLE for name in forward.names]), forward.ready)
            run = _by_module(profile_subject(subject, self.settings, before, progress))
        wanders = not forward.divided or len(watched) < len(self.watched)
        return _warned(run, _WANDERS if wanders else self._passed_over(forward))

    def _passed_over(self, forward: ClockedForward) -> str:
        """Tell of modules that do arithmetic when they are counted, and were not called when they were measured."""
        paths = {node.op.module for node in self.model.figures.by_node if node.macs and isinstance(node.op, Dispatched)}
        passed = sorted(paths.intersection(self.watched).difference(forward.names))
        more = f" and {len(passed) - 1} more" if len(passed) > 1 else ""
        return f"`{passed[0]}`{more} {_PASSED}" if passed else ""


def _warned(run: Run, warning: str) -> Run:
    """Add a warning, where there is one."""
    if not warning:
        return run
    return replace(run, environment=replace(run.environment, warnings=(*run.environment.warnings, warning)))


def _by_module(run: Run) -> Run:
    """Put the stretches in which one module runs together."""
    times, memory = run.times, run.memory
    if times is not None:
        times = replace(times, nodes=time_by_name(times.nodes))
    if memory is not None:
        memory = replace(memory, by_node=most_by_name(memory.by_node))
    return replace(run, times=times, memory=memory)


def predict_memory(model: Model, watched: Sequence[str], settings: Settings) -> tuple[Memory | None, tuple[Alive, ...]]:
    """Predict the memory of a model that was counted in this process; nothing where it does not run without data."""
    if model.shell is None:
        return None, ()
    inputs = model.source.draw(batch=settings.batch, device="meta", dtype=settings.dtype)
    return predict_model(model.shell, inputs, watched, settings.dtype, settings.batch)
