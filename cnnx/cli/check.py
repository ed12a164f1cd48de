"""`cnnx check`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cnnx.cli import options
from cnnx.cli.output import Output, check_writable, choose_output, replace_file
from cnnx.errors import CheckError, RuleError, UsageError
from cnnx.version import __version__

if TYPE_CHECKING:
    from fractions import Fraction

    from cnnx.analysis.baseline import Baseline
    from cnnx.analysis.budgets import Budget, Checked
    from cnnx.cli.snapshots import Model

EXAMPLES = """\b
Examples:
  cnnx check mobilenetv3 --max-params 5.5M --max-macs 220M --max-peak 20MiB
  cnnx check mine.yaml --write-baseline mine.json     what it costs now
  cnnx check mine.yaml --baseline mine.json           whether it grew since
  cnnx check mine.yaml --baseline mine.json --tolerance 1% --annotate github

Amounts: K, M, G, T are powers of 1000, as are KB, MB, GB, TB of bytes; KiB, MiB, GiB, TiB are powers of 1024.
"""


def _amount(option: str, help_: str) -> typer.models.OptionInfo:
    """Declare a budget."""
    info: typer.models.OptionInfo = typer.Option(option, help=help_, metavar="AMOUNT", show_default=False)
    return info


MaxParams = Annotated[str | None, _amount("--max-params", "The most weights: 5.5M, 5_500_000.")]
MaxMacs = Annotated[str | None, _amount("--max-macs", "The most multiply–adds: 220M.")]
MaxFlops = Annotated[str | None, _amount("--max-flops", "The most FLOPs: 1.2G.")]
MaxWeightBytes = Annotated[str | None, _amount("--max-weight-bytes", "The most bytes of weights: 22MB, 20MiB.")]
MaxActivations = Annotated[str | None, _amount("--max-activations", "The most elements that layers put out: 5M.")]
MaxPeak = Annotated[str | None, _amount("--max-peak", "The highest peak of activation bytes at inference: 20MiB.")]
BaselineFile = Annotated[
    Path | None,
    typer.Option("--baseline", help="What it cost before; with no budget given, nothing may grow.", metavar="FILE"),
]
Tolerance = Annotated[
    str | None, typer.Option("--tolerance", help="By how much it may grow since: 1%.", metavar="SHARE")
]
WriteBaseline = Annotated[
    Path | None, typer.Option("--write-baseline", help="Keep what it costs now in this file.", metavar="FILE")
]
Annotate = Annotated[
    Literal["github"] | None, typer.Option("--annotate", help="Print what GitHub Actions shows at a line.")
]


def check(
    names: options.Names,
    max_params: MaxParams = None,
    max_macs: MaxMacs = None,
    max_flops: MaxFlops = None,
    max_weight_bytes: MaxWeightBytes = None,
    max_activations: MaxActivations = None,
    max_peak: MaxPeak = None,
    baseline: BaselineFile = None,
    tolerance: Tolerance = None,
    write_baseline: WriteBaseline = None,
    annotate: Annotate = None,
    set_: options.Set = None,
    input_: options.Input = None,
    batch: options.Batch = 1,
    dtype: options.Dtype = "float32",
    convention: options.Convention = "cnnx",
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Hold a model to budgets, and to what it cost before.

    For CI: the exit code is 1 where a figure is over its budget, or where weights, multiply–adds or the peak of memory
    grew since the baseline; the answer says by how much, and which layers changed. Nothing is built, and no torch is
    needed.
    """
    output = choose_output(form, json, file)
    _check_streams(output, write_baseline, annotate)

    from cnnx.analysis.budgets import read_budgets
    from cnnx.analysis.conventions import find_convention
    from cnnx.analysis.figures import check_dtype
    from cnnx.analysis.snapshot import Asked
    from cnnx.cli.names import read_input, read_settings
    from cnnx.cli.snapshots import obtain

    written = {
        "params": max_params,
        "macs": max_macs,
        "flops": max_flops,
        "weight_bytes": max_weight_bytes,
        "activation_elements": max_activations,
        "peak_inference_bytes": max_peak,
    }
    rule = _read_rule(read_budgets(written), baseline, tolerance, writes=write_baseline is not None)
    check_dtype(dtype)
    asked = Asked(read_settings(set_ or ()), read_input(input_), dtype, batch, find_convention(convention).name)
    models = obtain(names, asked)
    found = [rule.check(model) for model in models]
    if write_baseline is not None and not any(checked.failing for checked in found):
        _write(write_baseline, models)
    _answer(output, found, rule.file, write_baseline)
    if annotate is not None:
        _annotate(models, found)
    _fail(found, write_baseline)


def _check_streams(output: Output, write_baseline: Path | None, annotate: str | None) -> None:
    """Check, before any work, that everything can be written, and that nothing comes between a program and its data."""
    if write_baseline is not None:
        check_writable(write_baseline, "--write-baseline")
    if annotate is not None and output.path is None and output.form != "table":
        raise UsageError(
            f"--annotate and --format {output.form} both write to standard output", hint="give -o FILE for one of them"
        )


@dataclass(frozen=True, slots=True)
class _Rule:
    """What models are held to: budgets, a baseline, and how much may grow since (None: that is not asked)."""

    budgets: Sequence[Budget]
    baseline: Baseline | None
    tolerance: Fraction | None

    @property
    def file(self) -> str:
        """How the baseline is called; empty where there is none."""
        return "" if self.baseline is None else self.baseline.file

    def check(self, model: Model) -> Checked:
        """Hold a model to it."""
        from cnnx.analysis.budgets import check, growth_budgets

        if self.baseline is None:
            return check(model.label, model.snapshot, self.budgets)
        before = self.baseline.find(model.snapshot)
        grown = () if self.tolerance is None else growth_budgets(model.snapshot, before, self.tolerance)
        return check(model.label, model.snapshot, [*self.budgets, *grown], before)


def _read_rule(budgets: Sequence[Budget], baseline: Path | None, tolerance: str | None, *, writes: bool) -> _Rule:
    """Read what is to be checked; without budgets and without a tolerance, nothing may grow since the baseline."""
    from fractions import Fraction

    from cnnx.analysis.amounts import read_tolerance
    from cnnx.analysis.baseline_reading import read_baseline

    if baseline is None:
        if tolerance is not None:
            raise UsageError("--tolerance is for growth since a baseline", hint="give --baseline FILE too")
        if not budgets and not writes:
            raise UsageError(
                "nothing to check: give a budget, such as --max-params 5.5M, or --baseline FILE",
                hint="--write-baseline FILE writes one",
            )
        return _Rule(budgets, None, None)
    try:
        share = None if tolerance is None else read_tolerance(tolerance)
    except RuleError as error:
        raise UsageError(f"--tolerance: {error.message}", hint=error.hint) from None
    return _Rule(budgets, read_baseline(baseline), Fraction(0) if share is None and not budgets else share)


def _write(path: Path, models: Sequence[Model]) -> None:
    from cnnx.analysis.baseline import write_baseline

    replace_file(path, write_baseline([model.snapshot for model in models], __version__), "--write-baseline")


def _answer(output: Output, found: Sequence[Checked], baseline: str, written: Path | None) -> None:
    from cnnx.analysis.environment import static_environment
    from cnnx.cli.invocation import command_line
    from cnnx.report.budget_formats import check_document, check_grid
    from cnnx.report.budgets import draw_checks

    environment = static_environment(command_line())
    output.write(
        lambda width: draw_checks(found, baseline, width, "" if written is None else str(written)),
        lambda: check_document(found, environment, baseline),
        lambda: check_grid(found),
    )


def _annotate(models: Sequence[Model], found: Sequence[Checked]) -> None:
    """Print an annotation for each figure that is over its budget, at the layer to look at."""
    from cnnx.analysis.budgets import LIMITED
    from cnnx.report.annotations import github_error
    from cnnx.report.budgets import tell_failure

    for model, checked in zip(models, found, strict=True):
        for row in checked.failing:
            responsible = checked.responsible(row.figure)
            path, number = model.place("" if responsible is None else responsible.layer)
            title = f"cnnx: {LIMITED[row.figure].called} over budget"
            told = f"{checked.label}: {tell_failure(checked, row)}"
            typer.echo(github_error(told, file=_from_workspace(path), line=number, title=title))


def _from_workspace(path: Path) -> str:
    """Write a path as GitHub knows it, from the top of the checkout; one that lies elsewhere in full."""
    workspace = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    whole = path.resolve()
    return (whole.relative_to(workspace) if whole.is_relative_to(workspace) else whole).as_posix()


def _fail(found: Sequence[Checked], write_baseline: Path | None) -> None:
    """Raise `CheckError` where a figure is over its budget."""
    from cnnx.report.budgets import tell_failures

    failing = [line for checked in found for line in tell_failures(checked)]
    if failing:
        kept = [] if write_baseline is None else [f"{write_baseline} was not written"]
        count = "1 budget does" if len(failing) == 1 else f"{len(failing)} budgets do"
        raise CheckError(f"{count} not hold", more=[*failing, *kept])
