"""`cnnx profile`: runs that fail or are interrupted, what is shown of each, and every format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cnnx.analysis.profiling.roofline import Limits
from cnnx.analysis.profiling.runs import Run
from cnnx.errors import DeviceError, MemoryBudgetError, UsageError
from cnnx.graph.graph import Graph
from cnnx.pytorch.settings import Settings
from tests.conftest import Answer, CommandLine
from tests.profiles import timed
from tests.records import LIMITS

Measured = list[Settings]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    """What was measured, where nothing really is: batch 4 finds no memory, 5 no kernel, 6 a dead child, 7 a Ctrl-C."""
    seen: Measured = []
    errors: dict[int, BaseException] = {
        4: MemoryBudgetError("the memory of `cpu` is full"),
        5: UsageError("torch cannot run `lrn` on `cpu` in float32"),
        6: DeviceError("the process that worked on the device ended by signal SIGKILL"),
        7: KeyboardInterrupt(),
    }

    def profile_graph(graph: Graph, settings: Settings, progress: object, command: str) -> Run:
        seen.append(settings)
        if settings.batch in errors:
            raise errors[settings.batch]
        return timed(graph, settings.batch)

    monkeypatch.setattr("cnnx.pytorch.profiling.profile_graph", profile_graph)
    monkeypatch.setattr("cnnx.pytorch.limits.measure_limits", lambda settings, progress: LIMITS)
    monkeypatch.setattr("cnnx.analysis.profiling.limits_store.kept_limits", lambda environment: None)
    monkeypatch.setattr("cnnx.analysis.profiling.limits_store.keep_limits", lambda limits: None)
    return seen


def results(answer: Answer) -> list[dict[str, Any]]:
    found = json.loads(answer.out)["results"]
    assert isinstance(found, list)
    return found


def test_a_result_for_each_batch(measured: Measured, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--batch", "8, 1,8", "--json")
    assert (answer.code, answer.err) == (0, "")
    first, second = results(answer)
    assert [first["batch"], second["batch"]] == [8, 1]
    assert first["macs"] == second["macs"] == 218365952
    assert first["moved_bytes"] == 4 * (69632 + 8 * 2 * (256 + 64 + 64 + 64 + 64 + 256) // 2 * 56 * 56)
    assert first["peak_inference_bytes"] == first["observed_peak_inference_bytes"] == 8 * 4 * 9 * 64 * 56 * 56
    assert first["images_per_second"] == pytest.approx(8e3 / first["latency_ms"]["median"])
    assert first["flops_per_second"] == pytest.approx(8 * first["flops"] / (first["latency_ms"]["median"] / 1e3))
    assert first["bound"] == "compute"
    assert first["limits"]["flops_per_byte"] == 10.0
    assert first["sum_to_whole"]["ratio"] == pytest.approx(1 / 1.01)
    assert first["memory"]["live_bytes_by_node"] == first["memory"]["observed_bytes_by_node"]
    assert [part["name"] for part in first["parts"]] == ["conv1", "conv2", "conv3"]


@pytest.mark.parametrize(
    ("batch", "kind", "reason"),
    [(4, "memory", "is full"), (5, "unsupported", "cannot run `lrn`"), (6, "device", "SIGKILL")],
)
def test_a_run_that_fails_is_marked_and_the_others_go_on(
    batch: int, kind: str, reason: str, measured: Measured, command_line: CommandLine
) -> None:
    answer = command_line("profile", "bottleneck", "--batch", f"1,{batch},8", "--json")
    assert answer.code == 0
    assert [each.batch for each in measured] == [1, batch, 8]
    assert [each["latency_ms"] is None for each in results(answer)] == [False, True, False]
    assert results(answer)[1]["failure"]["kind"] == kind
    assert reason in results(answer)[1]["failure"]["message"]
    assert answer.err.startswith(f"warning: batch {batch} was not measured: ")
    table = command_line("profile", "bottleneck", "--batch", f"1,{batch},8")
    assert (table.code, table.err) == (0, "")  # the table says it itself
    assert f"batch {batch} was not measured: " in table.out


@pytest.mark.parametrize(("batch", "code"), [(4, 2), (5, 2), (6, 3)])
def test_the_only_run_that_fails_is_the_error(
    batch: int, code: int, measured: Measured, command_line: CommandLine
) -> None:
    answer = command_line("profile", "bottleneck", "--batch", str(batch))
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith("error: ")


def test_where_every_run_fails_the_figures_and_the_first_error_are_told(
    measured: Measured, command_line: CommandLine
) -> None:
    answer = command_line("profile", "bottleneck", "--batch", "6,4")
    assert answer.code == 3
    assert "batch 4 was not measured" in answer.out
    assert "115,605,504" in answer.out
    assert answer.err.startswith("error: the process that worked on the device")


def test_after_an_interruption_what_was_measured_is_shown(measured: Measured, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--batch", "1,7,8", "--json")
    assert answer.code == 130
    assert answer.err.endswith("error: interrupted\n")
    assert [each.batch for each in measured] == [1, 7]
    assert [(each["failure"] or {}).get("kind") for each in results(answer)] == [None, "interrupted", "interrupted"]


def test_an_interruption_before_anything_was_measured(measured: Measured, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--batch", "4,7,8")
    assert (answer.code, answer.out, answer.err) == (130, "", "error: interrupted\n")


def test_settings_reach_the_measurement(
    measured: Measured, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "sh")  # something that is there
    options = (
        "--dtype",
        "float16",
        "--threads",
        "2",
        "--rounds",
        "9",
        "--max-time",
        "3",
        "--channels-last",
        "--compile",
    )
    assert command_line("profile", "bottleneck", *options).code == 0
    (settings,) = measured
    assert (settings.dtype, settings.threads, settings.rounds, settings.max_time) == ("float16", 2, 9, 3.0)
    assert (settings.channels_last, settings.compile, settings.cuda_graph) == (True, True, False)


def test_a_run_for_each_device_and_batch(
    measured: Measured, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnx.pytorch.devices.check_device", lambda name: None)
    monkeypatch.setattr("cnnx.pytorch.limits.limits_environment", lambda settings: {})
    options = ("--device", "cpu,cuda:1", "--batch", "1,8")
    answer = command_line("profile", "bottleneck", *options)
    assert answer.code == 0
    assert [(each.device, each.batch) for each in measured] == [("cpu", 1), ("cpu", 8), ("cuda:1", 1), ("cuda:1", 8)]
    assert "cuda:1, batch 8" in answer.out
    found = results(command_line("profile", "bottleneck", *options, "--cuda-graph", "--device", "cuda", "--json"))
    assert [(each["device"], each["batch"]) for each in found] == [("cuda", 1), ("cuda", 8)]


def test_auto_is_the_cpu_where_there_is_no_gpu(
    measured: Measured, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    assert command_line("profile", "bottleneck", "--device", "auto,cpu").code == 0
    assert [each.device for each in measured] == ["cpu"]


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("block", ["stem", "bottlenecks.0"]),
        ("layer", ["stem", "stem_norm"]),
        ("operation", ["batchnorm", "conv 1×1"]),
        ("category", ["norm", "conv"]),
    ],
)
def test_what_the_rows_are(by: str, names: Sequence[str], measured: Measured, command_line: CommandLine) -> None:
    (found,) = results(command_line("profile", "mobilenetv3_small", "--by", by, "--json"))
    assert found["by"] == by
    assert set(names) <= {part["name"] for part in found["parts"]}
    assert sum(part["nodes"] for part in found["parts"]) == 157
    assert sum(part["time_share"] for part in found["parts"]) == pytest.approx(1)


def test_the_top_rows(measured: Measured, command_line: CommandLine) -> None:
    (found,) = results(command_line("profile", "mobilenetv3_small", "--by", "layer", "--top", "3", "--json"))
    times = [part["time_ms"] for part in found["parts"]]
    assert [part["name"] for part in found["parts"]][3:] == ["154 others"]
    assert times[:3] == sorted(times[:3], reverse=True)


def test_memory_is_shown_by_node(measured: Measured, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--by", "memory", "--top", "2")
    assert "alive at conv3" in answer.out
    rows = [line.split() for line in answer.out.splitlines() if line.startswith(("conv1", "conv2", "conv3"))]
    assert ["conv3", "7,225,344", "7,225,344"] in [row[:3] for row in rows]
    assert not any(row[0] == "conv1" for row in rows)  # not among the two largest


def test_memory_as_csv(measured: Measured, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--by", "memory", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    bytes_of_map = 4 * 56 * 56
    assert [(row["node"], int(row["live_bytes"]), row["alive_at_peak"]) for row in rows] == [
        ("conv1", (256 + 64) * bytes_of_map, "false"),
        ("conv2", (256 + 64 + 64) * bytes_of_map, "true"),
        ("conv3", (256 + 64 + 256) * bytes_of_map, "true"),
    ]
    assert [row["observed_bytes"] for row in rows] == [row["live_bytes"] for row in rows]
    only = command_line("profile", "bottleneck", "--by", "memory", "--format", "csv", "--top", "1")
    assert [row["node"] for row in csv.DictReader(io.StringIO(only.out))] == ["conv3"]


def test_flops_of_another_convention_do_not_reach_the_roofline(measured: Measured, command_line: CommandLine) -> None:
    (own,) = results(command_line("profile", "bottleneck", "--json"))
    (other,) = results(command_line("profile", "bottleneck", "--convention", "fvcore", "--json"))
    assert other["flops"] == own["macs"]
    assert (other["flops_per_second"], other["flops_per_byte"]) == (own["flops_per_second"], own["flops_per_byte"])


@pytest.mark.parametrize(
    ("suffix", "start"), [(".json", "{"), (".csv", "device,batch,part"), (".md", "| "), (".tex", "%")]
)
def test_a_file_by_its_suffix(
    suffix: str, start: str, tmp_path: Path, measured: Measured, command_line: CommandLine
) -> None:
    file = tmp_path / f"profile{suffix}"
    answer = command_line("profile", "bottleneck", "--batch", "1,4", "-o", str(file))
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith("warning: batch 4 was not measured")
    assert file.read_text("utf-8").startswith(start)


def test_a_row_of_csv_for_each_run_and_part(measured: Measured, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--batch", "1,4,8", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert [(row["batch"], row["part"]) for row in rows][:4] == [
        ("1", "conv1"),
        ("1", "conv2"),
        ("1", "conv3"),
        ("4", "conv1"),
    ]
    assert rows[3]["time_ms"] == ""
    assert int(rows[0]["flops"]) == 2 * 256 * 64 * 56 * 56


def test_a_compiler_that_is_missing_is_told_before_anything_is_measured(
    measured: Measured, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    answer = command_line("profile", "bottleneck", "--compile", "--batch", "1,8")
    assert (answer.code, answer.out, measured) == (2, "", [])
    assert "needs a C++ compiler" in answer.err


def test_a_folder_that_is_not_there_is_told_before_anything_is_measured(
    measured: Measured, command_line: CommandLine, tmp_path: Path
) -> None:
    answer = command_line("profile", "bottleneck", "-o", str(tmp_path / "none" / "a.json"))
    assert (answer.code, measured) == (2, [])
    assert "there is no folder" in answer.err


def test_limits_are_measured_once_kept_and_measured_anew(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    taken: list[str] = []

    def measure_limits(settings: Settings, progress: object) -> Limits:
        from cnnx.pytorch.limits import limits_environment

        taken.append(settings.device)
        environment = limits_environment(settings)
        return Limits("cpu", "float32", 1, 200e9, 20e9, 2048, 1 << 28, "2026-01-02T03:04:05+00:00", environment)

    monkeypatch.setenv("CNNX_CACHE", str(tmp_path))
    monkeypatch.setattr("cnnx.pytorch.limits.measure_limits", measure_limits)
    monkeypatch.setattr(
        "cnnx.pytorch.profiling.profile_graph", lambda graph, settings, *_: timed(graph, settings.batch)
    )
    small = ("profile", "se", "--input", "16x4x4", "--threads", "1")
    first = command_line(*small, "--batch", "1,2")
    assert "Measured now, 2026-01-02 03:04." in first.out
    assert taken == ["cpu"]  # once for both batches
    second = command_line(*small)
    assert "Measured 2026-01-02 03:04 and kept; --remeasure measures anew." in " ".join(second.out.split())
    assert taken == ["cpu"]
    assert "Measured now" in command_line(*small, "--remeasure").out
    assert taken == ["cpu", "cpu"]


def test_without_limits_the_rest_is_shown(
    measured: Measured, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(settings: Settings, progress: object) -> Limits:
        raise UsageError("torch has no such product")

    monkeypatch.setattr("cnnx.pytorch.limits.measure_limits", lacks)
    answer = command_line("profile", "bottleneck")
    assert answer.code == 0
    assert "GFLOP/s" in answer.out
    assert "bound by" not in answer.out
    (found,) = results(command_line("profile", "bottleneck", "--json"))
    assert (found["limits"], found["bound"], found["roof_share"]) == (None, None, None)
