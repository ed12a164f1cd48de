"""Models as `check` sees them, of whatever origin: found by name, counted, each layer with its place in a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnx.analysis.budgets.snapshot import Asked, Snapshot, take_snapshot
from cnnx.analysis.conventions.presets import find_convention
from cnnx.analysis.figures import count
from cnnx.analysis.memory.inference import predict_memory
from cnnx.cli.given import Given, Named, read_name
from cnnx.cli.names import load, split_name
from cnnx.graph.operation import show_shape
from cnnx.spec.library import Library

if TYPE_CHECKING:
    from cnnx.analysis.models.figures import ModelCount
    from cnnx.cli.names import Loaded


@dataclass(frozen=True, slots=True)
class Model:
    """A model: how it was named, its snapshot, and what tells in which file and line a layer stands.

    `counted` says of a model in Python how its figures came about.
    """

    label: str
    snapshot: Snapshot
    place: Callable[[str], tuple[Path, int]]
    counted: ModelCount | None = None


def obtain(names: Sequence[str], given: Given, asked: Asked) -> list[Model]:
    """Find what is named and count it; `asked` has what holds for all. Raises `CnnxError`s."""
    named = [read_name(name) for name in names]
    given.check(named)
    library = Library()
    return [
        _obtain_spec(each.written, given, asked, library) if each.model is None else _obtain_model(each, given, asked)
        for each in named
    ]


def _obtain_spec(name: str, given: Given, asked: Asked, library: Library) -> Model:
    """Count a spec, or a variant of one, without torch."""
    shape, settings = given.read_input(), {**given.read_settings(), **split_name(name)[1]}
    asked = replace(asked, settings=settings, inputs=None if shape is None else (show_shape(shape),))
    loaded = load(name, library, settings, shape)
    figures = find_convention(asked.convention).apply(count(loaded.graph, asked.dtype))
    memory = predict_memory(loaded.graph, asked.dtype, asked.batch)
    return Model(name, take_snapshot(figures, memory, asked), lambda layer: _place(loaded, library, given, layer))


def _place(loaded: Loaded, library: Library, given: Given, layer: str) -> tuple[Path, int]:
    """Give the spec's own file and the line of a layer in it; of a layer that it does not have, that of `layers`."""
    from cnnx.graph.marks import find_marks  # here, as only what is to be annotated needs it

    settings = {**given.read_settings(), **split_name(loaded.label)[1]}
    marks = find_marks(loaded.target, library, settings, given.read_input())
    file = loaded.target.file
    return file.path, marks.get(layer, file.mark("layers")).line


def _obtain_model(named: Named, given: Given, asked: Asked) -> Model:
    """Import a model in Python and count it."""
    from cnnx.cli.models import open_model
    from cnnx.pytorch.foreign.source_lines import find_line
    from cnnx.pytorch.settings import Settings

    source = named.model
    assert source is not None  # a spec is counted otherwise
    inputs = tuple(map(str, given.read_model_inputs())) if given.inputs else None
    asked = replace(asked, settings={**given.read_arguments(), **named.own}, inputs=inputs)
    subject = open_model(named, given, asked.dtype, find_convention(asked.convention))
    memory, _ = subject.predict(Settings(dtype=asked.dtype, batch=asked.batch))
    snapshot = take_snapshot(subject.figures, memory, asked)
    return Model(named.written, snapshot, lambda layer: find_line(subject.model.shell, source, layer), subject.counted)
