"""The table of `compare` in a terminal: static cells at once, latency cells when they are measured."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import pytest

from cnnx.cli.app import run
from cnnx.report.live import Tell
from cnnx.report.numbers import significant

COMMAND = ["compare", "plain3x3", "plain5x5", "--input", "8x4x4", "--rounds", "2", "--threads", "1"]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def _run_in_terminal(monkeypatch: pytest.MonkeyPatch, command: list[str], kind: str = "xterm") -> str:
    made = Terminal()
    monkeypatch.setattr(sys, "stdout", made)
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(command) == 0
    return made.getvalue()


def test_static_cells_stand_first(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _run_in_terminal(monkeypatch, COMMAND)
    first, *_, last = told.split("\x1b[2K")  # each line that is drawn over is cleared
    assert "576" in first  # 8·8·3·3
    assert "…" in first
    assert "cross-checking" in first
    assert "measuring on cpu" in told
    assert "…" not in last
    assert "quartiles" in last


def test_latency_cells_have_the_medians_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnx.report.live._SECONDS_BETWEEN", 0.0)  # drawn after every round
    rounds = []

    def tell(self: Tell, done: int, planned: int, seconds: Sequence[float] = ()) -> None:
        rounds.append(seconds)
        told(self, done, planned, seconds)

    told = Tell.__call__
    monkeypatch.setattr(Tell, "__call__", tell)
    drawn = _run_in_terminal(monkeypatch, COMMAND)
    assert [len(seconds) for seconds in rounds] == [0, 0, 0, 2, 2]  # three cross-checks, two rounds of two rows
    one, two = rounds[-2:]
    for row in (0, 1):
        assert significant(1e3 * one[row]) in drawn
        assert significant(1e3 * (one[row] + two[row]) / 2) in drawn.partition("2 of 2\n")[0]


def test_what_is_drawn_over_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _run_in_terminal(monkeypatch, COMMAND)
    assert told.count("\x1b[?25l") == told.count("\x1b[?25h") == 1  # the cursor comes back


@pytest.mark.parametrize("more", [["--static"], ["--json"], ["--format", "csv"]])
def test_nothing_is_drawn_over_where_no_table_is_measured(monkeypatch: pytest.MonkeyPatch, more: list[str]) -> None:
    command = COMMAND[: COMMAND.index("--rounds")] if "--static" in more else COMMAND
    assert "\x1b[2K" not in _run_in_terminal(monkeypatch, [*command, *more])


def test_a_dumb_terminal_is_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in _run_in_terminal(monkeypatch, COMMAND, "dumb")


def test_a_pipe_gets_the_finished_table_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(COMMAND) == 0
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert told.count("plain5x5") >= 1
    assert "…" not in told
