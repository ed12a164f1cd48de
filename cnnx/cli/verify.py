"""`cnnx verify`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cnnx.cli import options
from cnnx.cli.completion import complete_convention, complete_name
from cnnx.cli.output import choose_output, warn
from cnnx.errors import CheckError, UsageError

if TYPE_CHECKING:
    from cnnx.analysis.claims.verification import Verification
    from cnnx.analysis.claims.worked import FigureCheck
    from cnnx.analysis.conventions.presets import Convention
    from cnnx.analysis.environment import Environment
    from cnnx.cli.names import Loaded
    from cnnx.spec.library import Library

EXAMPLES = """\b
Examples:
  cnnx verify resnet50 --explain     why eight tools give seven answers
  cnnx verify resnet50 --convention thop     what thop counts, addend by addend
  cnnx verify ./mine.yaml
  cnnx verify --all --json -o verified.json
"""
MOST_TOLD = 5


def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names or paths of specs.", metavar="NAME", show_default=False, autocompletion=complete_name
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every spec and variant that `cnnx list` shows.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each tool adds to conv and linear, and every stated figure.")
    ] = False,
    convention: Annotated[
        str | None,
        typer.Option(
            "--convention",
            help="Explain this convention alone: cnnx, fvcore, torch, …",
            metavar="NAME",
            autocompletion=complete_convention,
        ),
    ] = None,
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Hold figures against counters, papers and texts.

    Each spec is built, and forward hooks, fvcore and FlopCounterMode count it node by node; and the figures that it
    states must come out. A row each; where anything disagrees, both values are named and the exit code is 1.
    """
    output = choose_output(form, json, file)

    from cnnx.analysis.conventions.presets import PRESETS, find_convention
    from cnnx.report.verification import draw_verifications, verification_document, verification_grid
    from cnnx.spec.library import Library

    if bool(names) == everything:
        raise UsageError("name what to verify, or give --all for every spec", hint="not both" if names else "")
    chosen = PRESETS if convention is None else (find_convention(convention),)
    library = Library()
    explained = chosen if explain or convention is not None else ()
    found = list(_verify(_named(names or (), library), library, explained))
    environment = _environment()
    output.write(
        lambda width: draw_verifications(found, environment, width),
        lambda: verification_document(found, environment),
        lambda: verification_grid(found),
    )
    _check(found)


def _named(names: Sequence[str], library: Library) -> list[Loaded]:
    """Load what is named; without names, everything that `cnnx list` shows, a family by its variants."""
    from cnnx.cli.names import load

    if names:
        return [load(name, library, {}, None) for name in names]
    from cnnx.analysis.catalogue.store import open_catalogue

    catalogue = open_catalogue()
    warn(catalogue.warnings)
    return [load(entry.name, library, {}, None) for entry in catalogue.entries if entry.stands_for is None]


def _verify(loaded: Sequence[Loaded], library: Library, explained: Sequence[Convention]) -> Iterator[Verification]:
    """Check what the specs state, all of them before anything is built; then build and count one after the other."""
    from cnnx.analysis.claims.verification import remarks_of
    from cnnx.analysis.claims.verification import verify as put_together
    from cnnx.analysis.conventions.bridge import bridge
    from cnnx.analysis.figures import count
    from cnnx.cli.measuring import progress_of

    stated = _stated(loaded, library)
    with progress_of("verifying") as tell:
        tell(0, len(loaded))
        from cnnx.pytorch.counters.crosscheck import crosscheck

        for number, (each, checks) in enumerate(zip(loaded, stated, strict=True)):
            figures = count(each.graph)
            bridges = tuple([bridge(figures, convention) for convention in explained])
            remarks = remarks_of(each.target) if explained else ()
            yield put_together(each.label, figures, crosscheck(each.graph, figures), checks, bridges, remarks)
            tell(number + 1, len(loaded))


def _stated(loaded: Sequence[Loaded], library: Library) -> list[tuple[FigureCheck, ...]]:
    """Check the figures that each spec states; the rows of a family's file are computed once for all its variants."""
    from cnnx.analysis.claims.verification import checks_of
    from cnnx.analysis.claims.worked import check_figures

    files = {each.target.file.path: each.target.file for each in loaded}
    checks = {path: check_figures(file, library) for path, file in files.items()}
    return [checks_of(each.target, checks[each.target.file.path]) for each in loaded]


def _environment() -> Environment:
    from dataclasses import replace

    import torch

    from cnnx.analysis.environment import static_environment
    from cnnx.cli.invocation import command_line

    return replace(static_environment(command_line()), torch=str(torch.__version__))


def _check(found: Sequence[Verification]) -> None:
    """Raise `CheckError` where anything disagrees."""
    wrong = [told for each in found for told in _told(each)]
    if wrong:
        more = [f"and {len(wrong) - MOST_TOLD} more"] if len(wrong) > MOST_TOLD else []
        count = "1 figure disagrees" if len(wrong) == 1 else f"{len(wrong)} figures disagree"
        raise CheckError(count, more=[*wrong[:MOST_TOLD], *more])


def _told(found: Verification) -> Iterator[str]:
    """Name each figure that disagrees, and both values."""
    for each in found.disagreements:
        yield f"{found.label}: {each.figure} of {each.node}: {each.static} static, {each.seen} by {each.counter}"
    for check in found.wrong:
        yield f"{found.label}: {check}"
