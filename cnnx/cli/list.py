"""`cnnx list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cnnx.cli import completion, options
from cnnx.cli.output import choose_output, warn

if TYPE_CHECKING:
    from cnnx.analysis.catalogue.entries import Catalogue
    from cnnx.analysis.environment import Environment
    from cnnx.report.document import Object
    from cnnx.report.grid import Grid

EXAMPLES = """\b
Examples:
  cnnx list                   every block and network
  cnnx list attention         the word in a name, title, family or tag
  cnnx list 'mobile*'         names that begin so
  cnnx list --networks --json
"""


def list_specs(
    pattern: Annotated[
        str,
        typer.Argument(
            help="A part of a name, title, family or tag; or with * or ?, a whole name: 'res*'.",
            metavar="PATTERN",
            show_default=False,
            autocompletion=completion.complete_name,
        ),
    ] = "",
    blocks: Annotated[bool, typer.Option("--blocks", help="Blocks only.")] = False,
    networks: Annotated[bool, typer.Option("--networks", help="Networks only.")] = False,
    convention: options.Convention = "cnnx",
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """List every spec and variant with its size and cost."""
    output = choose_output(form, json, file)

    from cnnx.analysis.catalogue.entries import KINDS, choose
    from cnnx.analysis.catalogue.store import open_catalogue
    from cnnx.analysis.environment import static_environment
    from cnnx.analysis.figures import CONVENTION
    from cnnx.cli.invocation import command_line
    from cnnx.errors import UsageError, brief
    from cnnx.report.catalogue import draw_catalogue

    if convention != CONVENTION:  # imported only then: it brings every operation, and a kept catalogue needs none
        from cnnx.analysis.conventions.presets import find_convention

        find_convention(convention)
    known = open_catalogue(convention)
    chosen = [kind for kind, wanted in zip(KINDS, (blocks, networks), strict=True) if wanted]
    catalogue = choose(known, pattern, chosen or KINDS)
    warn(catalogue.warnings)
    if not catalogue.entries:
        raise UsageError(
            f"no {chosen[0] if len(chosen) == 1 else 'spec'} matches `{brief(pattern)}`", hint=_hint(known, pattern)
        )
    environment = static_environment(command_line())
    output.write(
        lambda width: draw_catalogue(catalogue, width),
        lambda: _document(catalogue, environment),
        lambda: _grid(catalogue),
    )


def _hint(known: Catalogue, pattern: str) -> str:
    """Say what would match: the other kind, or the nearest name."""
    from cnnx.analysis.catalogue.entries import choose
    from cnnx.errors import nearest

    others = choose(known, pattern).entries
    if others:
        return f"the {others[0].kind} `{others[0].name}` does"
    return (
        nearest(pattern.strip("*?").lower(), [entry.name for entry in known.entries]) or "`cnnx list` shows every name"
    )


# The formats are imported where they are asked for: the table does not need them.
def _document(catalogue: Catalogue, environment: Environment) -> Object:
    from cnnx.report.catalogue_formats import catalogue_document

    return catalogue_document(catalogue, environment)


def _grid(catalogue: Catalogue) -> Grid:
    from cnnx.report.catalogue_formats import catalogue_grid

    return catalogue_grid(catalogue)
