"""Reading and counting every spec that can be named here, with its variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cnnx.analysis.catalogue.entries import Catalogue, Entry, in_order
from cnnx.analysis.conventions.presets import Convention, find_convention
from cnnx.analysis.figures import CONVENTION, Figures, count
from cnnx.errors import CnnxError
from cnnx.graph.expand import expand
from cnnx.spec.library import Library, Target
from cnnx.spec.model import SpecFile


def read_catalogue(library: Library, convention: str = CONVENTION) -> Catalogue:
    """Read and count every spec and variant, with the FLOPs of a convention.

    A file that is wrong hinders nothing else: it is told in `warnings`, as are names that a nearer folder hides.
    """
    files = list(library.files())
    warnings = [f"`{name}`: {kept} hides {hidden}" for name, kept, hidden in library.hidden()]
    warnings += library.problems()
    targets = _targets(files, library, warnings)
    entries = [
        entry for target in targets for entry in _entries(target, library, warnings, find_convention(convention))
    ]
    return Catalogue(in_order(entries), tuple(dict.fromkeys(warnings)), convention)


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
        warnings.append(f"`{variant}`: {meant.path} hides the variant in {file.path}")
    return meant.path == file.path


def _entries(target: Target, library: Library, warnings: list[str], convention: Convention) -> Iterator[Entry]:
    """Give the entry of a target; none, but a warning, where it cannot be expanded as it stands."""
    file, spec = target.file, target.file.spec
    try:
        figures = convention.apply(count(expand(target, library)))
    except CnnxError as error:
        warnings.append(str(error))
        return
    is_variant = target.name in spec.variants
    yield Entry(
        name=target.name,
        kind=_kind(file.path, figures),
        family=spec.family or file.name,
        title=spec.title or "",
        year=None if spec.source is None else spec.source.year,
        path=str(file.path.absolute()),
        tags=tuple(spec.tags),
        variant_of=file.name if is_variant else None,
        stands_for=None if is_variant else spec.default,
        figures=replace(figures, by_node=()),
    )


def _kind(path: Path, figures: Figures) -> str:
    """Tell a block from a network by the folder, else by what leaves it: a network ends in a vector."""
    by_folder = {"blocks": "block", "networks": "network"}.get(path.parent.name)
    ends_in_vector = len(next(iter(figures.output.values()))) == 1
    return by_folder or ("network" if ends_in_vector else "block")
