"""Baselines: what is written is read again as it was, what commands answer is read too, and all else is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cnnx.analysis.budgets.baseline import write_baseline
from cnnx.analysis.budgets.baseline_reading import MAX_BYTES, read_baseline
from cnnx.analysis.budgets.snapshot import Asked, Snapshot, take_snapshot
from cnnx.analysis.figures import count
from cnnx.analysis.memory.inference import predict_memory
from cnnx.errors import UsageError
from tests.conftest import CommandLine, Expand

SPEC = "input: [4, 6, 6]\nparameters: {r: 2}\nlayers:\n  - conv: {out: 4 * r, kernel: 3}\n  - relu\n"
ASKED = Asked({"r": 2, "rates": [1, 2], "act": "relu"}, ("4×6×6", "int64:77"), "float16", 3, "fvcore")


@pytest.fixture
def snapshot(expand_text: Expand) -> Snapshot:
    graph = expand_text(SPEC)
    return take_snapshot(count(graph), predict_memory(graph), Asked({}))


@pytest.fixture
def file(tmp_path: Path, snapshot: Snapshot) -> Path:
    path = tmp_path / "old.json"
    path.write_text(write_baseline([snapshot], "0.1.0"), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_baseline(path)
    return str(caught.value).replace(f"{path.parent}{os.sep}", "")


def rewritten(path: Path, change: Callable[[Any], object]) -> Path:
    """Change what a file holds."""
    data = json.loads(path.read_text("utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_what_is_written_is_read_again(tmp_path: Path, snapshot: Snapshot) -> None:
    path = tmp_path / "old.json"
    two = [snapshot, replace(snapshot, name="other", asked=ASKED)]
    path.write_text(write_baseline(two, "0.1.0"), encoding="utf-8")
    assert [kept.snapshot for kept in read_baseline(path).kept] == two
    assert all(kept.knows_asked for kept in read_baseline(path).kept)


def test_a_layer_has_a_line(file: Path) -> None:
    text = file.read_text("utf-8")
    assert text.startswith('{\n"schema": "cnnx-baseline/1",\n"cnnx": "0.1.0",\n')
    assert len([line for line in text.splitlines() if line.startswith('  {"name": ')]) == 2


def test_what_is_asked_for_alike_is_found(tmp_path: Path, snapshot: Snapshot) -> None:
    with_settings = replace(snapshot, asked=ASKED)
    path = tmp_path / "old.json"
    path.write_text(write_baseline([snapshot, with_settings], "0.1.0"), encoding="utf-8")
    baseline = read_baseline(path)
    assert baseline.find(snapshot) == snapshot
    assert baseline.find(with_settings) == with_settings


def test_a_spec_whose_own_defaults_changed_is_found(file: Path, snapshot: Snapshot) -> None:
    changed = replace(snapshot, parameters={"r": 4}, input={"input": (4, 7, 7)})
    assert read_baseline(file).find(changed) == snapshot


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Asked({"r": 4}), "without settings, and here with r=4"),
        (Asked({}, ("4×7×7",)), "with its own input, and here with the input 4×7×7"),
        (Asked({}, dtype="float16"), "in float32, and here in float16"),
        (Asked({}, batch=2), "for a batch of 1, and here for a batch of 2"),
        (Asked({}, convention="torch"), "by the convention cnnx, and here by the convention torch"),
    ],
)
def test_what_is_asked_for_otherwise_is_refused(file: Path, snapshot: Snapshot, asked: Asked, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_baseline(file).find(replace(snapshot, asked=asked))
    assert str(caught.value) == f"{file} has `mine` {told}; ask in the same way, or write it anew"


def test_another_name_is_refused(file: Path, snapshot: Snapshot) -> None:
    with pytest.raises(UsageError, match=r"old.json has no `nine`; did you mean `mine`\?"):
        read_baseline(file).find(replace(snapshot, name="nine"))
    with pytest.raises(UsageError, match=r"old.json has no `bottleneck`; it has mine"):
        read_baseline(file).find(replace(snapshot, name="bottleneck"))
    empty = rewritten(file, lambda data: data.update(results=[]))
    with pytest.raises(UsageError, match=r"old.json has no `mine`; it has nothing"):
        read_baseline(empty).find(snapshot)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "old.json is not JSON: Expecting value: line 1 column 1 (char 0); "),
        ("title: A spec", "old.json is not JSON: "),
        ('{"schema": NaN}', "old.json is not JSON: NaN is no number in JSON; "),
        ('{"schema": ' + "9" * 5000 + "}", "old.json is not JSON: Exceeds the limit (4300 digits)"),
        ("[" * 100_000, "old.json is not JSON that can be read: it is nested too deep"),
        ("[]", "old.json is no baseline: it names no schema, not `cnnx-baseline/1`; `cnnx check NAME"),
        ('{"schema": "cnnx-baseline/2"}', 'old.json is no baseline: its schema is "cnnx-baseline/2", not `cnnx-'),
        ('{"schema": ["' + "x" * 1000 + '"]}', f'old.json is no baseline: its schema is ["{"x" * 57}…, not `cnnx-b'),
        ('{"schema": "cnnx-baseline/1"}', "old.json lacks results; "),
        ('{"schema": "cnnx-baseline/1", "results": {}}', "old.json: results is {}, where a list is needed"),
        ('{"schema": "cnnx-baseline/1", "results": [3]}', "old.json: results[0] is 3, where a mapping is needed"),
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(content, encoding="utf-8")
    assert refusal(path).startswith(told)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(b'{"schema": "\xff\xfe\x80"}')
    assert refusal(path).startswith("old.json is not JSON: 'utf-8' codec can't decode byte 0xff")


def test_what_is_no_file_of_sound_size_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.json").startswith(
        "none.json: no such file; `cnnx check NAME --write-baseline FILE`"
    )
    assert refusal(tmp_path).endswith(" is a folder, not a baseline")
    assert refusal(Path("/dev/zero")).endswith("zero is not a regular file")
    assert refusal(tmp_path / ("x" * 300)).endswith(": File name too long")
    assert refusal(tmp_path / "a\0b").startswith("a\\x00b: no such file; ")
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert refusal(huge) == "huge.json is larger than 8 MiB, which no baseline is"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data.update(results=[{}] * 2_001), "old.json: results has more than 2,000 items, which no "),
        (lambda data: data["results"][0].update(layers=[{}] * 20_001), "old.json: results[0].layers has more than 20,000 "),
        (
            lambda data: data["results"][0].update(settings={f"p{number}": 1 for number in range(2_000)}),
            "old.json: results[0] has more than 2,000 settings and sizes",
        ),
        (
            lambda data: data["results"][0]["input"].update(input=[[1] * 50] * 50),
            "old.json: results[0] has more than 2,000 settings and sizes",
        ),
    ],
)  # fmt: skip
def test_more_than_any_honest_one_has_is_refused(file: Path, change: Callable[[Any], object], told: str) -> None:
    assert refusal(rewritten(file, change)).startswith(told)


def _of_first(**change: object) -> Callable[[Any], object]:
    return lambda data: data["results"][0].update(change)


def _of_layer(**change: object) -> Callable[[Any], object]:
    return lambda data: data["results"][0]["layers"][0].update(change)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_of_first(name=3), "old.json: results[0].name is 3, where a short text is needed"),
        (_of_first(name="a\x1b[31m"), r'old.json: results[0].name is "a\u001b[31m", where a short text is needed'),
        (_of_first(name="x" * 501), f'old.json: results[0].name is "{"x" * 58}…, where a short text is needed'),
        (_of_layer(name="::error::x"), 'old.json: results[0].layers[0].name is "::error::x", where a text without :: '),
        (_of_layer(operation="##[error]x"), 'old.json: results[0].layers[0].operation is "##[error]x", where a text w'),
        (_of_layer(params=-1), "old.json: results[0].layers[0].params is -1, where an integer of at least 0 is needed"),
        (_of_layer(params=True), "old.json: results[0].layers[0].params is true, where an integer of at least 0 is "),
        (_of_layer(macs=1.5), "old.json: results[0].layers[0].macs is 1.5, where an integer of at least 0 is needed"),
        (_of_layer(flops=None), "old.json lacks results[0].layers[0].flops; "),
        (_of_layer(output=8), "old.json: results[0].layers[0].output is 8, where a list is needed"),
        (_of_first(figures={"params": 1}), "old.json lacks results[0].figures.macs; "),
        (_of_first(figures=[]), "old.json: results[0].figures is [], where a mapping is needed"),
        (_of_first(input={"input": "x"}), 'old.json: results[0].input.input is "x", where a list is needed'),
        (
            _of_first(parameters={"r": {"a": 1}}),
            'old.json: results[0].parameters.r is {"a": 1}, where a short text is ',
        ),
        (
            _of_first(parameters={"r": [1, None]}),
            "old.json: results[0].parameters.r[1] is null, where a short text is ",
        ),
        (
            _of_first(parameters={"r": [[[[[[[[[1]]]]]]]]]}),
            "old.json: results[0].parameters.r[0][0][0][0][0][0][0][0] is ",
        ),
        (_of_first(settings={"::": 1}), 'old.json: results[0].settings is "::", where a text without ::'),
        (_of_first(batch="1"), 'old.json: results[0].batch is "1", where an integer of at least 0 is needed'),
    ],
)
def test_the_first_part_that_is_wrong_is_named(file: Path, change: Callable[[Any], object], told: str) -> None:
    assert refusal(rewritten(file, change)).startswith(told)


@pytest.mark.parametrize(
    ("command", "layers"),
    [(["show", "mine.yaml"], 2), (["compare", "mine.yaml", "--static"], None),
     (["check", "mine.yaml", "--max-params", "1M"], None)],
)  # fmt: skip
def test_what_commands_answer_is_read(
    tmp_path: Path,
    snapshot: Snapshot,
    command: list[str],
    layers: int | None,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command_line(*command, "--json", "-o", "old.json").code == 0
    baseline = read_baseline(Path("old.json"))
    found = baseline.find(snapshot)
    assert found.figures == snapshot.figures
    assert found.layers == (None if layers is None else snapshot.layers)
    # What was asked for is not known, so what came of it must be the same.
    with pytest.raises(UsageError, match=r"old.json has `mine` with r=2, and here with r=4; ask in the same way"):
        baseline.find(replace(snapshot, parameters={"r": 4}))
    with pytest.raises(UsageError, match=r"with the input 4×6×6, and here with the input 4×7×7"):
        baseline.find(replace(snapshot, input={"input": (4, 7, 7)}))


@pytest.mark.parametrize(
    ("command", "lacking"),
    [(["list", "bottleneck"], "peak_inference_bytes"), (["validate", "bottleneck"], "name"),
     (["explain", "bottleneck"], "peak_inference_bytes")],
)  # fmt: skip
def test_what_lacks_figures_says_which(
    tmp_path: Path, command: list[str], lacking: str, command_line: CommandLine
) -> None:
    path = tmp_path / "old.json"
    assert command_line(*command, "--json", "-o", str(path)).code == 0
    assert refusal(path) == f"old.json lacks results[0].{lacking}; `cnnx check NAME --write-baseline FILE` writes one"
