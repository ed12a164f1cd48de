"""The JSON Schema of specs: every spec of ours is valid by it, and mistakes in keys and values are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cnnx.cli.app import run
from cnnx.spec.actions import ACTIONS, OPERATIONS, options_of
from cnnx.spec.folders import built_in_folder
from cnnx.spec.schema import spec_schema
from cnnx.spec.yaml_reader import Source, read_source, read_yaml

SCHEMA = spec_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def _is_valid(text: str) -> bool:
    return bool(VALIDATOR.is_valid(read_yaml(Source("mine.yaml", text))))


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


SPECS = [path for folder in ("blocks", "networks") for path in sorted((built_in_folder() / folder).glob("*.yaml"))]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_is_valid(path: Path) -> None:
    VALIDATOR.validate(read_yaml(read_source(path)))


def _step_properties() -> dict[str, Any]:
    mapping = SCHEMA["definitions"]["step"]["anyOf"][1]
    found = mapping["properties"]
    assert isinstance(found, dict)
    return found


def test_every_operation_is_completed_with_its_options() -> None:
    known = _step_properties()
    assert known.keys() >= OPERATIONS | {"layers", "call", "with", "name", "from", "when"}
    for word in OPERATIONS - {"add", "multiply", "concat", "warp", "repeat", "each"}:
        options = known[word]["anyOf"][1]["properties"]
        assert list(options) == options_of(word)
        assert known[word]["description"] == (ACTIONS[word].__doc__ or "").split("\n")[0]


def test_defaults_and_choices_are_told() -> None:
    conv = _step_properties()["conv"]["anyOf"][1]["properties"]
    assert conv["stride"]["default"] == 1
    assert conv["padding"]["default"] == "same"
    assert "hardswish" in conv["act"]["anyOf"][0]["enum"]


HEAD = "input: [8, 4, 4]\nlayers:\n"


@pytest.mark.parametrize(
    ("legal", "illegal"),
    [
        ("- conv: {out: 8, kernel: 3}", "- conv: {out: 8, kernal: 3}"),
        ("- conv: {out: c // 2, kernel: [1, 3]}", "- conv: {out: 8, kernel: [1, 3, 5]}"),
        ("- conv: {out: 8, kernel: 3, bias: true}", "- conv: {out: 8, kernel: 3, bias: 1.5}"),
        ("- maxpool: {kernel: 2, padding: 0}", "- maxpool: {kernel: 0}"),
        ("- {relu: , name: x, when: a > 1}", "- {relu: , name: X}"),
        ("- add: [[], {conv: {out: 8, kernel: 1}}]", "- add: 3"),
        ("- add: {left: , right: [relu, relu]}", "- add: {left: {conv: {inn: 3}}}"),
        ("- add: {repeat: {times: 3, as: k, layers: [relu]}}", "- repeat: {times: 3, steps: [relu]}"),
        ("- each: {columns: [a, b], rows: [[1, x], [2, y]], layers: [relu]}", "- each: {columns: [A], rows: [1]}"),
        ("- bottleneck: {r: 8}", "- bottleneck: 8"),
        ("- {call: block, with: {r: 8}}", "- {call: block, with: 8}"),
        ("- pad: {sides: [1, 1, 1, n]}", "- pad: {sides: [1, 1]}"),
    ],
)  # fmt: skip
def test_each_mistake_beside_what_is_legal(legal: str, illegal: str) -> None:
    assert _is_valid(f"{HEAD}  {legal}\n")
    assert not _is_valid(f"{HEAD}  {illegal}\n")


@pytest.mark.parametrize(
    "text", ["layers: [relu]\n", "input: [8, 4]\nlayers: [relu]\n", "input: [8, 4, 4]\nlayer: []\n"]
)
def test_what_is_required(text: str) -> None:
    assert not _is_valid(text)


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
    assert run(["schema", "-o", str(tmp_path / "cnnx.schema.json")]) == 0
    assert json.loads((tmp_path / "cnnx.schema.json").read_text("utf-8")) == SCHEMA
