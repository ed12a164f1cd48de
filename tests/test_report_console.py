"""When output is coloured, how wide it is, and that it is never wrapped by rich."""

from __future__ import annotations

import io

import pytest
from rich.text import Text

from cnnx.report.console import make_console, print_lines, wants_colour, width_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [
        (True, {"TERM": "xterm-256color"}, True),
        (False, {"TERM": "xterm-256color"}, False),
        (True, {"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm-256color", "NO_COLOR": ""}, True),  # https://no-color.org: empty does not count
        (True, {"TERM": "xterm-256color", "FORCE_COLOR": "0"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(terminal: bool, environment: dict[str, str], coloured: bool) -> None:
    assert wants_colour(terminal, environment) is coloured
    stream = Terminal() if terminal else io.StringIO()
    print_lines(make_console(stream, environment), [Text("red", "bold red")])
    assert ("\x1b[" in stream.getvalue()) is coloured


def test_lines_are_neither_wrapped_nor_cut() -> None:
    stream = Terminal()
    print_lines(
        make_console(stream, {"TERM": "xterm", "COLUMNS": "40"}), [Text("word " * 50 + "end"), Text("[/x] :smile:")]
    )
    first, second = stream.getvalue().splitlines()
    assert first.endswith("end")
    assert second == "[/x] :smile:"


def test_only_a_terminal_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "97")
    assert width_of(Terminal()) == 97
    assert width_of(io.StringIO()) is None
    assert width_of(None) is None


def test_a_terminal_that_does_not_tell_its_size_has_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width_of(Terminal()) == 80


def test_a_stream_that_is_closed_swallows_what_it_is_given() -> None:
    print_lines(make_console(None, {}), [Text("lost")])


def test_a_reader_that_goes_away_is_told_to_the_caller() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        print_lines(make_console(Broken(), {}), [Text("lost")])
