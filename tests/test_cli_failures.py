"""What is told when something goes wrong, and the exit code."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cnnx.cli.failures import Told
from cnnx.errors import CheckError, CnnxError, DeviceError, Problem, SpecError, UsageError
from tests.conftest import CommandLine

CNNX = [sys.executable, "-m", "cnnx"]


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (UsageError("wrong", hint="do this"), 2, "error: wrong; do this\n"),
        (CheckError("differs"), 1, "error: differs\n"),
        (DeviceError("missing"), 3, "error: missing\n"),
        (CnnxError("one", hint="do this", more=["two", "three"]), 2, "error: one; do this\ntwo\nthree\n"),
        (UsageError("\x1b[31m[/x]\n"), 2, "error: \\x1b[31m[/x]\\n\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (BrokenPipeError(), 0, ""),
        (OSError(28, "No space left on device"), 2, "error: the output cannot be written: No space left on device\n"),
        (
            ZeroDivisionError("oops"),
            70,
            "bug: ZeroDivisionError: oops; this is a mistake in cnnx; --debug shows where\n",
        ),
    ],
)
def test_every_error_is_told_in_one_way(
    error: BaseException, code: int, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    stdout = os.dup(1)
    with Told(debug=False) as result:
        raise error
    os.dup2(stdout, 1)  # a closed pipe is replaced by nothing
    os.close(stdout)
    assert result.exit_code == code
    assert capfd.readouterr().err == told


def test_each_problem_of_a_spec_is_an_error_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [
        Problem("mine.yaml", 14, 9, "unknown key `kernal` in `conv`", "did you mean `kernel`?", 6, "       kernal: 3"),
        Problem("mine.yaml", 17, 14, "groups=3 does not divide in_channels=64"),
    ]
    with Told(debug=False) as result:
        raise SpecError(problems)
    assert result.exit_code == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: mine.yaml:14:9: unknown key `kernal` in `conv`"
    assert "^^^^^^  did you mean `kernel`?" in lines[2]
    assert lines[-1] == "error: mine.yaml:17:14: groups=3 does not divide in_channels=64"


def test_a_traceback_is_shown_only_if_asked_for(capsys: pytest.CaptureFixture[str], command_line: CommandLine) -> None:
    assert "Traceback" not in command_line("show", "no_such_spec").err
    told = command_line("show", "no_such_spec", "--debug").err
    assert "Traceback" in told
    assert told.endswith("`cnnx list` shows every name\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["lst"], "error: no such command 'lst'"),
        (["compare"], "error: missing argument 'NAME'"),
        (["compare", "bottleneck", "--colums", "macs"], "error: no such option: --colums"),
        (
            ["compare", "bottleneck", "--static", "--batch", "many"],
            "error: --batch many: an integer of at least 1 is needed\n",
        ),
        (
            ["compare", "bottleneck", "--static", "--batch", "0"],
            "error: --batch 0: an integer of at least 1 is needed\n",
        ),
        (
            ["compare", "bottleneck", "--static", "--rounds", "-1"],
            "error: --rounds -1: an integer of at least 1 is needed\n",
        ),
        (["profile", "bottleneck", "--rounds", "1.5"], "error: --rounds 1.5: an integer of at least 1 is needed\n"),
        (["compare", "bottleneck", "--static", "--rounds", "9" * 10_000], "error: --rounds 999"),
        (
            ["compare", "bottleneck", "--static", "--max-time", "nan"],
            "error: --max-time nan: seconds, more than 0, are needed\n",
        ),
        (
            ["compare", "bottleneck", "--static", "--max-time", "soon"],
            "error: --max-time soon: seconds, more than 0, are needed\n",
        ),
        (
            ["compare", "bottleneck", "--static", "--threads", "0"],
            "error: --threads 0: an integer of at least 1 is needed\n",
        ),
        (["compare", "bottleneck", "--static", "--dtype", "float31"], "error: unknown dtype `float31`"),
        (["compare", "bottleneck", "--static", "--device", "tpu"], "error: unknown device `tpu`"),
        (["compare", "bottleneck", "--static", "--input", "3x"], "error: --input 3x"),
        (["compare", "bottleneck", "--static", "--columns", "parms"], "error: --columns: no column"),
        (["compare", "bottleneck", "--static", "--sort", "latency"], "error: --sort latency"),
        (["list", "--format", "xml"], "error: invalid value for '--format'"),
        (["list", "no such spec"], "error: no spec matches"),
        (["show", "bottlenek"], "error: no spec is named `bottlenek`; did you mean `bottleneck`?"),
        (["show", "conv"], "error: `conv` is an operation"),
        (["show", "../../etc/passwd"], "error: ../../etc/passwd"),
        (["show", "[/x]"], "error: [/x]: no such file"),
        (["show", "a\x1b[31mb\nc\u202ed"], "error: no spec is named `a\\x1b[31mb\\nc\\u202ed`; "),
        (["show", "x" * 100_000], "error: no spec is named `xxx"),
        (["show", "/" + "x" * 100_000], "error: /xxx"),
        (["show", "bottleneck", "--set", "rr=8"], "error: `bottleneck` has no parameter `rr`"),
        (["show", "bottleneck", "--set", "r=0"], "error: "),
        (["show", "nasnet_normal_s0", "--input", "3x4x4"], "error: "),
        (["profile", "bottleneck", "--batch", "1,x"], "error: --batch 1,x"),
        (["profile", "bottleneck", "--batch", "0"], "error: --batch 0"),
        (["profile", "bottleneck", "--by", "colour"], "error: invalid value for '--by'"),
        (["profile", "bottleneck", "--top", "0"], "error: --top 0"),
        (["profile", "bottleneck", "--cuda-graph"], "error: a CUDA graph runs on a CUDA device, not on `cpu`"),
    ],
)
def test_a_wrong_command_line_is_one_clear_error(arguments: list[str], told: str, command_line: CommandLine) -> None:
    answer = command_line(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith(told)
    assert "Traceback" not in answer.err
    assert len(answer.err) < 2_500


def test_usage_errors_say_where_help_is(command_line: CommandLine) -> None:
    assert command_line("compare").err.endswith("; `cnnx compare --help` shows what can be given\n")
    assert command_line("--lst").err.endswith("; `cnnx --help` shows what can be given\n")


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["show", "mobilenetv3", "--expand"]])
def test_a_reader_that_goes_away_ends_the_command_quietly(arguments: list[str]) -> None:
    process = subprocess.Popen([*CNNX, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert told == b""


def test_a_closed_standard_output_or_error_is_no_bug() -> None:
    for closed, code in ((">&-", 0), ("2>&-", 0)):
        done = subprocess.run(["sh", "-c", f"{sys.executable} -m cnnx --version {closed}"], check=False)
        assert done.returncode == code
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m cnnx show nothing 2>&-"], check=False)
    assert done.returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_an_error_and_no_bug() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*CNNX, "list", "bottleneck"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "error: the output cannot be written: No space left on device\n"


def test_a_terminal_that_knows_few_letters_gets_question_marks() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*CNNX, "show", "bottleneck"], env=environment, capture_output=True, check=False)
    assert done.returncode == 0
    assert b"256?56?56" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="signals and terminals are as POSIX has them")
def test_an_interrupt_while_measuring_exits_with_130() -> None:
    command = [*CNNX, "compare", "bottleneck", "plain3x3", "--rounds", "100000", "--threads", "1"]
    ours, theirs = pty.openpty()  # progress, which says when to interrupt, is told to a terminal only
    # A shell without job control lets its jobs ignore interrupts, and so would what they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm"}
        )
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(theirs)
    read_until(ours, "measuring on cpu: ")
    process.send_signal(signal.SIGINT)
    told = read_until(ours, "interrupted")
    assert process.wait(timeout=30) == 130
    os.close(ours)
    assert "Traceback" not in told


def read_until(terminal: int, wanted: str) -> str:
    told = ""
    while wanted not in told:
        told += os.read(terminal, 4096).decode()
    return told


def test_an_unexpected_exception_is_told_as_a_bug(monkeypatch: pytest.MonkeyPatch, command_line: CommandLine) -> None:
    def broken(command: object) -> object:
        raise RuntimeError("a\x1b[31mb")

    monkeypatch.setattr("typer.main.get_command", broken)
    answer = command_line("list")
    assert answer.code == 70
    assert answer.err == "bug: RuntimeError: a[31mb; this is a mistake in cnnx; --debug shows where\n"
