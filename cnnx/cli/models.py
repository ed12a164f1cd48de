"""Models that cnnx did not build, on the command line: named `module:name`, imported, run, counted, measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cnnx.cli.given import Given, Named
from cnnx.cli.output import aside
from cnnx.errors import CheckError, InputError, UsageError, brief
from cnnx.report.text import listed

if TYPE_CHECKING:
    from cnnx.analysis.conventions.presets import Convention
    from cnnx.analysis.figures import Figures
    from cnnx.analysis.memory.inference import Alive, Memory
    from cnnx.analysis.memory.training import Backward, Optimizer, StepMemory
    from cnnx.analysis.models.figures import ModelCount
    from cnnx.analysis.profiling.parts import Part
    from cnnx.analysis.profiling.runs import Run
    from cnnx.analysis.profiling.training_runs import TrainingRun
    from cnnx.pytorch.foreign.model import Model
    from cnnx.pytorch.settings import Progress, Settings


@dataclass(frozen=True, slots=True)
class ModelSubject:
    """A model that is profiled or compared as a network from a spec is."""

    label: str
    model: Model
    parts: tuple[Part, ...]
    title: str = ""

    @property
    def figures(self) -> Figures:
        """Its figures for one image."""
        return self.model.figures

    @property
    def counted(self) -> ModelCount:
        """How they came about, and what is not in them."""
        return self.model.counted

    def predict(self, settings: Settings) -> tuple[Memory | None, tuple[Alive, ...]]:
        """Predict its memory on the meta device, in all and by module; nothing where it does not run there."""
        from cnnx.pytorch.foreign.profiling import predict_memory

        with aside():
            return predict_memory(self.model, self._watched(), settings)

    def measure(self, settings: Settings, progress: Progress, command: str) -> Run:
        """Measure it. Raises `CnnxError`s."""
        from cnnx.pytorch.foreign.profiling import profile_model

        with aside():
            return profile_model(self.model, self._watched(), settings, progress, command)

    def predict_training(self, settings: Settings, optimizer: Optimizer) -> tuple[Backward | None, StepMemory | None]:
        """Count the multiply–adds of its backward pass and predict the memory of a step, both on the meta device."""
        from cnnx.pytorch.foreign.training import count_model_backward, predict_model_step

        with aside():
            step = predict_model_step(self.model, optimizer, settings)
            return count_model_backward(self.model, settings), step

    def train(self, settings: Settings, optimizer: Optimizer, progress: Progress, command: str) -> TrainingRun:
        """Measure its training. Raises `CnnxError`s."""
        from cnnx.pytorch.foreign.training import train_model

        with aside():
            return train_model(self.model, optimizer, settings, progress, command)

    def _watched(self) -> list[str]:
        return [part.name for part in self.parts]


def open_model(
    named: Named, given: Given, dtype: str, convention: Convention, common: Sequence[str] = ()
) -> ModelSubject:
    """Import and make a model, and count it; its own arguments stand before those that are given for all.

    Where no input is given, it gets what is in `common` use, else an image. Raises `UsageError` for whatever goes
    wrong in that.
    """
    from cnnx.analysis.figures import CONVENTION

    assert named.model is not None  # of a spec there is nothing to import
    if convention.name != CONVENTION:
        raise UsageError(
            f"--convention {convention.name}: `{brief(named.written)}` is counted by cnnx's own convention alone"
        )
    arguments, inputs = {**given.read_arguments(), **named.own}, given.read_model_inputs(common)

    from cnnx.analysis.models.parts import model_parts
    from cnnx.pytorch.foreign.model import count_model
    from cnnx.pytorch.foreign.source import ModelSource

    source = ModelSource(named.model, arguments, inputs)
    assumed = "" if given.inputs else f"the input is {listed(list(map(str, inputs)))}, {_reason(common)}"
    try:
        with aside():
            model = count_model(source, dtype, named.written)
    except InputError as error:
        raise InputError(error.message, hint=_hint(assumed)) from error.__cause__
    counted, notes = model.counted, (f"{assumed}; --input gives another",) if assumed else ()
    # Its name is without the arguments, as that of a spec is without its settings.
    named_alone = replace(counted.figures, name=str(named.model))
    model.counted = replace(counted, figures=named_alone, notes=(*counted.notes, *notes))
    return ModelSubject(named.written, model, model_parts(model.counted))


def _reason(common: Sequence[str]) -> str:
    return "that of the specs" if common else "as nothing was said"


def _hint(assumed: str) -> str:
    if assumed:
        return f"{assumed}: --input 128, or --input int64:77 --input 64, gives each argument without the batch"
    return "--input gives the shape of each argument without the batch, once for each"


def check_known(counted: Sequence[ModelCount]) -> None:
    """Check that every operator of models is known. Raises `CheckError`."""
    unknown = sorted({each.name for model in counted for each in model.unknown})
    if unknown:
        raise CheckError(f"--strict: cnnx does not know what {listed(unknown)} cost")
