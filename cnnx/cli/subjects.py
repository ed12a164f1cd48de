"""What can be profiled: anything that has figures, parts, and a way to be measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cnnx.cli.given import Given, read_name

if TYPE_CHECKING:
    from cnnx.analysis.conventions.presets import Convention
    from cnnx.analysis.figures import Figures
    from cnnx.analysis.memory.inference import Alive, Memory
    from cnnx.analysis.memory.training import Backward, Optimizer, StepMemory
    from cnnx.analysis.models.figures import ModelCount
    from cnnx.analysis.profiling.parts import Part
    from cnnx.analysis.profiling.runs import Run
    from cnnx.analysis.profiling.training_runs import TrainingRun
    from cnnx.graph.graph import Graph
    from cnnx.pytorch.settings import Progress, Settings


class ProfileSubject(Protocol):
    """One thing to profile. The parts have the names under which `measure` times them."""

    @property
    def label(self) -> str:
        """What the user called it."""
        ...

    @property
    def title(self) -> str:
        """What it is called in tables; may be empty."""
        ...

    @property
    def figures(self) -> Figures:
        """Its figures for one image, by the convention that was asked for."""
        ...

    @property
    def parts(self) -> tuple[Part, ...]:
        """What its nodes cost, by cnnx's own convention."""
        ...

    def predict(self, settings: Settings) -> tuple[Memory | None, tuple[Alive, ...]]:
        """Predict its memory, in all and by node; nothing where that cannot be."""
        ...

    def measure(self, settings: Settings, progress: Progress, command: str) -> Run:
        """Measure it. Raises `CnnxError`s."""
        ...

    @property
    def counted(self) -> ModelCount | None:
        """How the figures of a model that cnnx did not build came about; None of a spec."""
        ...

    def predict_training(self, settings: Settings, optimizer: Optimizer) -> tuple[Backward | None, StepMemory | None]:
        """Count its backward pass and predict the memory of a training step; None for what cannot be told."""
        ...

    def train(self, settings: Settings, optimizer: Optimizer, progress: Progress, command: str) -> TrainingRun:
        """Measure its training. Raises `CnnxError`s."""
        ...


@dataclass(frozen=True, slots=True)
class SpecSubject:
    """A network or block from a spec."""

    label: str
    title: str
    graph: Graph
    figures: Figures
    parts: tuple[Part, ...]
    counted: ModelCount | None = None

    def predict(self, settings: Settings) -> tuple[Memory | None, tuple[Alive, ...]]:
        """Predict its memory, in all and by node, without torch."""
        from cnnx.analysis.memory.inference import live_by_node, predict_memory

        memory = predict_memory(self.graph, settings.dtype, settings.batch)
        return memory, live_by_node(self.graph, settings.dtype, settings.batch)

    def measure(self, settings: Settings, progress: Progress, command: str) -> Run:
        """Build it and measure it. Raises `CnnxError`s."""
        from cnnx.pytorch.profiling import profile_graph

        return profile_graph(self.graph, settings, progress, command)

    def predict_training(self, settings: Settings, optimizer: Optimizer) -> tuple[Backward, StepMemory]:
        """Count its backward pass and predict the memory of a training step, without torch."""
        from cnnx.analysis.memory.training import count_backward, predict_step

        # Where nothing watches what is dispatched, autograd spares some tensors.
        return count_backward(self.graph), predict_step(
            self.graph, optimizer, settings.dtype, settings.batch, sums_in_place=settings.on_cuda
        )

    def train(self, settings: Settings, optimizer: Optimizer, progress: Progress, command: str) -> TrainingRun:
        """Build it and measure its training. Raises `CnnxError`s."""
        from cnnx.pytorch.training.measuring import train_graph

        return train_graph(self.graph, optimizer, settings, progress, command)


def open_subject(name: str, given: Given, dtype: str, convention: Convention) -> ProfileSubject:
    """Find what is named and count it. Raises `CnnxError`s."""
    from cnnx.cli.models import open_model

    named = read_name(name)
    given.check([named])
    if named.model is not None:
        return open_model(named, given, dtype, convention)
    return _open_spec(name, given, dtype, convention)


def _open_spec(name: str, given: Given, dtype: str, convention: Convention) -> SpecSubject:
    from cnnx.analysis.figures import count
    from cnnx.analysis.profiling.parts import parts_of
    from cnnx.cli.names import load
    from cnnx.spec.library import Library

    loaded = load(name, Library(), given.read_settings(), given.read_input())
    own = count(loaded.graph, dtype)
    return SpecSubject(
        loaded.label, loaded.target.file.spec.title or "", loaded.graph, convention.apply(own), parts_of(own)
    )
