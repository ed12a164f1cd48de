"""Every name that can be asked for, with its figures: the records, and what is chosen from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from cnnx.analysis.figures import CONVENTION, Figures

KINDS = ("block", "network")


@dataclass(frozen=True, slots=True)
class Entry:
    """A name that can be asked for: a spec, one of its variants, or a family that stands for its default variant."""

    name: str
    kind: str  # of `KINDS`
    family: str
    title: str
    year: int | None
    path: str  # absolute
    tags: tuple[str, ...]
    variant_of: str | None  # the name of the family, for a variant
    stands_for: str | None  # the variant that a family's name means
    figures: Figures = field(repr=False)  # at the spec's own parameters and input, without those of the nodes


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Entries by kind and family, and what stood in the way of others."""

    entries: tuple[Entry, ...]
    warnings: tuple[str, ...] = ()
    convention: str = CONVENTION  # that the entries' FLOPs are by


def choose(catalogue: Catalogue, pattern: str = "", kinds: Sequence[str] = KINDS) -> Catalogue:
    """Choose the entries of some kinds that match; capitals do not matter.

    A pattern with `*`, `?` or `[` must match a whole name, any other a part of a name, family, title or tag.
    """
    wanted = pattern.strip().lower()
    chosen = [entry for entry in catalogue.entries if entry.kind in kinds and _matches(entry, wanted)]
    return replace(catalogue, entries=tuple(chosen))


def _matches(entry: Entry, wanted: str) -> bool:
    if any(sign in wanted for sign in "*?["):
        return fnmatchcase(entry.name, wanted)
    return any(wanted in word.lower() for word in (entry.name, entry.family, entry.title, *entry.tags))


def in_order(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Put entries in order: by kind, family and name, variants behind the name of their family."""
    return tuple(sorted(entries, key=_order))


def _order(entry: Entry) -> tuple[int, str, str, bool]:
    return KINDS.index(entry.kind), entry.family, entry.variant_of or entry.name, entry.variant_of is not None
