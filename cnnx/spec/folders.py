"""The folders in which specs are found, and the files in them. Nothing is parsed here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cnnx.spec.yaml_reader import MAX_BYTES

SUFFIXES = (".yaml", ".yml")
CLAIMS = "claims"  # the name of folders whose files are no specs; see `cnnx.spec.claims`
ENVIRONMENT_VARIABLE = "CNNX_CONFIGS"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of specs, searched with its subfolders; `files` maps each name to its files."""

    path: Path
    files: dict[str, tuple[Path, ...]] = field(repr=False)

    def texts(self) -> Iterator[tuple[str, Path, str]]:
        """Give name, path and text of every readable file, without parsing it."""
        for name, paths in self.files.items():
            for path in paths:
                try:
                    if path.is_file() and path.stat().st_size <= MAX_BYTES:
                        yield name, path, path.read_text("utf-8", errors="replace")
                except OSError:
                    continue  # `problems` tells of it


def built_in_folder() -> Path:
    """Give the folder of the specs that come with cnnx: inside the wheel, or at the project's top level."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def search_folders() -> list[Path]:
    """Give the folders in which specs are searched, in their order."""
    named = [Path(part) for part in os.environ.get(ENVIRONMENT_VARIABLE, "").split(os.pathsep) if part]
    different = {
        path.resolve(): path for path in reversed([Path("configs"), *named, built_in_folder()]) if path.is_dir()
    }
    return list(reversed(different.values()))


def scan(folder: Path) -> Folder:
    """Find the specs in a folder and its subfolders, but for those that hold claims."""
    files: dict[str, tuple[Path, ...]] = {}
    for path in sorted(path for suffix in SUFFIXES for path in folder.rglob(f"*{suffix}")):
        if CLAIMS not in path.relative_to(folder).parent.parts:
            files[path.stem] = (*files.get(path.stem, ()), path)
    return Folder(folder, files)


def show_path(path: Path) -> str:
    """Write a path as short as it is clear: `configs/…` for what comes with cnnx, else from the working folder."""
    absolute = path.absolute()
    for folder in (built_in_folder().parent, Path.cwd()):
        if absolute.is_relative_to(folder):
            return str(absolute.relative_to(folder))
    return str(path)
