"""Finding specs: by path, in `./configs`, in the folders of `CNNX_CONFIGS`, then the built-in ones."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cnnx.errors import CnnxError, Problem, RuleError, SpecError, UsageError, brief, nearest
from cnnx.spec.actions import OPERATIONS
from cnnx.spec.folders import SUFFIXES, Folder, scan, search_folders
from cnnx.spec.model import SpecFile
from cnnx.spec.names import NAME, check_name
from cnnx.spec.parse import parse_spec
from cnnx.spec.yaml_reader import Source, read_source, read_yaml


@dataclass(frozen=True, slots=True)
class Target:
    """A spec as it was named: its file and, where the name means one, its variant."""

    name: str
    file: SpecFile
    variant: str | None = None


class Library:
    """All specs that can be named here; every file is parsed at most once, and only when it is needed."""

    def __init__(self, folders: list[Path] | None = None) -> None:
        self.folders = [scan(path) for path in (search_folders() if folders is None else folders)]
        self._parsed: dict[Path, SpecFile | CnnxError] = {}
        self._variants: dict[tuple[str, Path], Target | None] = {}
        self._texts: dict[Path, list[tuple[str, Path, str]]] = {}

    @cached_property
    def _places(self) -> dict[str, Path]:
        """Map every file's name to the path that it means: the first folder's."""
        places: dict[str, Path] = {}
        for folder in self.folders:
            for name, paths in folder.files.items():
                places.setdefault(name, paths[0])
        return places

    def names(self) -> list[str]:
        """Give the names of all files and of the variants in them, sorted; nothing is parsed for it."""
        names = set(self._places)
        for folder in self.folders:
            for _, path, text in self._families(folder):
                names.update(_variant_names(path, text))
        return sorted(names)

    def open(self, name: str) -> Target:
        """Find a spec by path or name.

        Raises `UsageError` where there is none (with the nearest name) and `SpecError` where it is wrong.
        """
        if os.sep in name or "/" in name or name.endswith(SUFFIXES):
            return self._target(name, self._file(Path(name)))
        if name in OPERATIONS:
            raise UsageError(f"`{name}` is an operation, not a spec", hint=nearest(name, self.names()))
        for folder in self.folders:
            if name in folder.files:
                return self._target(name, self._only(name, folder))
            found = self._variant(name, folder)
            if found is not None:
                return found
        raise UsageError(f"no spec is named `{brief(name)}`", hint=self._hint(name))

    def _hint(self, name: str) -> str:
        """Say what may be meant by a name that no spec has: a file, a model in Python, or the nearest name."""
        if os.path.isfile(name) and not name.endswith(".py"):  # noqa: PTH113 - False for any text, where Path raises
            return f"the file is named ./{name}"
        if ":" in name or name.endswith(".py"):
            return "`cnnx profile`, `compare` and `check` take models in Python"
        return nearest(name, self.names()) or "`cnnx list` shows every name"

    def has(self, name: str) -> bool:
        """Say whether a file or a variant of this name exists, without parsing: files may name each other."""
        if name in self._places:
            return True
        return NAME.fullmatch(name) is not None and any(
            _may_define(text, name) and name in _variant_names(path, text)
            for folder in self.folders
            for _, path, text in self._families(folder)
        )

    def files(self) -> Iterator[SpecFile]:
        """Give every file that can be parsed, in the order of their names; broken ones are left out."""
        for name in sorted(self._places):
            try:
                yield self._file(self._places[name], name)
            except CnnxError:
                continue  # `problems` tells of it

    def problems(self) -> list[str]:
        """Tell what is wrong in the search folders: broken files, names given twice, names of operations."""
        found = []
        for folder in self.folders:
            for name, paths in folder.files.items():
                found += self._file_problems(name, paths)
        return found

    def hidden(self) -> list[tuple[str, Path, Path]]:
        """Give every name that a nearer folder takes from a further one: name, the path meant, the path hidden."""
        return [
            (name, self._places[name], path)
            for folder in self.folders
            for name, paths in folder.files.items()
            for path in paths
            if path != self._places[name] and path.parent != self._places[name].parent
        ]

    def _file_problems(self, name: str, paths: tuple[Path, ...]) -> list[str]:
        if len(paths) > 1:
            return [f"`{name}` is defined twice: {paths[0]} and {paths[1]}"]
        try:
            self._file(paths[0], name)
        except CnnxError as error:
            return [str(error)]
        return []

    def _only(self, name: str, folder: Folder) -> SpecFile:
        first, *others = folder.files[name]
        if others:
            raise UsageError(f"`{name}` is defined twice: {first} and {others[0]}", hint="name one by its path")
        return self._file(first, name)

    def _families(self, folder: Folder) -> list[tuple[str, Path, str]]:
        """Give name, path and text of the files in a folder that have variants; they are read once."""
        if folder.path not in self._texts:
            self._texts[folder.path] = [found for found in folder.texts() if "variants:" in found[2]]
        return self._texts[folder.path]

    def _variant(self, name: str, folder: Folder) -> Target | None:
        """Find a variant in a folder, or give again what was found the first time."""
        if (name, folder.path) not in self._variants:
            self._variants[name, folder.path] = self._search_variant(name, folder)
        return self._variants[name, folder.path]

    def _search_variant(self, name: str, folder: Folder) -> Target | None:
        """Search the texts for a variant's name, and parse only the hits."""
        hits = []
        for stem, path, text in self._families(folder):
            if _may_define(text, name):
                try:
                    file = self._file(path, stem)
                except CnnxError:
                    continue  # a broken neighbour hinders nothing; `problems` tells of it
                if name in file.spec.variants:
                    hits.append(file)
        if len(hits) > 1:
            raise UsageError(f"`{name}` is defined twice: {hits[0].path} and {hits[1].path}")
        return Target(name, hits[0], name) if hits else None

    def _target(self, name: str, file: SpecFile) -> Target:
        return Target(file.name, file, file.spec.default)

    def _file(self, path: Path, name: str | None = None) -> SpecFile:
        """Parse a file, or give again what its first parsing gave."""
        if path not in self._parsed:
            try:
                self._parsed[path] = self._parse(path, path.stem if name is None else name)
            except CnnxError as error:
                self._parsed[path] = error
        parsed = self._parsed[path]
        if isinstance(parsed, CnnxError):
            raise parsed
        return parsed

    def _parse(self, path: Path, name: str) -> SpecFile:
        source = read_source(path)
        try:
            check_name(name, "the name of a spec")
        except RuleError as error:
            better = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
            hint = f"rename the file: {better}{path.suffix}" if NAME.fullmatch(better) else ""
            raise SpecError([Problem(source.file, 0, 0, error.message, hint)]) from None
        if name in OPERATIONS:
            raise SpecError([Problem(source.file, 0, 0, f"`{name}` is an operation and cannot name a spec")])
        return parse_spec(source, name, lambda other: other == name or self.has(other), lambda: sorted(self._places))


def _may_define(text: str, name: str) -> bool:
    """Say whether a text may have a variant of a name: a key that is written so."""
    return name in text and re.search(rf"\b{re.escape(name)}\b[\"']?\s*:", text) is not None


def _variant_names(path: Path, text: str) -> list[str]:
    """Give the names of the variants in a text."""
    try:
        variants = read_yaml(Source(str(path), text)).get("variants")
    except SpecError:
        return []  # a broken neighbour hinders nothing; `problems` tells of it
    return [name for name in variants if name != "default"] if isinstance(variants, dict) else []
