"""A wrong word or option: what is told, to the letter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CommandLine

CNNX = (sys.executable, "-m", "cnnx")
AGAINST_ITSELF = "--aa measures a spec against itself and shows no figures"
HELP = "`cnnx {} --help` shows what can be given\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["lst"], "no such command 'lst'; did you mean 'list'?\n"),
        (["list", "--blok"], "no such option: --blok; did you mean --blocks?\n"),
        (["show", "se", "more"], f"got unexpected extra argument 'more'; {HELP.format('show')}"),
        (
            ["list", "--format", "xml"],
            f"invalid value for '--format': 'xml' is not one of 'table', 'json', 'csv', 'md', 'latex'; {HELP.format('list')}",
        ),
        (["list", "zzz"], "no spec matches `zzz`; `cnnx list` shows every name\n"),
        (["list", "z" * 100], f"no spec matches `{'z' * 79}…`; `cnnx list` shows every name\n"),
        (["list", "bottlenek"], "no spec matches `bottlenek`; did you mean `bottleneck`?\n"),
        (["list", "Bottlenek*"], "no spec matches `Bottlenek*`; did you mean `bottleneck`?\n"),
        (["list", "--blocks", "resnet50"], "no block matches `resnet50`; the network `resnet50` does\n"),
        (["list", "--networks", "se"], None),  # by their tags
        (
            ["show", "se", "--yaml", "--json"],
            "--yaml and --json: one of them; --yaml prints the spec's text as it stands\n",
        ),
        (
            ["show", "se", "--yaml", "--format", "md"],
            "--yaml and --format: one of them; --yaml prints the spec's text as it stands\n",
        ),
        (
            ["show", "se", "--yaml", "--set", "r=8"],
            "--yaml and --set: one of them; --yaml prints the spec's text as it stands\n",
        ),
        (["show", "se@r=8", "--yaml"], "--yaml and @r=…: one of them; --yaml prints the spec's text as it stands\n"),
        (["show", "se", "--yaml", "-o", "no/a.yaml"], "-o no/a.yaml: there is no folder no\n"),
    ],
)
def test_a_wrong_command_line_is_told(arguments: list[str], told: str | None, command_line: CommandLine) -> None:
    answer = command_line(*arguments)
    if told is None:
        assert (answer.code, answer.err) == (0, "")
    else:
        assert (answer.code, answer.out, answer.err) == (2, "", f"error: {told}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show", "se", "--memory", "--expand"], "--memory and --expand: one of them; --memory shows the peak and no layers"),
        (
            ["show", "se", "--yaml", "--convention", "thop"],
            "--yaml and --convention: one of them; --yaml prints the spec's text as it stands",
        ),
        (["compare", "se", "--aa", "--static"], f"--aa and --static: one of them; {AGAINST_ITSELF}"),
        (["compare", "se", "--aa", "--columns", "macs"], f"--aa and --columns: one of them; {AGAINST_ITSELF}"),
        (["compare", "se", "--aa", "--convention", "cnnx"], f"--aa and --convention: one of them; {AGAINST_ITSELF}"),
        (["compare", "se", "se_conv", "--aa"], "--aa: one spec is measured against itself, and 2 are named"),
        (
            ["check", "se", "--annotate", "github", "--write-baseline", "se.json"],
            "--annotate: nothing is held to a budget; give one, such as --max-params 5.5M, or --baseline FILE",
        ),
        (
            ["explain", "se", "--convention", "thop"],
            "--figure params and --convention: one of them; conventions are about --figure flops",
        ),
    ],
)  # fmt: skip
def test_an_option_that_could_change_nothing_is_refused(
    arguments: list[str], told: str, command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command_line(*arguments)
    assert (answer.code, answer.out, answer.err) == (2, "", f"error: {told}\n")
    assert not list(tmp_path.iterdir())


def test_a_pattern_is_for_whole_names_and_a_word_for_all_that_is_told(command_line: CommandLine) -> None:
    def names(pattern: str) -> list[str]:
        return [result["name"] for result in json.loads(command_line("list", pattern, "--json").out)["results"]]

    assert names("SE*") == names("se*")
    assert all(name.startswith("se") for name in names("se*"))
    assert "se_resnet50" in names("se_resnet*")
    assert names("s?") == ["se"]
    assert {"se", "se_resnext"} <= set(names("attention"))  # the family


def test_validate_names_a_missing_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command_line: CommandLine
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    answer = command_line("validate", "./nope.yaml", "nope", "./folder", "conv")
    assert answer.code == 2
    assert sorted(answer.err.splitlines()) == [
        "error: `conv` is an operation, not a spec; did you mean `mbconv`?",
        "error: folder: a folder, not a spec",
        "error: no spec is named `nope`; `cnnx list` shows every name",
        "error: nope.yaml: no such file",
    ]
    told = json.loads(command_line("validate", "./nope.yaml", "--json").out)["results"][0]["problems"]
    assert [(problem["file"], problem["message"]) for problem in told] == [("./nope.yaml", "nope.yaml: no such file")]


@pytest.mark.parametrize("command", ["list", "validate"])
def test_names_are_completed(command: str) -> None:
    asked = {"COMP_WORDS": f"cnnx {command} mobilenetv3_l", "COMP_CWORD": "2", "_CNNX_COMPLETE": "complete_bash"}
    done = subprocess.run([*CNNX], env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert "mobilenetv3_large" in done.stdout.splitlines()


def test_a_shell_that_asks_and_does_not_listen_is_told_nothing() -> None:
    asked = {"COMP_WORDS": "cnnx show ", "COMP_CWORD": "2", "_CNNX_COMPLETE": "complete_bash"}
    process = subprocess.Popen([*CNNX], env={**os.environ, **asked}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), told) == (0, b"")


def test_a_file_that_is_no_spec_by_its_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command_line: CommandLine
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("plain", "mine.txt", "My-Block.yaml"):
        (tmp_path / name).write_text("input: [8, 4, 4]\nlayers: [relu]\n", "utf-8")
    (tmp_path / "told.yaml").write_text("claims: {}\nsource: {title: a}\n", "utf-8")
    for name, told in {
        "plain": "no spec is named `plain`; the file is named ./plain\n",
        "mine.txt": "no spec is named `mine.txt`; the file is named ./mine.txt\n",
        "My-Block.yaml": "My-Block.yaml: the name of a spec has lower-case letters, digits and underscores, "
        "a letter first, at most 64, not `My-Block`; rename the file: my_block.yaml\n",
        "told.yaml": "told.yaml:1:1: these are claims and no spec\n"
        "    1 | claims: {}\n      | ^^^^^^  `cnnx reproduce` reads them\n",
    }.items():
        answer = command_line("show", name)
        assert (answer.code, answer.out, answer.err) == (2, "", f"error: {told}")
    assert command_line("show", "./plain").code == command_line("show", "./mine.txt").code == 0
