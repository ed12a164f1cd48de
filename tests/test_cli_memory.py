"""Memory on the command line: columns of `compare`, the fields of JSON, `show --memory`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnnx.cli.app import run

MAP = 8 * 4 * 4 * 4  # bytes of 8 channels of 4×4 in float32
WEIGHTS = 8 * 8 * 3 * 3 * 4
SPEC = "input: [8, 4, 4]\nlayers:\n  - conv: {out: 8, kernel: 3}\n  - gelu\n"


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return str(path)


def _results(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    found = json.loads(capsys.readouterr().out)["results"]
    assert isinstance(found, list)
    return found


def test_compare_gives_both_for_the_batch(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", spec, "--static", "--batch", "2", "--json"]) == 0
    (found,) = _results(capsys)
    assert found["peak_inference_bytes"] == 2 * 3 * MAP  # input, conv and gelu
    assert found["training_bytes"] == 2 * WEIGHTS + 2 * (MAP + MAP)  # conv keeps the input, gelu its own


def test_columns_of_compare(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    columns = "peak_inference_bytes,training_bytes"
    assert run(["compare", spec, "--static", "--columns", columns, "--sort", "training_bytes"]) == 0
    told = capsys.readouterr().out
    assert "1,536" in told  # 3 · 512
    assert "weights and the workspace of kernels are not included" in told


def test_show_gives_what_is_alive_at_the_peak(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", spec, "--json"]) == 0
    (found,) = _results(capsys)
    assert found["peak_inference_bytes"] == 3 * MAP
    memory = found["memory"]
    assert isinstance(memory, dict)
    assert memory["peak_node"] == "gelu"
    assert [(part["name"], part["bytes"]) for part in memory["alive"]] == [("input", MAP), ("conv", MAP), ("gelu", MAP)]
    assert memory["training"] == {"weight_bytes": WEIGHTS, "gradient_bytes": WEIGHTS, "saved_bytes": 2 * MAP}


def test_show_memory_draws_it(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", spec, "--memory"]) == 0
    told = capsys.readouterr().out
    assert "1,536 bytes at gelu" in told
    assert told.count("33.3 %") == 3
    assert "workspace of kernels are not included" in told


def test_scratch_is_told_with_its_node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text("input: [8, 4, 4]\nlayers:\n  - maxpool: {kernel: 2}\n", encoding="utf-8")
    assert run(["show", str(path), "--memory"]) == 0
    told = capsys.readouterr().out.split("\n")
    (row,) = [line for line in told if line.startswith("scratch of maxpool")]
    assert row.split()[3] == "256"  # 8 bytes for each of 8·2·2 outputs
