"""Progress is told in one line of a terminal, which is gone afterwards; nowhere else is anything told."""

from __future__ import annotations

import io
import sys

import pytest

from cnnx.cli.measuring import progress_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, term: str = "xterm") -> list[str]:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", "20")
    with progress_of("measuring on cpu") as tell:
        tell(1, 60)
    return stream.getvalue().split("\r\x1b[2K")[1:]


def test_progress_fits_into_a_line_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, Terminal()) == ["measuring on cpu …", "measur…cpu: 1 of 60", ""]


def test_what_is_no_terminal_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, term in ((io.StringIO(), "xterm"), (Terminal(), "dumb")):
        assert told(monkeypatch, stream, term) == []
        assert stream.getvalue() == ""
