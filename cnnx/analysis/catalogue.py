"""Every spec that can be named here, with its variants and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from cnnx.analysis.about import show_path
from cnnx.analysis.figures import Figures, count
from cnnx.errors import CnnxError
from cnnx.graph.expand import expand
from cnnx.spec.library import Library, Target
from cnnx.spec.model import SpecFile

KINDS = ("block", "network")


@dataclass(frozen=True, slots=True)
class Entry:
    """A name that can be asked for: a spec, one of its variants, or a family that stands for its default variant."""

    name: str
    kind: str  # of `KINDS`
    family: str
    title: str
    year: int | None
    path: str
    figures: Figures = field(repr=False)  # at the spec's own parameters and input
    tags: tuple[str, ...] = ()
    variant_of: str | None = None  # the name of the family, for a variant
    stands_for: str | None = None  # the variant that a family's name means


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Entries by kind and family, and what stood in the way of others."""

    entries: tuple[Entry, ...]
    warnings: tuple[str, ...] = ()


def read_catalogue(library: Library, pattern: str = "", kinds: Sequence[str] = KINDS) -> Catalogue:
    """Read and count every spec and variant whose name, title, family or tag matches.

    A pattern with `*`, `?` or `[` must match the whole, any other a part. A file that is wrong hinders nothing
    else: it is told in `warnings`, as are names that are hidden by a nearer folder.
    """
    files = list(library.files())
    warnings = [f"`{name}`: {show_path(kept)} hides {show_path(hidden)}" for name, kept, hidden in library.hidden()]
    warnings += library.problems()
    entries: list[Entry] = []
    for target in _targets(files, library, warnings):
        if _kind_by_place(target.file.path) in (None, *kinds) and _matches(target, pattern):
            entries += _entries(target, library, warnings)
    chosen = [entry for entry in entries if entry.kind in kinds]
    return Catalogue(tuple(sorted(chosen, key=_order)), tuple(dict.fromkeys(warnings)))


def _order(entry: Entry) -> tuple[int, str, str, bool]:
    return KINDS.index(entry.kind), entry.family, entry.variant_of or entry.name, entry.variant_of is not None


def _targets(files: Sequence[SpecFile], library: Library, warnings: list[str]) -> Iterator[Target]:
    """Give what every name means; a name that several files give means what the library says."""
    times = Counter([name for file in files for name in (file.name, *file.spec.variants)])
    for file in files:
        yield Target(file.name, file, file.spec.default)
        for variant in file.spec.variants:
            if times[variant] == 1 or _is_meant(variant, file, library, warnings):
                yield Target(variant, file, variant)


def _is_meant(variant: str, file: SpecFile, library: Library, warnings: list[str]) -> bool:
    try:
        meant = library.open(variant).file
    except CnnxError as error:
        warnings.append(str(error))
        return False
    if meant.path != file.path:
        warnings.append(f"`{variant}`: {show_path(meant.path)} hides the variant in {show_path(file.path)}")
    return meant.path == file.path


def _entries(target: Target, library: Library, warnings: list[str]) -> Iterator[Entry]:
    file, spec = target.file, target.file.spec
    try:
        figures = count(expand(target, library))
    except CnnxError as error:
        warnings.append(str(error))
        return
    is_variant = target.name in spec.variants
    yield Entry(
        name=target.name,
        kind=_kind_by_place(file.path) or _kind_by_output(figures),
        family=spec.family or file.name,
        title=spec.title or "",
        year=None if spec.source is None else spec.source.year,
        path=show_path(file.path),
        figures=figures,
        tags=tuple(spec.tags),
        variant_of=file.name if is_variant else None,
        stands_for=None if is_variant else spec.default,
    )


def _kind_by_place(path: Path) -> str | None:
    """Tell a block from a network by the folder; None where that does not say."""
    return {"blocks": "block", "networks": "network"}.get(path.parent.name)


def _kind_by_output(figures: Figures) -> str:
    """Tell a block from a network by what leaves it: a network ends in a vector."""
    return "network" if len(next(iter(figures.output.values()))) == 1 else "block"


def _matches(target: Target, pattern: str) -> bool:
    spec = target.file.spec
    words = [target.name, spec.family or target.file.name, spec.title or "", *spec.tags]
    wanted = pattern.lower()
    if any(sign in wanted for sign in "*?["):
        return any(fnmatchcase(word.lower(), wanted) for word in words)
    return any(wanted in word.lower() for word in words)
