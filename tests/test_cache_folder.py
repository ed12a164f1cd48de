"""The folder in which things are kept between runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnx.analysis.cache_folder import cache_folder, keep


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CNNX_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("CNNX_CACHE", "")
    assert cache_folder() is None
    monkeypatch.delenv("CNNX_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "cnnx"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "cnnx"


def test_without_a_home_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CNNX_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lacks)
    assert cache_folder() is None


def test_a_file_is_put_there_as_a_whole(tmp_path: Path) -> None:
    place = tmp_path / "new" / "kept.json"
    keep(place, "one")
    keep(place, "two")
    assert place.read_text("utf-8") == "two"
    assert list(place.parent.iterdir()) == [place]
