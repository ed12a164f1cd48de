"""The commands, each run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cnnx.analysis.records import CrossCheck
from cnnx.version import __version__
from tests.conftest import Answer, CommandLine
from tests.records import differing, figures_of

COMMANDS = ("list", "show", "compare", "profile", "validate")
QUICK = ("--rounds", "3", "--threads", "1")


def results(answer: Answer) -> list[dict[str, Any]]:
    assert answer.code == 0, answer.err
    document = json.loads(answer.out)
    assert document["schema"] == "cnnx/1"
    found = document["results"]
    assert isinstance(found, list)
    return found


def test_the_version_is_told(command_line: CommandLine) -> None:
    answer = command_line("--version")
    assert (answer.code, answer.out, answer.err) == (0, f"cnnx {__version__}\n", "")


def test_without_a_command_the_help_is_shown(command_line: CommandLine) -> None:
    assert command_line() == command_line("--help")
    assert all(command in command_line().out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_examples_and_the_shared_options(command: str, command_line: CommandLine) -> None:
    answer = command_line(command, "--help")
    assert answer.code == 0
    assert f"Examples:\n    cnnx {command} " in answer.out
    assert all(option in answer.out for option in ("--format", "--json", "-o, --output", "--debug"))


def test_list_has_a_result_for_each_spec_each_variant_and_each_family(command_line: CommandLine) -> None:
    found = {result["name"]: result for result in results(command_line("list", "mobilenetv3*", "--json"))}
    assert {"mobilenetv3", "mobilenetv3_large", "mobilenetv3_small", "mobilenetv3_bottleneck"} <= set(found)
    assert (found["mobilenetv3_large"]["params"], found["mobilenetv3_large"]["macs"]) == (5483032, 216589760)
    assert (found["mobilenetv3_small"]["params"], found["mobilenetv3_small"]["macs"]) == (2542856, 56510400)
    assert found["mobilenetv3"]["stands_for"] == "mobilenetv3_large"
    assert found["mobilenetv3"]["params"] == 5483032
    assert found["mobilenetv3_small"]["variant_of"] == "mobilenetv3"
    assert found["mobilenetv3_bottleneck"]["kind"] == "block"


def test_list_shows_one_kind_if_it_is_asked_to(command_line: CommandLine) -> None:
    assert {result["kind"] for result in results(command_line("list", "--blocks", "--json"))} == {"block"}
    assert {result["kind"] for result in results(command_line("list", "--networks", "--json"))} == {"network"}
    table = command_line("list", "plain*").out
    assert "plain3x3" in table
    assert "1,849,688,064" in table


def test_list_warns_of_what_stands_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command_line: CommandLine
) -> None:
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "bottleneck.yaml").write_text("input: [8, 4, 4]\nlayers: [relu]\n", "utf-8")
    (folder / "broken.yaml").write_text("input: [8, 4\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    answer = command_line("list", "bottleneck", "--json")
    assert "warning: `bottleneck`: configs/bottleneck.yaml hides " in answer.err
    assert "warning: configs/broken.yaml:" in answer.err
    assert next(result for result in results(answer) if result["name"] == "bottleneck")["params"] == 0
    assert command_line("compare", "plain3x3", "--static").code == 0  # neither hinders anything


def test_show_says_what_a_spec_is_and_draws_its_tree(command_line: CommandLine) -> None:
    shown = command_line("show", "bottleneck", "--set", "r=8", "--input", "128x28x28").out
    assert shown.startswith("Bottleneck  bottleneck\n")
    assert "arXiv:1512.03385" in shown
    assert "channels=128, r=8" in shown
    assert "128×28×28 → 128×28×28" in shown
    assert f"├╴conv2 conv 3×3 16×28×28 {16 * 9 * 16:,}" in " ".join(shown.split())


def test_show_folds_and_unfolds(command_line: CommandLine) -> None:
    assert "0–1 × 2" in command_line("show", "stacked3x3").out
    expanded = command_line("show", "stacked3x3", "--expand").out
    assert "0–1" not in expanded
    assert "├╴0 " in expanded
    assert "╰╴1 " in expanded


def test_show_prints_the_text_of_a_spec_as_it_stands(command_line: CommandLine, tmp_path: Path) -> None:
    answer = command_line("show", "bottleneck", "--yaml")
    assert answer.out == Path("configs/blocks/bottleneck.yaml").read_text("utf-8")
    mine = tmp_path / "mine.yaml"
    mine.write_text(answer.out, "utf-8")
    assert results(command_line("compare", str(mine), "--static", "--json"))[0]["params"] == 69632


def test_show_has_every_node_in_json(command_line: CommandLine) -> None:
    (found,) = results(command_line("show", "bottleneck", "--json"))
    assert [node["name"] for node in found["nodes"]] == ["conv1", "conv2", "conv3"]
    assert sum(node["params"] for node in found["nodes"]) == found["params"] == 69632
    assert found["title"] == "Bottleneck"


def test_a_block_is_compared_with_itself(command_line: CommandLine) -> None:
    answer = command_line("compare", "bottleneck", "bottleneck@r=8,channels=128", "--static", "--json")
    first, second = results(answer)
    assert second["label"] == "bottleneck@r=8,channels=128"
    # 128·1·1·16 + 16·3·3·16 + 16·1·1·128
    assert second["params"] == 128 * 16 + 16 * 9 * 16 + 16 * 128
    assert second["ratio_to_first"]["params"] == second["params"] / first["params"]


def test_settings_and_input_hold_for_all(command_line: CommandLine) -> None:
    arguments = ("compare", "bottleneck", "residual_bottleneck", "--static", "--json")
    for result in results(command_line(*arguments, "--set", "channels=64", "--input", "64x7x7")):
        assert result["parameters"]["channels"] == 64
        assert result["input"] == {"input": [64, 7, 7]}


def test_bytes_follow_the_dtype(command_line: CommandLine) -> None:
    (half,) = results(command_line("compare", "bottleneck", "--static", "--dtype", "bfloat16", "--json"))
    assert half["weight_bytes"] == 2 * 69632


def test_rows_are_sorted_if_they_are_asked_to_be(command_line: CommandLine) -> None:
    found = results(command_line("compare", "bottleneck", "plain3x3", "--static", "--sort", "-params", "--json"))
    assert [result["name"] for result in found] == ["plain3x3", "bottleneck"]
    assert found[1]["ratio_to_first"]["params"] == 1.0  # the first named stays the first


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A measured comparison of two small blocks, in JSON, and its exit code."""
    from cnnx.cli.app import run

    file = tmp_path_factory.mktemp("compared") / "found.json"
    small = [f"{name}@channels=16" for name in ("bottleneck", "plain3x3")]
    code = run(["compare", *small, "--input", "16x8x8", *QUICK, "--json", "-o", str(file)])
    return file, code


def test_compare_cross_checks_and_measures(compared: tuple[Path, int]) -> None:
    file, code = compared
    document = json.loads(file.read_text("utf-8"))
    assert code == 0
    first, second = document["results"]
    for result in (first, second):
        check = result["crosscheck"]
        assert check["agree"] is True
        assert check["hooks"] == check["fvcore"] == check["torch"] == result["macs"]
        assert check["params"] == result["params"]
        assert result["latency_ms"]["rounds"] == 3
        assert 0 < result["latency_ms"]["p25"] <= result["latency_ms"]["median"] <= result["latency_ms"]["p75"]
    assert second["params"] == 16 * 9 * 16
    assert second["ratio_to_first"]["latency"] > 0
    environment = document["environment"]
    assert environment["threads"] == 1
    assert environment["rounds"] == 3
    assert environment["torch"]
    assert environment["command"].startswith("cnnx ")


def test_a_counter_that_sees_something_else_ends_with_1_and_is_shown(
    monkeypatch: pytest.MonkeyPatch, command_line: CommandLine
) -> None:
    def wrong(graph: object, figures: object) -> CrossCheck:
        return differing(figures_of("bottleneck"))

    monkeypatch.setattr("cnnx.pytorch.counters.crosscheck.crosscheck", wrong)
    answer = command_line("compare", "bottleneck", "--input", "256x4x4", *QUICK)
    assert answer.code == 1
    assert "conv2  macs" in answer.out
    assert answer.err == "error: the counters on the built modules differ from the static figures\n"


def test_a_tensor_larger_than_the_memory_is_refused_with_the_numbers(command_line: CommandLine) -> None:
    answer = command_line("compare", "bottleneck", "--input", "256x1000000x1000000")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: at least ")
    assert "GiB" in answer.err


def test_profile_divides_a_network_into_blocks(command_line: CommandLine) -> None:
    answer = command_line("profile", "mobilenetv3_small", "--input", "3x32x32", *QUICK, "--json")
    (found,) = results(answer)
    assert sum(part["params"] for part in found["parts"]) == found["params"] == 2542856
    assert sum(part["macs"] for part in found["parts"]) == found["macs"]
    assert sum(part["time_share"] for part in found["parts"]) == pytest.approx(1)
    assert len(found["time_by_node_ms"]) == sum(part["nodes"] for part in found["parts"])
    assert found["latency_ms"]["rounds"] == 3


@pytest.mark.parametrize("command", ["compare", "profile"])
def test_a_device_that_is_missing_ends_with_3(
    command: str, monkeypatch: pytest.MonkeyPatch, command_line: CommandLine
) -> None:
    import torch

    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    answer = command_line(command, "bottleneck", "--device", "cuda")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("error: `cuda` cannot be used: ")


def test_validate_tells_every_error_of_every_file(tmp_path: Path, command_line: CommandLine) -> None:
    good, bad, other = (tmp_path / name for name in ("good.yaml", "bad.yaml", "other.yaml"))
    good.write_text("input: [8, 4, 4]\nlayers: [relu]\n", "utf-8")
    bad.write_text("input: [8, 4, 4]\nlayers:\n  - conv: {out: 8, kernal: 3}\n  - relux\n", "utf-8")
    other.write_text("input: [8, 4, 4]\nlayers: [{conv: {out: 8, kernel: 9, padding: 0}}]\n", "utf-8")
    answer = command_line("validate", str(good), str(bad), str(other), str(tmp_path / "missing.yaml"))
    assert answer.code == 2
    told = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert len(told) == 4
    assert any("bad.yaml:3:" in line and "kernal" in line for line in told)
    assert any("bad.yaml:4:" in line for line in told)
    assert any("other.yaml:2:" in line for line in told)
    assert any("missing.yaml: no such file" in line for line in told)
    assert "good.yaml     valid" in answer.out
    assert "2 errors" in answer.out


def test_validate_ends_with_1_where_a_figure_does_not_come_out(tmp_path: Path, command_line: CommandLine) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("input: [8, 4, 4]\nlayers: [{conv: {out: 8, kernel: 3}}]\nworked: [{params: 577}]\n", "utf-8")
    answer = command_line("validate", str(file))
    assert answer.code == 1
    assert "577 stated, 576 computed" in answer.out
    assert answer.err == "error: 1 of the stated figures does not come out\n"
    document = json.loads(command_line("validate", str(file), "--json").out)
    assert document["results"][0]["valid"] is False
    assert document["results"][0]["figures"][0]["computed"] == "576"


def test_every_spec_of_the_project_is_valid(command_line: CommandLine) -> None:
    files = sorted(str(path) for path in Path("configs").rglob("*.yaml") if path.parent.name in ("blocks", "networks"))
    answer = command_line("validate", *files)
    assert (answer.code, answer.err) == (0, "")
