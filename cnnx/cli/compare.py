"""`cnnx compare`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cnnx.cli import completion, options
from cnnx.cli.measuring import Asked, check_possible, crosscheck_all, measure_all, progress_of
from cnnx.cli.noise import show_noise
from cnnx.cli.output import Output, choose_output

if TYPE_CHECKING:
    from cnnx.analysis.comparison import Comparison
    from cnnx.analysis.conventions import Convention
    from cnnx.analysis.figures import Figures
    from cnnx.cli.names import Loaded
    from cnnx.graph.graph import Graph
    from cnnx.pytorch.settings import Settings
    from cnnx.report.grid import Grid
    from cnnx.report.live import LiveTable

    Live = Callable[[Comparison, Sequence[str]], AbstractContextManager[LiveTable | None]]

EXAMPLES = """\b
Examples:
  cnnx compare bottleneck plain3x3
  cnnx compare bottleneck bottleneck@r=8,channels=128 --static
  cnnx compare se se_conv --input 64x56x56 --columns params,macs,intensity
  cnnx compare resnet50 densenet121 --static --columns +top1
  cnnx compare bottleneck --aa      how small a difference shows here
  cnnx compare bottleneck plain3x3 --device cpu,cuda --json -o result.json
"""

Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        help="What to show: params,macs,…; +A adds, -A takes away.",
        metavar="A,+B,-C",
        show_default=False,
        autocompletion=completion.complete_columns,
    ),
]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort",
        help="Sort by a column; -macs: the largest first.",
        metavar="A",
        autocompletion=completion.complete_sort,
    ),
]
AgainstItself = Annotated[
    bool, typer.Option("--aa", help="The first against itself: the smallest difference shown here.")
]
Static = Annotated[bool, typer.Option("--static", help="Only what needs no torch: nothing is built or run.")]


def compare(
    names: options.Names,
    set_: options.Set = None,
    input_: options.Input = None,
    batch: options.Batch = 1,
    device: options.Device = "cpu",
    dtype: options.Dtype = "float32",
    threads: options.Threads = None,
    rounds: options.Rounds = 60,
    max_time: options.MaxTime = 10.0,
    columns: Columns = None,
    sort: Sort = None,
    aa: AgainstItself = False,
    static: Static = False,
    convention: options.Convention = "cnnx",
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Compare figures and latency, each checked by other counters.

    A row each, with ratios to the first. The figures are cross-checked on the built modules by fvcore, forward hooks
    and torch's FlopCounterMode, node by node; where one differs, the nodes are shown and the exit code is 1.
    """
    output = choose_output(form, json, file)

    from cnnx.analysis.comparison import sort_rows
    from cnnx.analysis.conventions import find_convention
    from cnnx.cli.names import load, read_input, read_settings
    from cnnx.errors import CheckError
    from cnnx.report.columns import read_columns, read_sort
    from cnnx.spec.library import Library

    chosen = find_convention(convention)
    shown, order = read_columns(columns, static=static), read_sort(sort, static=static)
    asked = Asked(device, dtype, batch, threads, rounds, max_time)
    library, shared, shape = Library(), read_settings(set_ or ()), read_input(input_)
    if aa:
        show_noise(load(names[0], library, shared, shape), asked, output, static=static)
        return
    loaded = [load(name, library, shared, shape) for name in names]
    comparison = _compare(loaded, asked, chosen, partial(_live, output, shown), static=static)
    if order is not None:
        comparison = sort_rows(comparison, order.column, descending=order.descending)
    _answer(output, comparison, shown)
    if not comparison.agrees:
        raise CheckError("the counters on the built modules differ from the static figures")


def _answer(output: Output, comparison: Comparison, columns: Sequence[str]) -> None:
    from cnnx.report.comparison import comparison_document, draw_comparison

    output.write(
        lambda width: draw_comparison(comparison, columns, width),
        lambda: comparison_document(comparison),
        lambda: _grid(comparison, columns),
    )


def _grid(comparison: Comparison, columns: Sequence[str]) -> Grid:
    from cnnx.report.grids import comparison_grid  # here, as only some formats need it

    return comparison_grid(comparison, columns)


def _compare(
    loaded: Sequence[Loaded], asked: Asked, convention: Convention, live: Callable[[], Live], *, static: bool
) -> Comparison:
    """Count; unless only static figures are asked for, cross-check and measure too."""
    from cnnx.analysis.accuracy import published_accuracy
    from cnnx.analysis.comparison import compare as put_together
    from cnnx.analysis.environment import static_environment
    from cnnx.analysis.figures import count
    from cnnx.analysis.memory import predict_memory
    from cnnx.cli.invocation import command_line

    settings = asked.settings()
    graphs = [each.graph for each in loaded]
    figures = [convention.apply(count(graph, asked.dtype)) for graph in graphs]
    if not static:
        check_possible(figures, settings)
    together = partial(
        put_together,
        [each.label for each in loaded],
        [each.target.file.spec.title or "" for each in loaded],
        figures,
        [predict_memory(graph, asked.dtype, asked.batch) for graph in graphs],
        static_environment(command_line()),
        accuracies=[published_accuracy(each.target, each.graph) for each in loaded],
    )
    return together() if static else _measure(graphs, figures, settings, together, live())


def _measure(
    graphs: Sequence[Graph],
    figures: Sequence[Figures],
    settings: Sequence[Settings],
    together: Callable[..., Comparison],
    live: Live,
) -> Comparison:
    """Cross-check and measure; in a terminal, what is known stands there meanwhile."""
    known = together()
    with live(known, [each.device for each in settings]) as table:
        watch = progress_of if table is None else table.progress_of
        crosschecks = crosscheck_all(graphs, figures, watch)
        comparison = together(crosschecks=crosschecks)
        for measured in measure_all(graphs, [row.label for row in known.rows], settings, watch):
            comparison = together(crosschecks=crosschecks, measured=measured)
            if table is not None:
                table.comparison = comparison
    return comparison


def _live(output: Output, columns: Sequence[str]) -> Live:
    """Give what draws a table over itself while it is measured: nothing where the answer goes to no terminal."""
    from cnnx.report.live import can_be_live, live_table

    if output.form == "table" and output.path is None and can_be_live():
        return lambda comparison, devices: live_table(comparison, columns, devices)
    return lambda comparison, devices: nullcontext()
