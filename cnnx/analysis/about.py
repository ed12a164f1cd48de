"""What a spec says of itself, in words."""

from __future__ import annotations

from dataclasses import dataclass

from cnnx.spec.folders import show_path
from cnnx.spec.library import Target
from cnnx.spec.model import Origin


@dataclass(frozen=True, slots=True)
class About:
    """What a spec is called, what it is, where it comes from, and what variants it has."""

    name: str
    title: str
    summary: str
    source: str
    path: str
    variants: tuple[str, ...]


def about(target: Target) -> About:
    """Gather what a spec says of itself; what it does not say is empty."""
    spec = target.file.spec
    return About(
        name=target.name,
        title=spec.title or "",
        summary=spec.summary or "",
        source="" if spec.source is None else cite(spec.source),
        path=show_path(target.file.path),
        variants=tuple(spec.variants),
    )


def cite(origin: Origin) -> str:
    """Write a source in one line: paper or title, arXiv number, address, code, note, year."""
    arxiv = origin.arxiv and f"arXiv:{origin.arxiv}"
    year = None if origin.year is None else str(origin.year)
    parts = (origin.paper, origin.title, year, arxiv, origin.url, origin.code, origin.note)
    return ", ".join(part for part in parts if part)
