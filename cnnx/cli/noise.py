"""`cnnx compare --aa`: the machine's own noise floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnx.cli.invocation import command_line
from cnnx.cli.measuring import Asked, check_possible, progress_of
from cnnx.cli.output import Output
from cnnx.errors import UsageError

if TYPE_CHECKING:
    from cnnx.cli.names import Loaded


def show_noise(loaded: Loaded, asked: Asked, output: Output, *, static: bool) -> None:
    """Measure a spec against itself on every device that is asked for, and show what would be claimed.

    Raises `UsageError` where only static figures are asked for.
    """
    if static:
        raise UsageError("--aa --static: nothing is measured under --static")

    from cnnx.analysis.figures import count
    from cnnx.report.noise import draw_noise, noise_document, noise_grid

    settings = asked.settings()
    figures = count(loaded.graph, asked.dtype)
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
