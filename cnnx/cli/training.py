"""The training of one run of `profile`: what is predicted of it, and what is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnx.cli.invocation import command_line
from cnnx.cli.measuring import progress_of
from cnnx.errors import CnnxError, DeviceError, MemoryBudgetError, UsageError

if TYPE_CHECKING:
    from cnnx.analysis.memory.training import Optimizer
    from cnnx.analysis.profiling.runs import Failure
    from cnnx.analysis.profiling.training_runs import ProfiledTraining, TrainingRun
    from cnnx.cli.subjects import ProfileSubject
    from cnnx.pytorch.settings import Settings


def read_optimizer(name: str | None, train: bool) -> Optimizer | None:
    """Give the optimizer to train with; None where training is not asked for. Raises `UsageError`."""
    if not train:
        if name is not None:
            raise UsageError(f"--optimizer {name}: it is for training", hint="add --train")
        return None
    from cnnx.analysis.memory.training import Optimizer

    return Optimizer.SGD if name is None else Optimizer(name)


def profile_training(
    subject: ProfileSubject, settings: Settings, optimizer: Optimizer, failure: Failure | None
) -> tuple[ProfiledTraining, CnnxError | KeyboardInterrupt | None]:
    """Predict the training of a run and, unless the run had a `failure`, measure it; give what stopped it too."""
    from cnnx.analysis.profiling.training_runs import ProfiledTraining
    from cnnx.cli.profiling import failure_of, interruption

    stopped: CnnxError | KeyboardInterrupt | None = None
    run: TrainingRun | None = None
    if failure is None:
        try:
            run = _measure(subject, settings, optimizer)
        except (MemoryBudgetError, UsageError, DeviceError) as error:
            failure, stopped = failure_of(error), error
        except KeyboardInterrupt as error:
            failure, stopped = interruption(), error
    backward, predicted = subject.predict_training(settings, optimizer)
    return ProfiledTraining(optimizer, backward, predicted, run, failure), stopped


def _measure(subject: ProfileSubject, settings: Settings, optimizer: Optimizer) -> TrainingRun:
    with progress_of(f"training on {settings.device}, batch {settings.batch}") as tell:
        return subject.train(settings, optimizer, tell, command_line())
