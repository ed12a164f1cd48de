"""The runs of `profile`: the limits of every device, then one measurement for each device and batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cnnx.cli.invocation import command_line
from cnnx.cli.measuring import progress_of
from cnnx.errors import CnnxError, DeviceError, MemoryBudgetError, UsageError

if TYPE_CHECKING:
    from cnnx.analysis.memory.training import Optimizer
    from cnnx.analysis.profiling.profile import ProfiledRun
    from cnnx.analysis.profiling.roofline import Limits
    from cnnx.analysis.profiling.runs import Failure, Run
    from cnnx.analysis.profiling.training_runs import ProfiledTraining
    from cnnx.cli.subjects import ProfileSubject
    from cnnx.pytorch.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show of each run, and whether to measure the limits anew."""

    by: str
    top: int | None
    remeasure: bool
    optimizer: Optimizer | None = None  # where training is to be measured too


@dataclass(slots=True)
class Runs:
    """What came of the runs: `error` is that of the first that failed, and `interrupted` tells of Ctrl-C.

    `training_error` is that of the first that was measured and could not be trained.
    """

    done: list[ProfiledRun]
    error: CnnxError | None = None
    training_error: CnnxError | None = None
    interrupted: bool = False

    @property
    def measured(self) -> bool:
        """Whether anything was measured."""
        return any(each.run is not None for each in self.done)

    def check(self) -> None:
        """Raise what there is to tell at the end: Ctrl-C, or the first error where nothing was measured or trained."""
        if self.interrupted:
            raise KeyboardInterrupt
        if self.error is not None and not self.measured:
            raise self.error
        if self.training_error is not None and not any(each.training and each.training.run for each in self.done):
            raise self.training_error


def profile_runs(subject: ProfileSubject, settings: Sequence[Settings], wanted: Wanted) -> Runs:
    """Measure one run after the other. One that fails has its reason in its place, and the others go on.

    After Ctrl-C, those that remain say so. Raises the error of a run that is the only one, and `KeyboardInterrupt`
    where nothing had been measured by then.
    """
    from cnnx.pytorch.memory_budget import check_memory

    runs, limits = Runs([]), dict[str, "Limits | None"]()
    for each in settings:
        run: Run | None = None
        failure: Failure | None = interruption() if runs.interrupted else None
        if failure is None:
            try:
                if not each.on_cuda:  # where the child checks, so that this process takes no memory of the device
                    check_memory([subject.figures], each)
                if each.device not in limits:
                    limits[each.device] = find_limits(each, remeasure=wanted.remeasure)
                run = _measure(subject, each)
            except (MemoryBudgetError, UsageError, DeviceError) as error:
                if len(settings) == 1:
                    raise
                failure, runs.error = failure_of(error), runs.error or error
            except KeyboardInterrupt:
                if not runs.measured:
                    raise
                failure, runs.interrupted = interruption(), True
        outcome = Outcome(run, failure, _train(subject, each, wanted.optimizer, failure, runs))
        runs.done.append(profiled(subject, each, wanted, limits.get(each.device), outcome))
    return runs


class Outcome(NamedTuple):
    """What came of one run: its measurement, or why there is none, and its training where that is wanted."""

    run: Run | None
    failure: Failure | None
    training: ProfiledTraining | None


def _measure(subject: ProfileSubject, settings: Settings) -> Run:
    what = "compiling and measuring" if settings.compile else "measuring"
    with progress_of(f"{what} on {settings.device}, batch {settings.batch}") as tell:
        return subject.measure(settings, tell, command_line())


def _train(
    subject: ProfileSubject, settings: Settings, optimizer: Optimizer | None, failure: Failure | None, runs: Runs
) -> ProfiledTraining | None:
    if optimizer is None:
        return None
    from cnnx.cli.training import profile_training

    training, stopped = profile_training(subject, settings, optimizer, failure)
    if isinstance(stopped, CnnxError):
        runs.training_error = runs.training_error or stopped
    elif stopped is not None:
        runs.interrupted = True
    return training


def failure_of(error: MemoryBudgetError | UsageError | DeviceError) -> Failure:
    """Say why a run failed."""
    from cnnx.analysis.profiling.runs import Failure

    kinds = {MemoryBudgetError: "memory", UsageError: "unsupported", DeviceError: "device"}
    return Failure(kinds[type(error)], str(error))


def interruption() -> Failure:
    """Say that a run was interrupted."""
    from cnnx.analysis.profiling.runs import Failure

    return Failure("interrupted", "interrupted")


def profiled(
    subject: ProfileSubject,
    settings: Settings,
    wanted: Wanted,
    limits: Limits | None,
    outcome: Outcome,
) -> ProfiledRun:
    """Put together what one run is shown as."""
    from cnnx.analysis.profiling.profile import ProfiledRun, profile_rows, whole_row

    memory, live = subject.predict(settings)
    by = "layer" if wanted.by == "memory" else wanted.by
    dtype, batch, run = settings.dtype, settings.batch, outcome.run
    backward = None if outcome.training is None else outcome.training.backward
    return ProfiledRun(
        device=settings.device,
        batch=batch,
        predicted=memory,
        live_by_node=live,
        limits=limits,
        run=run,
        failure=outcome.failure,
        rows=profile_rows(subject.parts, by, wanted.top, dtype, batch, run, limits, backward),
        whole=whole_row(subject.label, subject.parts, dtype, batch, run, limits, backward),
        training=outcome.training,
    )


def find_limits(settings: Settings, *, remeasure: bool) -> Limits | None:
    """Give the limits of a device, kept or measured; None where it has no matrix product of the dtype."""
    from cnnx.analysis.profiling.limits_store import keep_limits, kept_limits
    from cnnx.pytorch.limits import limits_environment, measure_limits

    kept = None if remeasure else kept_limits(limits_environment(settings))
    if kept is not None:
        return kept
    try:
        with progress_of(f"measuring the limits of {settings.device}") as tell:
            limits = measure_limits(settings, tell)
    except (MemoryBudgetError, UsageError):  # the run itself will say what fails, or does not need a product
        return None
    keep_limits(limits)
    return limits
