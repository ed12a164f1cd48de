"""The pages of help: on a narrow terminal too, nothing is cut and no line is wider than the terminal."""

from __future__ import annotations

import re

import pytest

from cnnx.cli.app import COMMANDS
from tests.conftest import CommandLine


@pytest.mark.parametrize("width", [40, 52, 80, 120])
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_a_page_is_as_wide_as_the_terminal(
    command: str, width: int, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    answer = command_line(*command.split(), "--help")
    assert answer.code == 0
    # One word, and what goes into a file as it stands, is left whole.
    wide = [line.strip() for line in answer.out.splitlines() if len(line) > width]
    assert [line for line in wide if " " in line and not line.startswith("# ")] == []
    assert "..." not in answer.out.replace("}...", "").replace("]...", "")
    assert "list[" not in answer.out


def test_a_narrow_page_puts_what_is_told_beneath(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    page = command_line("show", "--help").out
    assert "  --expand\n      Show every layer; fold none.\n" in page
    assert "  NAME\n      A spec or variant by name, or a\n      path to a YAML file.  [required]\n" in page


def test_examples_of_a_narrow_page_can_be_run(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def examples() -> list[str]:
        page = command_line("compare", "--help").out.partition("Examples:")[2]
        return re.findall(r"^    cnnx \S.*?(?=   |$)", re.sub(r" \\\n +", " ", page), re.MULTILINE)

    monkeypatch.setenv("COLUMNS", "80")
    wide = examples()
    monkeypatch.setenv("COLUMNS", "40")
    assert examples() == wide
    assert len(wide) > 4
