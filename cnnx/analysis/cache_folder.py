"""The folder in which cnnx keeps what takes long to find out, and how a file is put there."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path | None:
    """Give the folder that `CNNX_CACHE` names (empty: None, nothing is kept), else that of the user.

    That is `$XDG_CACHE_HOME/cnnx` or `~/.cache/cnnx`; None where there is no home. It need not exist.
    """
    named = os.environ.get("CNNX_CACHE")
    if named is not None:
        return Path(named) if named else None
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cnnx"
    except RuntimeError:  # there is no home
        return None


def keep(place: Path, text: str) -> None:
    """Write a file as a whole, and its folder if need be: a reader sees the old text or the new. Raises `OSError`."""
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_suffix(f".{os.getpid()}")
    temporary.write_text(text, "utf-8")
    temporary.replace(place)
