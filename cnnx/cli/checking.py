"""What `check` does with the models that it is given: hold them to a rule, and tell what came of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cnnx.cli.output import Output, check_writable, replace_file, warn
from cnnx.errors import CheckError, RuleError, UsageError
from cnnx.version import __version__

if TYPE_CHECKING:
    from fractions import Fraction

    from cnnx.analysis.budgets.baseline import Baseline
    from cnnx.analysis.budgets.budgets import Budget, Checked
    from cnnx.analysis.models.figures import ModelCount
    from cnnx.cli.snapshots import Model


@dataclass(frozen=True, slots=True)
class Answer:
    """Where it is told what came of it, and how strictly it is taken."""

    output: Output
    write_baseline: Path | None
    annotate: bool
    strict: bool

    def check_possible(self) -> None:
        """Check, before any work, that all can be written, and that nothing comes between a program and its data."""
        if self.write_baseline is not None:
            check_writable(self.write_baseline, "--write-baseline")
        form = self.output.form
        if self.annotate and self.output.path is None and form != "table":
            raise UsageError(
                f"--annotate and --format {form} both write to standard output", hint="give -o FILE for one of them"
            )

    def check_annotations(self, rule: Rule) -> None:
        """Check that there is something to annotate, if that is asked for. Raises `UsageError`."""
        if self.annotate and not rule.budgets and rule.baseline is None:
            raise UsageError(
                "--annotate: nothing is held to a budget",
                hint="give one, such as --max-params 5.5M, or --baseline FILE",
            )

    def give(self, models: Sequence[Model], found: Sequence[Checked], baseline: str) -> None:
        """Tell it, keep a new baseline where all is well, and raise `CheckError` where it is not."""
        counted = [model.counted for model in models if self.strict and model.counted is not None]
        good = not any(checked.failing for checked in found) and not any(each.unknown for each in counted)
        path = self.write_baseline
        if path is not None and good:
            _write(path, models)
        _show(self.output, found, baseline, path if good else None)
        if self.annotate:
            _annotate(models, found)
        if path is not None and not good:
            warn([f"{path} was not written"])
        _fail(found, counted)


@dataclass(frozen=True, slots=True)
class Rule:
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
        from cnnx.analysis.budgets.budgets import check, growth_budgets

        before = None if self.baseline is None else self.baseline.find(model.snapshot)
        grown: Sequence[Budget] = ()
        if before is not None and self.tolerance is not None:
            grown = growth_budgets(model.snapshot, before, self.tolerance)
        found = check(model.label, model.snapshot, [*self.budgets, *grown], before)
        return replace(found, counted=model.counted)


def read_rule(budgets: Sequence[Budget], baseline: Path | None, tolerance: str | None, *, writes: bool) -> Rule:
    """Read what is to be checked; without budgets and without a tolerance, nothing may grow since the baseline."""
    from fractions import Fraction

    from cnnx.analysis.budgets.amounts import read_tolerance
    from cnnx.analysis.budgets.baseline_reading import read_baseline

    if baseline is None:
        if tolerance is not None:
            raise UsageError("--tolerance is for growth since a baseline", hint="give --baseline FILE too")
        if not budgets and not writes:
            raise UsageError(
                "nothing to check: give a budget, such as --max-params 5.5M, or --baseline FILE",
                hint="--write-baseline FILE writes one",
            )
        return Rule(budgets, None, None)
    try:
        share = None if tolerance is None else read_tolerance(tolerance)
    except RuleError as error:
        raise UsageError(f"--tolerance: {error.message}", hint=error.hint) from None
    return Rule(budgets, read_baseline(baseline), Fraction(0) if share is None and not budgets else share)


def _write(path: Path, models: Sequence[Model]) -> None:
    from cnnx.analysis.budgets.baseline import write_baseline

    replace_file(path, write_baseline([model.snapshot for model in models], __version__), "--write-baseline")


def _show(output: Output, found: Sequence[Checked], baseline: str, written: Path | None) -> None:
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
    from cnnx.analysis.budgets.budgets import LIMITED
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


def _fail(found: Sequence[Checked], counted: Sequence[ModelCount]) -> None:
    """Raise `CheckError` where a figure is over its budget, or an operator is unknown that must not be."""
    from cnnx.report.budgets import tell_failures

    failing = [line for checked in found for line in tell_failures(checked)]
    if failing:
        count = "1 budget does" if len(failing) == 1 else f"{len(failing)} budgets do"
        raise CheckError(f"{count} not hold", more=failing)
    if counted:
        from cnnx.cli.models import check_known

        check_known(counted)
