"""Models as `check` sees them, of whatever origin: found by name, counted, each layer with its place in a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnx.analysis.conventions import find_convention
from cnnx.analysis.figures import count
from cnnx.analysis.memory import predict_memory
from cnnx.analysis.snapshot import Asked, Snapshot, take_snapshot
from cnnx.cli.names import load, split_name
from cnnx.spec.library import Library

if TYPE_CHECKING:
    from cnnx.cli.names import Loaded


@dataclass(frozen=True, slots=True)
class Model:
    """A model: how it was named, its snapshot, and what tells in which file and line a layer stands."""

    label: str
    snapshot: Snapshot
    place: Callable[[str], tuple[Path, int]]


def obtain(names: Sequence[str], asked: Asked) -> list[Model]:
    """Find what is named, each asked for as `asked` says and with the settings of its own name, and count it."""
    library = Library()
    return [_obtain_spec(name, asked, library) for name in names]


def _obtain_spec(name: str, asked: Asked, library: Library) -> Model:
    """Count a spec, or a variant of one."""
    asked = replace(asked, settings={**asked.settings, **split_name(name)[1]})
    loaded = load(name, library, asked.settings, asked.input)
    figures = find_convention(asked.convention).apply(count(loaded.graph, asked.dtype))
    memory = predict_memory(loaded.graph, asked.dtype, asked.batch)
    return Model(name, take_snapshot(figures, memory, asked), lambda layer: _place(loaded, library, asked, layer))


def _place(loaded: Loaded, library: Library, asked: Asked, layer: str) -> tuple[Path, int]:
    """Give the spec's own file and the line of a layer in it; of a layer that it does not have, that of `layers`."""
    from cnnx.graph.places import find_places  # here, as only what is to be annotated needs it

    marks = find_places(loaded.target, library, asked.settings, asked.input)
    file = loaded.target.file
    return file.path, marks.get(layer, file.mark("layers")).line
