"""`cnnx profile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnx.cli import options
from cnnx.cli.invocation import command_line
from cnnx.cli.measuring import Asked, check_possible, progress_of
from cnnx.cli.output import choose_output

if TYPE_CHECKING:
    from cnnx.analysis.conventions import Convention
    from cnnx.analysis.profile import Profile
    from cnnx.cli.names import Loaded
    from cnnx.pytorch.settings import Settings

EXAMPLES = """\b
Examples:
  cnnx profile mobilenetv3
  cnnx profile mobilenetv3_small --batch 8 --threads 1
  cnnx profile mobilenetv3 --device cuda --json
"""


def profile(
    name: options.Name,
    set_: options.Set = None,
    input_: options.Input = None,
    batch: options.Batch = 1,
    device: options.Device = "cpu",
    dtype: options.Dtype = "float32",
    threads: options.Threads = None,
    rounds: options.Rounds = 60,
    max_time: options.MaxTime = 10.0,
    convention: options.Convention = "cnnx",
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Show where a network spends weights, MACs, bytes and time.

    A summary, then a table by block with shares of weights, multiply–adds, bytes and measured time.
    """
    output = choose_output(form, json, file)

    from cnnx.analysis.conventions import find_convention
    from cnnx.cli.names import load, read_input, read_settings
    from cnnx.report.grids import profile_grid
    from cnnx.report.profile import draw_profile, profile_document
    from cnnx.spec.library import Library

    chosen = find_convention(convention)
    # The whole and the nodes are measured one after the other, each in half of the time.
    settings = Asked(device, dtype, batch, threads, rounds, max_time / 2).only()
    loaded = load(name, Library(), read_settings(set_ or ()), read_input(input_))
    found = _profile(loaded, chosen, settings)
    output.write(
        lambda width: draw_profile(found, width),
        lambda: profile_document(found),
        lambda: profile_grid(found),
    )


def _profile(loaded: Loaded, convention: Convention, settings: Settings) -> Profile:
    """Count, then measure the whole and each node."""
    from cnnx.analysis.figures import count
    from cnnx.analysis.memory import predict_memory
    from cnnx.analysis.profile import Profile, profile_blocks

    figures = convention.apply(count(loaded.graph, settings.dtype))
    check_possible([figures], [settings])

    from cnnx.pytorch.latency import measure_graphs
    from cnnx.pytorch.node_times import time_by_node

    with progress_of(f"measuring on {settings.device}") as tell:
        measurement, environment = measure_graphs([loaded.graph], settings, tell, command_line())
    with progress_of(f"measuring each node on {settings.device}") as tell:
        times = time_by_node(loaded.graph, settings, tell, command_line())
    title = loaded.target.file.spec.title or ""
    blocks = profile_blocks(figures, times)
    memory = predict_memory(loaded.graph, settings.dtype, settings.batch)
    return Profile(loaded.label, title, figures, memory, blocks, measurement, times, environment)
