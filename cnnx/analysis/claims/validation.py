"""Everything that is wrong in spec files, and whether the figures they state come out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cnnx.analysis.claims.worked import FigureCheck, check_figures
from cnnx.errors import CnnxError, Problem, SpecError, UsageError
from cnnx.graph.expand import expand
from cnnx.spec.folders import SUFFIXES
from cnnx.spec.library import Library, Target
from cnnx.spec.model import SpecFile


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found in one file: its problems, the names that it gives, the figures that it states."""

    file: str  # as it was named
    names: tuple[str, ...]  # of the spec and its variants; empty where the file cannot be read
    problems: tuple[Problem, ...]
    checks: tuple[FigureCheck, ...]

    @property
    def wrong(self) -> tuple[FigureCheck, ...]:
        """The stated figures that do not come out."""
        return tuple([check for check in self.checks if not check.holds])


def validate_files(named: Iterable[str], library: Library) -> tuple[Validation, ...]:
    """Validate files, named by path or as specs; each is read, expanded in every variant, and its figures checked."""
    return tuple([_validate(name, library) for name in named])


def _validate(name: str, library: Library) -> Validation:
    try:
        file = library.open(_as_path(name)).file
    except CnnxError as error:
        return Validation(name, (), _problems(error, name), ())
    problems = [problem for error in _expansion_errors(file, library) for problem in _problems(error, name)]
    checks: tuple[FigureCheck, ...] = ()
    try:
        checks = check_figures(file, library)
    except CnnxError as error:
        problems += _problems(error, name)
    return Validation(name, (file.name, *file.spec.variants), tuple(sorted(set(problems))), checks)


def _as_path(name: str) -> str:
    """Mark a name as a path where it is one: a file without a folder or suffix would pass for a spec's name."""
    is_name = os.sep not in name and not name.endswith(SUFFIXES)
    is_file = is_name and os.path.exists(name)  # noqa: PTH110 - False for any text, where Path raises
    return f"{os.curdir}{os.sep}{name}" if is_file else name


def _expansion_errors(file: SpecFile, library: Library) -> Iterator[CnnxError]:
    for variant in file.spec.variants or (None,):
        try:
            expand(Target(variant or file.name, file, variant), library)
        except CnnxError as error:
            yield error


def _problems(error: CnnxError, file: str) -> tuple[Problem, ...]:
    if isinstance(error, SpecError):
        return error.problems
    told = "" if isinstance(error, UsageError) else file  # which is named in the message itself
    return (Problem(told, 0, 0, error.message, error.hint),)
