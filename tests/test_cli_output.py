"""Files are replaced as a whole, or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cnnx.cli.app import COMMANDS
from cnnx.cli.output import check_writable, replace_file
from cnnx.errors import UsageError
from tests.conftest import CommandLine

WITHOUT_NAMES = ("list", "doctor", "schema")


def test_an_answer_goes_into_a_file(tmp_path: Path, command_line: CommandLine) -> None:
    file = tmp_path / "answer.txt"
    answer = command_line("compare", "bottleneck", "plain3x3", "--static", "-o", str(file))
    assert (answer.code, answer.out) == (0, "")
    assert "589,824" in file.read_text("utf-8")
    assert "\x1b" not in file.read_text("utf-8")
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_keeps_its_mode_and_a_link_its_target(tmp_path: Path) -> None:
    file, link = tmp_path / "a.json", tmp_path / "link.json"
    file.write_text("old", "utf-8")
    file.chmod(0o640)
    link.symlink_to(file)
    replace_file(link, "new")
    assert link.is_symlink()
    assert file.read_text("utf-8") == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_new_file_has_the_mode_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("", "utf-8")
    replace_file(tmp_path / "new", "text")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_what_goes_wrong_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.json"
    file.write_text("old", "utf-8")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match="No space left"):
        replace_file(file, "new")
    assert file.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_device_is_written_to_and_not_replaced() -> None:
    before = Path(os.devnull).stat()
    replace_file(Path(os.devnull), "text")
    assert Path(os.devnull).stat().st_rdev == before.st_rdev


@pytest.mark.parametrize("bad", ["", "missing/a.json", "a" * 300 + "/x"])
def test_a_file_that_cannot_be_written_is_told_before_any_work(
    tmp_path: Path, bad: str, command_line: CommandLine
) -> None:
    path = f"{tmp_path}/{bad}"
    with pytest.raises(UsageError):
        check_writable(Path(path))
    answer = command_line("compare", "no_such_spec", "-o", path)
    assert answer.code == 2
    assert answer.err.startswith("error: -o ")
    assert "no_such_spec" not in answer.err


@pytest.mark.parametrize("command", [*COMMANDS])
def test_no_command_begins_to_work_for_a_file_that_cannot_be_written(
    command: str, tmp_path: Path, command_line: CommandLine
) -> None:
    answer = command_line(
        command, *([] if command in WITHOUT_NAMES else ["no_such_name"]), "-o", f"{tmp_path}/no/a.json"
    )
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"error: -o {tmp_path}/no/a.json: there is no folder {tmp_path}/no\n"


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "schema"])
def test_a_suffix_that_says_no_format_is_told(command: str, tmp_path: Path, command_line: CommandLine) -> None:
    file = tmp_path / "a.xyz"
    answer = command_line(command, *([] if command in WITHOUT_NAMES else ["no_such_name"]), "-o", str(file))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"error: -o {file}: no format has the suffix `.xyz`; "
        "there are .json .csv .md .tex .txt; or name the format: --format\n"
    )
    assert not file.exists()


@pytest.mark.parametrize(
    ("file", "options", "begins"),
    [
        ("a.json", [], '{\n  "schema": "cnnx/1"'),
        ("a.JSON", [], '{\n  "schema": "cnnx/1"'),
        ("a.csv", [], "name,operation,"),
        ("a.md", [], "| layer "),
        ("a.tex", [], "% needs"),
        ("a.txt", [], "Bottleneck  bottleneck\n"),
        ("a", [], "Bottleneck  bottleneck\n"),
        ("a.xyz", ["--json"], '{\n  "schema": "cnnx/1"'),
        ("a.json", ["--format", "csv"], "name,operation,"),  # what is asked for comes before what the suffix says
        ("a.yaml", ["--yaml"], "title: Bottleneck\n"),
    ],
)
def test_the_format_is_what_is_asked_for_else_what_the_suffix_says(
    file: str, options: list[str], begins: str, tmp_path: Path, command_line: CommandLine
) -> None:
    answer = command_line("show", "bottleneck", "-o", str(tmp_path / file), *options)
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert (tmp_path / file).read_text("utf-8").startswith(begins)


def test_two_formats_are_one_too_many(command_line: CommandLine) -> None:
    assert command_line("list", "--json", "--format", "csv").err == "error: --json and --format csv: one of them\n"
    assert command_line("list", "se", "--json", "--format", "json").code == 0


def test_links_that_lead_nowhere(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    (tmp_path / "lost.txt").symlink_to(tmp_path / "no/a.txt")
    (tmp_path / "new.txt").symlink_to(tmp_path / "a.txt")
    assert command_line("show", "se", "-o", str(tmp_path / "lost.txt")).err == (
        f"error: -o {tmp_path}/lost.txt: there is no folder {tmp_path}/no\n"
    )
    for name in ("loop.txt", "new.txt"):
        assert command_line("show", "se", "-o", str(tmp_path / name)).code == 0
    assert (tmp_path / "loop.txt").read_text("utf-8") == (tmp_path / "a.txt").read_text("utf-8")
    assert (tmp_path / "new.txt").is_symlink()


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="not every system has a file for its standard output")
def test_the_standard_output_is_a_file_too() -> None:
    command = [sys.executable, "-m", "cnnx", "show", "se", "-o", "/dev/stdout"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.startswith("Squeeze-and-excitation  se\n")
