"""What `compare` puts side by side: networks from specs, and models in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnx.cli.given import Given, Named, read_name
from cnnx.errors import UsageError, brief

if TYPE_CHECKING:
    from cnnx.analysis.comparison import ComparisonRow
    from cnnx.analysis.conventions.presets import Convention
    from cnnx.cli.models import ModelSubject
    from cnnx.cli.names import Loaded
    from cnnx.graph.graph import Graph
    from cnnx.pytorch.foreign.model import Model


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the compared: its row before anything is measured, and what can be measured."""

    row: ComparisonRow  # with figures by the convention that was asked for
    subject: Graph | Model


def read_names(names: Sequence[str], given: Given, *, static: bool) -> list[Named]:
    """Read names, and check the options against them. Raises `UsageError`."""
    named = [read_name(name) for name in names]
    given.check(named)
    model = next((each.written for each in named if each.model is not None), None)
    if static and model is not None:
        raise UsageError(
            f"--static: `{brief(model)}` is a model in Python, and to count it, torch must import and run it",
            hint="leave --static out",
        )
    return named


def open_entries(named: Sequence[Named], given: Given, convention: Convention, dtype: str, batch: int) -> list[Entry]:
    """Find and count all that is named, specs first. Raises `CnnxError`s.

    Where no input is given, models get that of the specs, if these have one in common.
    """
    from cnnx.cli.models import open_model
    from cnnx.cli.names import load
    from cnnx.spec.library import Library

    library, settings, shape = Library(), given.read_settings(), given.read_input() if _specs(named) else None
    loaded = {number: load(each.written, library, settings, shape) for number, each in _specs(named).items()}
    common = _common_input(list(loaded.values()))
    return [
        _of_spec(loaded[number], convention, dtype, batch)
        if number in loaded
        else _of_model(open_model(each, given, dtype, convention, common), dtype, batch)
        for number, each in enumerate(named)
    ]


def _specs(named: Sequence[Named]) -> Mapping[int, Named]:
    return {number: each for number, each in enumerate(named) if each.model is None}


def _common_input(loaded: Sequence[Loaded]) -> list[str]:
    """Give the inputs that all specs take, as a user writes them; nothing where they differ."""
    shapes = {tuple(each.graph.inputs.values()) for each in loaded}
    return ["x".join(map(str, shape)) for shape in shapes.pop()] if len(shapes) == 1 else []


def _of_spec(loaded: Loaded, convention: Convention, dtype: str, batch: int) -> Entry:
    from cnnx.analysis.claims.accuracy import published_accuracy
    from cnnx.analysis.comparison import ComparisonRow
    from cnnx.analysis.figures import count
    from cnnx.analysis.memory.inference import predict_memory

    graph, title = loaded.graph, loaded.target.file.spec.title or ""
    figures, memory = convention.apply(count(graph, dtype)), predict_memory(graph, dtype, batch)
    row = ComparisonRow(loaded.label, title, figures, memory, published_accuracy(loaded.target, graph))
    return Entry(row, graph)


def _of_model(subject: ModelSubject, dtype: str, batch: int) -> Entry:
    from cnnx.analysis.comparison import ComparisonRow
    from cnnx.pytorch.settings import Settings

    memory, _ = subject.predict(Settings(dtype=dtype, batch=batch))
    row = ComparisonRow(subject.label, subject.title, subject.figures, memory, model=subject.counted)
    return Entry(row, subject.model)
