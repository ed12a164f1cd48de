"""`cnnx validate`."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnx.cli import completion, options
from cnnx.cli.output import choose_output

EXAMPLES = """\b
Examples:
  cnnx validate mine.yaml
  cnnx validate configs/networks/*.yaml
"""


def validate(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Spec files, or names of specs.",
            metavar="FILE",
            show_default=False,
            autocompletion=completion.complete_name,
        ),
    ],
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Check spec files, and the figures that they state.

    Every error of every file is told (exit code 2); a worked or published figure that does not come out makes the
    exit code 1.
    """
    output = choose_output(form, json, file)

    from cnnx.analysis.claims.validation import validate_files
    from cnnx.analysis.environment import static_environment
    from cnnx.cli.invocation import command_line
    from cnnx.errors import CheckError, SpecError
    from cnnx.report.validation import draw_validation, validation_document, validation_grid
    from cnnx.spec.library import Library

    results = validate_files(files, Library())
    environment = static_environment(command_line())
    output.write(
        lambda width: draw_validation(results, width),
        lambda: validation_document(results, environment),
        lambda: validation_grid(results),
    )
    problems = [problem for result in results for problem in result.problems]
    if problems:
        raise SpecError(problems)
    wrong = sum(len(result.wrong) for result in results)
    if wrong:
        raise CheckError(f"{wrong} of the stated figures {'does' if wrong == 1 else 'do'} not come out")
