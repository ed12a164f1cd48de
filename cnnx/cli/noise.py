"""`cnnx compare --aa`: the machine's own noise floor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnx.cli.invocation import command_line
from cnnx.cli.measuring import check_possible, progress_of
from cnnx.cli.output import Output
from cnnx.errors import UsageError, brief

if TYPE_CHECKING:
    from cnnx.cli.given import Given, Named
    from cnnx.pytorch.settings import Settings


def show_noise(names: Sequence[Named], given: Given, settings: Sequence[Settings], output: Output) -> None:
    """Measure a spec against itself, with each of the settings, and show what would be claimed.

    Raises `UsageError` where several are named, or a model in Python.
    """
    named, *others = names
    if others:
        raise UsageError(f"--aa: one spec is measured against itself, and {len(names)} are named")
    if named.model is not None:
        raise UsageError(f"--aa: `{brief(named.written)}` is a model in Python; a spec is measured against itself")

    from cnnx.analysis.figures import count
    from cnnx.cli.names import load
    from cnnx.report.noise import draw_noise, noise_document, noise_grid
    from cnnx.spec.library import Library

    loaded = load(named.written, Library(), given.read_settings(), given.read_input())
    figures = count(loaded.graph, settings[0].dtype)
    check_possible([figures, figures], settings)

    from cnnx.pytorch.noise import measure_noise

    floors = []
    for each in settings:
        with progress_of(f"measuring {loaded.label} against itself on {each.device}") as tell:
            floors.append(measure_noise(loaded.graph, loaded.label, each, tell, command_line()))
    output.write(
        lambda width: draw_noise(floors, width),
        lambda: noise_document(floors, loaded.graph.name),
        lambda: noise_grid(floors),
    )
