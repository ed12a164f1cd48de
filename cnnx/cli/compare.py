"""`cnnx compare`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cnnx.cli import completion, options
from cnnx.cli.measuring import check_possible, crosscheck_all, measure_all, on_devices, progress_of
from cnnx.cli.noise import show_noise
from cnnx.cli.output import Output, aside, choose_output
from cnnx.cli.unused import check_used
from cnnx.errors import CheckError

if TYPE_CHECKING:
    from cnnx.analysis.comparison import Comparison
    from cnnx.cli.entries import Entry
    from cnnx.pytorch.settings import Settings
    from cnnx.report.document import Object
    from cnnx.report.grid import Grid
    from cnnx.report.live import LiveTable

    Live = Callable[[Comparison, Sequence[str]], AbstractContextManager[LiveTable | None]]

EXAMPLES = """\b
Examples:
  cnnx compare bottleneck plain3x3
  cnnx compare bottleneck bottleneck@r=8,channels=128 --static
  cnnx compare se se_conv --input 64x56x56 --columns params,macs,intensity
  cnnx compare resnet50 densenet121 --static --columns +top1
  cnnx compare mobilenetv3 torchvision.models:mobilenet_v3_large
  cnnx compare bottleneck --aa      how small a difference shows here
  cnnx compare bottleneck plain3x3 --device cpu,cuda --json -o result.json
"""

_OF_FIGURES = ("columns", "sort", "static", "strict", "convention")

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
AgainstItself = Annotated[bool, typer.Option("--aa", help="One against itself: the smallest difference shown here.")]
Static = Annotated[bool, typer.Option("--static", help="Only what needs no torch: nothing is built or run.")]


def compare(
    context: typer.Context,
    names: options.AnyNames,
    set_: options.Set = None,
    arg: options.Arguments = None,
    input_: options.Inputs = None,
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
    strict: options.Strict = False,
    convention: options.Convention = "cnnx",
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Compare figures and latency, each checked by other counters.

    A row each, with ratios to the first. The figures are cross-checked on the built modules by fvcore, forward hooks
    and torch's FlopCounterMode, node by node; where one differs, the nodes are shown and the exit code is 1.

    A name with a colon, such as torchvision.models:resnet50 or nets.py:Net, is a model in Python: its code is imported
    and run, as `python` would. The current folder is searched first.
    """
    output = choose_output(form, json, file)
    if aa:
        check_used(context, "--aa", _OF_FIGURES, "--aa measures a spec against itself and shows no figures")

    from cnnx.analysis.comparison import sort_rows
    from cnnx.analysis.conventions.presets import find_convention
    from cnnx.cli.entries import open_entries, read_names
    from cnnx.cli.given import Given
    from cnnx.pytorch.settings import Settings
    from cnnx.report.columns import read_columns, read_sort

    chosen = find_convention(convention)
    shown, order = read_columns(columns, static=static), read_sort(sort, static=static)
    given = Given(set_, arg, input_)
    named = read_names(names, given, static=static)
    asked = Settings(dtype=dtype, batch=batch, threads=threads, rounds=rounds, max_time=max_time)
    settings = on_devices(asked, device)
    if aa:
        show_noise(named, given, settings, output)
        return
    entries = open_entries(named, given, chosen, dtype, batch)
    comparison = _compare(entries, settings, partial(_live, output, shown), static=static)
    if order is not None:
        comparison = sort_rows(comparison, order.column, descending=order.descending)
    _answer(output, comparison, shown)
    _check(comparison, strict=strict)


def _check(comparison: Comparison, *, strict: bool) -> None:
    """Check that counters agree and, with `strict`, that every operator is known. Raises `CheckError`."""
    if not comparison.agrees:
        raise CheckError("the counters on the built modules differ from the static figures")
    if strict:
        from cnnx.cli.models import check_known

        check_known([row.model for row in comparison.rows if row.model is not None])


def _answer(output: Output, comparison: Comparison, columns: Sequence[str]) -> None:
    from cnnx.report.comparison import draw_comparison

    output.write(
        lambda width: draw_comparison(comparison, columns, width),
        lambda: _document(comparison),
        lambda: _grid(comparison, columns),
    )


# The formats are imported where they are asked for: the table does not need them.
def _document(comparison: Comparison) -> Object:
    from cnnx.report.comparison_formats import comparison_document

    return comparison_document(comparison)


def _grid(comparison: Comparison, columns: Sequence[str]) -> Grid:
    from cnnx.report.comparison_formats import comparison_grid

    return comparison_grid(comparison, columns)


def _compare(
    entries: Sequence[Entry], settings: Sequence[Settings], live: Callable[[], Live], *, static: bool
) -> Comparison:
    """Put the entries together; unless only static figures are asked for, cross-check and measure them too."""
    from cnnx.analysis.comparison import compare as put_together
    from cnnx.analysis.environment import static_environment
    from cnnx.cli.invocation import command_line

    if not static:
        check_possible([each.row.figures for each in entries], settings)
    environment = static_environment(command_line())
    together = partial(put_together, [each.row for each in entries], environment, batch=settings[0].batch)
    return together() if static else _measure(entries, settings, together, live())


def _measure(
    entries: Sequence[Entry], settings: Sequence[Settings], together: Callable[..., Comparison], live: Live
) -> Comparison:
    """Cross-check and measure; in a terminal, what is known stands there meanwhile."""
    subjects = [each.subject for each in entries]
    with live(together(), [each.device for each in settings]) as table, nullcontext() if table else aside():
        watch = progress_of if table is None else table.progress_of
        crosschecks = crosscheck_all(subjects, [each.row.figures for each in entries], watch)
        comparison = together(crosschecks=crosschecks)
        for measured in measure_all(subjects, [each.row.label for each in entries], settings, watch):
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
