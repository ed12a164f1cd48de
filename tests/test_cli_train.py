"""`cnnx profile --train`: what it tells of training in each format, and runs whose training fails."""

from __future__ import annotations

import csv
import io
import json

import pytest

import cnnx
from cnnx.analysis.memory.training import Optimizer, count_backward, predict_step
from cnnx.analysis.profiling.training_runs import TrainingRun
from cnnx.errors import MemoryBudgetError, UsageError
from cnnx.graph.graph import Graph
from cnnx.pytorch.settings import Settings
from tests.conftest import CommandLine
from tests.profiles import trained
from tests.test_cli_profile import Measured, measured, results

__all__ = ["measured"]

Trained = list[tuple[Settings, Optimizer]]


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch, measured: Measured) -> Trained:
    """What was trained, where nothing really is: batch 8 finds no memory, 9 no kernel, 10 a Ctrl-C."""
    seen: Trained = []
    errors: dict[int, BaseException] = {
        8: MemoryBudgetError("a training step needs at least 22 GiB"),
        9: UsageError("torch cannot train this with batch 9", hint="a larger --batch may do"),
        10: KeyboardInterrupt(),
    }

    def train_graph(
        graph: Graph, optimizer: Optimizer, settings: Settings, progress: object, command: str
    ) -> TrainingRun:
        seen.append((settings, optimizer))
        if settings.batch in errors:
            raise errors[settings.batch]
        run = trained(graph, settings.batch, optimizer, None).run
        assert run is not None
        return run

    monkeypatch.setattr("cnnx.pytorch.training.measuring.train_graph", train_graph)
    return seen


def test_training_is_told_beside_what_is_predicted(training: Trained, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--train", "--optimizer", "adam", "--batch", "2", "--json")
    assert (answer.code, answer.err) == (0, "")
    (found,) = results(answer)
    told, predicted = found["training"], predict_step(cnnx.load("bottleneck"), Optimizer.ADAM, batch=2)
    assert told["optimizer"] == "adam"
    # twice the forward, but for the gradient of the network's input: 256·1·1·64·56·56
    assert told["backward_macs"] == 2 * found["macs"] - 256 * 64 * 56 * 56
    assert (told["forward_ms"]["median"], told["backward_ms"]["median"], told["step_ms"]["median"]) == (20, 43, 65.4)
    assert told["predicted"]["peak_step_bytes"] == told["observed"]["peak_step_bytes"] == predicted.peak_bytes
    assert told["predicted"]["saved_bytes"] == told["observed"]["saved_bytes"] == predicted.saved_bytes
    assert told["predicted"]["optimizer_state_bytes"] == 2 * found["weight_bytes"]
    assert sum(told["predicted"]["alive_bytes"].values()) == predicted.peak_bytes
    assert [part["backward_macs"] for part in found["parts"]] == [
        each.macs for each in count_backward(cnnx.load("bottleneck")).by_node
    ]
    assert sum(part["backward_share"] for part in found["parts"]) == pytest.approx(1)


def test_inference_and_training_share_the_time(
    training: Trained, measured: Measured, command_line: CommandLine
) -> None:
    command_line("profile", "bottleneck", "--train", "--max-time", "3")
    assert [settings.max_time for settings in measured] == [1.5]
    assert training == [(measured[0], Optimizer.SGD)]


def test_without_it_nothing_is_trained(training: Trained, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--json")
    (found,) = results(answer)
    assert (training, found["training"], found["parts"][0]["backward_flops"]) == ([], None, None)
    answer = command_line("profile", "bottleneck", "--optimizer", "adam")
    assert (answer.code, answer.out) == (2, "")
    assert "--optimizer adam: it is for training" in answer.err
    assert "add --train" in answer.err


def test_a_table_tells_of_training(training: Trained, command_line: CommandLine) -> None:
    lines = command_line("profile", "bottleneck", "--train", "--optimizer", "momentum").out.splitlines()
    assert "backward MACs 385,351,680; 770,703,360 FLOPs" in lines
    assert "training with momentum" in lines
    assert "optimizer     278,528 bytes; 278,528 observed" in lines  # as many as the weights
    assert any(line.startswith("step          32.7 ms (") for line in lines)
    assert "backward" in next(line for line in lines if line.startswith("block"))


def test_rows_have_the_backward_pass(training: Trained, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--train", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert [row["backward_macs"] for row in rows] == ["51380224", str(2 * 115605504), str(2 * 51380224)]
    assert "backward_macs" not in command_line("profile", "bottleneck", "--format", "csv").out


def test_training_that_fails_is_marked_and_the_others_go_on(training: Trained, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--train", "--batch", "8,1", "--json")
    assert answer.code == 0
    failed, done = [each["training"] for each in results(answer)]
    assert failed["failure"] == {"kind": "memory", "message": "a training step needs at least 22 GiB"}
    assert failed["step_ms"] is None
    assert failed["predicted"] is not None
    assert (done["failure"], done["step_ms"]["median"]) == (None, 32.7)
    assert [settings.batch for settings, _ in training] == [8, 1]
    assert answer.err == "warning: batch 8 was not trained: a training step needs at least 22 GiB\n"
    table = command_line("profile", "bottleneck", "--train", "--batch", "8,1")
    assert (table.code, table.err) == (0, "")
    assert "batch 8 was not trained: a training step needs at least 22 GiB" in table.out.splitlines()


def test_where_nothing_could_be_trained_the_reason_is_the_error(training: Trained, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--train", "--batch", "9")
    assert answer.code == 2
    assert "step          not measured: torch cannot train this with batch 9" in answer.out  # what was measured is kept
    assert "latency" in answer.out
    assert "a larger --batch may do" in answer.err


def test_a_run_that_was_not_measured_is_not_trained(training: Trained, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--train", "--batch", "4,1", "--json")
    first, second = results(answer)
    assert first["training"]["failure"] == first["failure"]
    assert second["training"]["failure"] is None
    assert [settings.batch for settings, _ in training] == [1]


def test_after_an_interruption_what_was_measured_is_shown(training: Trained, command_line: CommandLine) -> None:
    answer = command_line("profile", "bottleneck", "--train", "--batch", "10,1", "--json")
    assert answer.code == 130
    first, second = json.loads(answer.out)["results"]
    assert first["latency_ms"] is not None
    assert first["training"]["failure"]["kind"] == second["training"]["failure"]["kind"] == "interrupted"
    assert second["latency_ms"] is None


@pytest.mark.usefixtures("one_thread")
def test_training_for_real(command_line: CommandLine) -> None:
    answer = command_line(
        *("profile", "lenet5", "--train", "--optimizer", "adam", "--batch", "4"),
        *("--rounds", "3", "--max-time", "2", "--by", "memory", "--json"),
    )
    assert answer.code == 0
    (found,) = results(answer)
    told = found["training"]
    assert told["predicted"]["peak_step_bytes"] == told["observed"]["peak_step_bytes"]
    assert told["forward_ms"]["median"] > 0
