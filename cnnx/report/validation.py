"""What `validate` draws: a line for each file, and the stated figures that do not come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.text import Text

from cnnx.analysis.claims.validation import Validation
from cnnx.analysis.environment import Environment
from cnnx.errors import Problem
from cnnx.report.document import Object, document
from cnnx.report.grid import Grid, Series
from cnnx.report.numbers import counted
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import line
from cnnx.report.wrong_figures import draw_wrong


def draw_validation(validations: Sequence[Validation], width: int | None) -> list[Text]:
    """Draw a table of the files, then each figure that is stated otherwise than it is computed, node by node."""
    file = Column("file", tuple(each.file for each in validations), left=True, style="bold")
    columns = [
        Column("verdict", tuple(map(_verdict, validations)), left=True),
        Column("names", tuple(str(len(each.names)) for each in validations)),
        Column("figures", tuple(str(len(each.checks)) for each in validations)),
    ]
    lines = draw_folded(file, [columns], width)
    wrong = [(each.file, check) for each in validations for check in each.wrong]
    return [
        *lines,
        *[line()] * bool(wrong),
        *[text for file, check in wrong for text in draw_wrong(file, check, width)],
    ]


def _verdict(validation: Validation) -> str:
    if validation.problems:
        return counted(len(validation.problems), "error")
    if validation.wrong:
        return counted(len(validation.wrong), "wrong figure")
    return "valid"


def validation_document(validations: Sequence[Validation], environment: Environment) -> Object:
    """Give one result for each file: its names, its problems, its stated figures."""
    return document(environment, [_validation(each) for each in validations])


def _validation(validation: Validation) -> Object:
    return {
        "file": validation.file,
        "names": list(validation.names),
        "valid": not validation.problems and not validation.wrong,
        "problems": [_problem(problem, validation.file) for problem in validation.problems],
        "figures": [asdict(check) for check in validation.checks],
    }


def _problem(problem: Problem, file: str) -> Object:
    return {
        "file": problem.file or file,
        "line": problem.line or None,
        "column": problem.column or None,
        "message": problem.message,
        "hint": problem.hint or None,
    }


def validation_grid(validations: Sequence[Validation]) -> Grid:
    """Give a row for each file: whether it is valid, how many errors and wrong figures it has."""
    return Grid(
        (
            Series("file", "file", tuple(each.file for each in validations)),
            Series("valid", "valid", tuple(not each.problems and not each.wrong for each in validations)),
            Series("errors", "errors", tuple(len(each.problems) for each in validations)),
            Series("names", "names", tuple(len(each.names) for each in validations)),
            Series("figures", "figures", tuple(len(each.checks) for each in validations)),
            Series("wrong_figures", "wrong figures", tuple(len(each.wrong) for each in validations)),
        )
    )
