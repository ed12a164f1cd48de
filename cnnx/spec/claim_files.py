"""Reading claims, with every mistake at its place, and finding them in the folders in which specs are found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cnnx.errors import CnnxError, Problem, SpecError, UsageError, brief, nearest
from cnnx.spec.claims import Claim, ClaimFile, Claims, Computed, known_keys
from cnnx.spec.folders import CLAIMS, SUFFIXES, search_folders
from cnnx.spec.model import find_mark
from cnnx.spec.parse import in_our_words
from cnnx.spec.yaml_reader import MarkedDict, Source, read_source, read_yaml

Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class NamedClaim:
    """A claim, its name and the file in which it stands."""

    name: str
    file: ClaimFile = field(repr=False)
    claim: Claim = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimShelf:
    """Every claim that can be named here, in the order of files and lines, and the files that are broken."""

    claims: tuple[NamedClaim, ...]
    problems: tuple[Problem, ...] = ()

    def choose(self, names: Sequence[str]) -> tuple[NamedClaim, ...]:
        """Choose claims by their names, by the names of their files, or by paths; without names, all.

        Raises `UsageError`, with the nearest name, for a name that is neither, and `SpecError` for a broken file.
        """
        if not names:
            return self.claims
        chosen = {(each.file.text.file, each.name): each for name in names for each in self._named(name)}
        return tuple(chosen.values())

    def _named(self, name: str) -> list[NamedClaim]:
        if os.sep in name or name.endswith(SUFFIXES):
            return list(_claims_of(read_claims(Path(name))))
        found = [each for each in self.claims if each.name == name]
        found = found or [each for each in self.claims if each.file.name == name]
        if not found:
            names = [each.name for each in self.claims] + [each.file.name for each in self.claims]
            hint = nearest(name, names) or "`cnnx reproduce` shows every name"
            raise UsageError(f"no claim is named `{brief(name)}`", hint=hint)
        return found


def find_claims(folders: Sequence[Path] | None = None) -> ClaimShelf:
    """Read every file in the `claims` folders of the search folders.

    A file hides those of its name in further folders, and so does a claim.
    """
    files: dict[str, ClaimFile] = {}
    problems: list[Problem] = []
    for path in _paths(search_folders() if folders is None else folders):
        if path.stem not in files:
            try:
                files[path.stem] = read_claims(path)
            except SpecError as error:
                problems += error.problems
            except CnnxError as error:
                problems.append(Problem(str(path), 0, 0, error.message, error.hint))
    claims: dict[str, NamedClaim] = {}
    for each in (each for file in files.values() for each in _claims_of(file)):
        claims.setdefault(each.name, each)
    return ClaimShelf(tuple(claims.values()), tuple(problems))


def _paths(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(path for suffix in SUFFIXES for path in (folder / CLAIMS).rglob(f"*{suffix}"))


def _claims_of(file: ClaimFile) -> Iterator[NamedClaim]:
    for name, claim in file.body.claims.items():
        yield NamedClaim(name, file, claim)


def read_claims(path: Path) -> ClaimFile:
    """Read a file of claims. Raises `UsageError` where there is none, and `SpecError` with all that is wrong in it."""
    return parse_claims(read_source(path), path.stem)


def parse_claims(source: Source, name: str) -> ClaimFile:
    """Parse the text of a file of claims. Raises `SpecError` with every problem, each at its place."""
    data = read_yaml(source)
    try:
        file = ClaimFile(name, source, data, Claims.model_validate(data))
    except ValidationError as error:
        raise SpecError(_problems(error, data, source)) from None
    problems = list(_check(file))
    if problems:
        raise SpecError(problems)
    return file


def _problems(error: ValidationError, data: MarkedDict, source: Source) -> list[Problem]:
    """Give one problem for each mistake: a misspelt key is not also a missing one."""
    found = error.errors(include_url=False)
    misspelt = {
        (*details["loc"][:-1], nearest(str(details["loc"][-1]), known_keys(details["loc"])))
        for details in found
        if details["type"] == "extra_forbidden"
    }
    return [
        _problem(details, data, source)
        for details in found
        if details["type"] != "missing"
        or (*details["loc"][:-1], f"did you mean `{details['loc'][-1]}`?") not in misspelt
    ]


def _problem(details: ErrorDetails, data: MarkedDict, source: Source) -> Problem:
    keys, kind = details["loc"], details["type"]
    last = str(keys[-1]) if keys else ""
    if kind == "extra_forbidden":
        at = find_mark(data, keys, of_key=True)
        return source.problem(at, f"unknown key `{last}`", nearest(last, known_keys(keys)))
    if kind == "missing":
        return source.problem(find_mark(data, keys, of_key=True), f"the key `{last}` is missing")
    reason = details.get("ctx", {}).get("error")
    of_key = last == "[key]"
    at = find_mark(data, keys[:-1] if of_key else keys, of_key=of_key)
    if isinstance(reason, CnnxError):
        return source.problem(at, reason.message if of_key else f"{last}: {reason.message}", reason.hint)
    return source.problem(at, f"{last}: {in_our_words(details)}")


def _check(file: ClaimFile) -> Iterator[Problem]:
    """Check what stands in several places at once: names, and whether verdicts are founded."""
    origin = file.body.source
    if not (origin.paper or origin.title):
        yield file.problem(("source",), "a source has a `paper` or a `title`")
    for name, claim in file.body.claims.items():
        keys = ("claims", name)
        yield from _check_names(file, claim, keys)
        reason = claim.problem_of_verdict()
        if reason:
            yield file.problem((*keys, "verdict"), reason)


def _check_names(file: ClaimFile, claim: Claim, keys: Keys) -> Iterator[Problem]:
    for number, row in enumerate(claim.computed):
        yield from _check_row(file, claim, row, (*keys, "computed", number))
    used = {name for row in claim.computed for name in row.compute.names}
    for name in claim.figures:
        if name not in used:
            at = find_mark(file.data, [*keys, "figures", name], of_key=True)
            yield file.text.problem(at, f"nothing is computed from the figure `{name}`")


def _check_row(file: ClaimFile, claim: Claim, row: Computed, keys: Keys) -> Iterator[Problem]:
    for name in sorted(row.compute.names.difference(claim.figures)):
        hint = nearest(name, claim.figures)
        yield file.problem((*keys, "compute"), f"no figure is named `{name}`", hint)
    if row.working is not None and row.working.names:
        name = min(row.working.names)
        yield file.problem((*keys, "working"), f"a working has numbers only, not `{name}`")
