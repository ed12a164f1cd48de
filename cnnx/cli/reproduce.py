"""`cnnx reproduce`."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnx.cli import options
from cnnx.cli.output import choose_output, warn

EXAMPLES = """\b
Examples:
  cnnx reproduce                      every claim and its verdict
  cnnx reproduce bottleneck_ninth     the figures and the working too
  cnnx reproduce mine.yaml -o verdicts.csv
"""


def complete_claim(incomplete: str) -> list[str]:
    """Complete the name of a claim or of a file of claims; paths are the shell's."""
    from cnnx.spec.claim_files import find_claims

    names = [name for claim in find_claims().claims for name in (claim.name, claim.file.name)]
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Claims by name, files of claims by name or path; all if none is given.",
            metavar="CLAIM",
            autocompletion=complete_claim,
            show_default=False,
        ),
    ] = None,
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Compute what articles and papers claim.

    Each claim has a verdict: it holds, holds rounded, does not hold (and what does), or is not a cost. The exit code
    is 1 only where a value is not the one that was written down with the claim.
    """
    output = choose_output(form, json, file)

    from cnnx.analysis.claims.claims import check_claims
    from cnnx.analysis.environment import static_environment
    from cnnx.cli.invocation import command_line
    from cnnx.errors import CheckError, SpecError
    from cnnx.report.claims import claims_document, claims_grid, draw_claims
    from cnnx.spec.claim_files import find_claims
    from cnnx.spec.library import Library

    shelf = find_claims()
    if shelf.problems and not names:
        raise SpecError(shelf.problems)
    warn(str(problem) for problem in shelf.problems)
    checks = check_claims(shelf.choose(names or ()), Library())
    environment = static_environment(command_line())
    output.write(
        lambda width: draw_claims(checks, width, in_full=bool(names)),
        lambda: claims_document(checks, environment),
        lambda: claims_grid(checks),
    )
    differing = sum(len(check.differing) for check in checks)
    if differing:
        raise CheckError(f"{differing} of the values {'is' if differing == 1 else 'are'} not what was recorded")
