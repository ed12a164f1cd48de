"""JSON of all commands: one schema, the same names for the same things, and the README tells of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cnnx.report.document import RESULT_FIELDS
from tests.conftest import CommandLine

MODELS = [
    ["list", "bottleneck"],
    ["show", "bottleneck@r=8"],
    ["compare", "bottleneck", "plain3x3", "--static"],
    ["explain", "bottleneck"],
    ["explain", "plain3x3", "bottleneck@r=8"],
    ["check", "bottleneck", "--max-params", "1M"],
]
OTHERS = [["validate", "bottleneck"], ["reproduce", "bottleneck_ninth"]]
HEAD = ("schema", "cnnx", "environment", "convention", "results")


def answer(command_line: CommandLine, command: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(command_line(*command, "--json").out)
    return found


@pytest.mark.parametrize("command", [*MODELS, *OTHERS], ids=" ".join)
def test_every_answer_begins_alike(command: list[str], command_line: CommandLine) -> None:
    document = answer(command_line, command)
    assert tuple(document)[: len(HEAD)] == HEAD
    assert (document["schema"], document["convention"]) == ("cnnx/1", "cnnx")
    assert document["results"]


@pytest.mark.parametrize("command", MODELS, ids=" ".join)
def test_every_result_of_a_model_has_the_same_fields(command: list[str], command_line: CommandLine) -> None:
    for result in answer(command_line, command)["results"]:
        assert set(RESULT_FIELDS) <= set(result)
        assert "@" not in result["name"]
        assert command[0] == "list" or result["label"] in command
        assert type(result["params"]) is int


def test_the_readme_names_every_field() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
    section = readme.partition("## JSON")[2].partition("\n## ")[0]
    assert {*RESULT_FIELDS, *HEAD} <= set(re.findall(r"`([a-z_]+)`", section))
