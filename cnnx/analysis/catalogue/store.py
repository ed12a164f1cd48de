"""The catalogue, kept between runs: reading and counting everything takes seconds, what was kept some milliseconds.

It is kept under a key of all that it depends on: the text and place of every spec, and cnnx's own code. So it is
never out of date. It lies in the cache folder. Where it cannot be read or written, everything is counted
anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cnnx.analysis.cache_folder import cache_folder, keep
from cnnx.analysis.catalogue.entries import Catalogue, Entry
from cnnx.analysis.figures import CONVENTION, Figures
from cnnx.analysis.receptive_field import Field, ReceptiveField
from cnnx.spec.folders import Folder, scan, search_folders
from cnnx.version import __version__

MOST_KEPT = 8
_CODE = ("spec", "graph", "analysis")  # the packages that the figures depend on


def open_catalogue(convention: str = CONVENTION) -> Catalogue:
    """Give the catalogue of all specs that can be named here: the kept one, else a new one, which is kept.

    Its FLOPs are by `convention`; of each there is a catalogue of its own.
    """
    folders = [scan(path) for path in search_folders()]
    place = _place(folders, convention)
    kept = None if place is None else _load(place)
    if kept is not None:
        return kept
    from cnnx.analysis.catalogue.reading import read_catalogue
    from cnnx.spec.library import Library

    catalogue = read_catalogue(Library(), convention)
    if place is not None:
        with suppress(OSError):  # a full or locked disk: the next run counts anew
            _save(catalogue, place)
    return catalogue


def _place(folders: Sequence[Folder], convention: str) -> Path | None:
    """Give the file for a catalogue of these folders; None where nothing is to be kept."""
    folder = cache_folder()
    return None if folder is None else folder / f"catalogue-{_key(folders, convention)}.json"


def _key(folders: Sequence[Folder], convention: str) -> str:
    digest = hashlib.sha256(repr((__version__, convention, list(_code_states()))).encode())
    for folder in folders:
        digest.update(repr((str(folder.path), str(folder.path.resolve()))).encode())
        for name, paths in folder.files.items():
            for path in paths:
                digest.update(repr((name, str(path), _content(path))).encode())
    return digest.hexdigest()[:32]


def _code_states() -> Iterator[tuple[str, int, int]]:
    package = Path(__file__).resolve().parents[2]
    for part in _CODE:
        for path in sorted((package / part).rglob("*.py")):
            state = path.stat()
            yield path.name, state.st_mtime_ns, state.st_size


def _content(path: Path) -> bytes | str:
    """Give a file's bytes, or why they cannot be had; a file that is too large to be a spec by its size alone."""
    try:
        size = path.stat().st_size
        return path.read_bytes() if size <= 1 << 20 and path.is_file() else f"{size} bytes"
    except OSError as error:
        return str(error)


def _load(place: Path) -> Catalogue | None:
    try:
        kept = json.loads(place.read_text("utf-8"))
        return Catalogue(tuple([_entry(data) for data in kept["entries"]]), tuple(kept["warnings"]), kept["convention"])
    except (OSError, ValueError, LookupError, TypeError):  # not there, or not what was written
        return None


def _entry(data: dict[str, Any]) -> Entry:
    return Entry(**{**data, "tags": tuple(data["tags"]), "figures": _figures(data["figures"])})


def _figures(data: dict[str, Any]) -> Figures:
    shapes = {side: {name: tuple(shape) for name, shape in data[side].items()} for side in ("input", "output")}
    fields = {name: _field(field) for name, field in data["receptive_field"].items()}
    return Figures(**{**data, **shapes, "receptive_field": fields, "by_node": ()})


def _field(data: Sequence[Any]) -> ReceptiveField:
    height, width, *others = data
    return ReceptiveField(_axis(height), _axis(width), *others)


def _axis(data: Sequence[int] | None) -> Field | None:
    return None if data is None else Field(*data)


def _save(catalogue: Catalogue, place: Path) -> None:
    """Write a catalogue as a whole, and drop the oldest of those that are kept."""
    keep(place, json.dumps(asdict(catalogue)))
    kept = sorted(place.parent.glob("catalogue-*.json"), key=lambda path: path.stat().st_mtime)
    for old in kept[:-MOST_KEPT]:
        old.unlink(missing_ok=True)
