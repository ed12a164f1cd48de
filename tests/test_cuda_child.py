"""The child process: answers, errors, deaths, and that none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

import cnnx
from cnnx.errors import DeviceError, MemoryBudgetError
from cnnx.pytorch.cuda_child import run_in_child
from cnnx.pytorch.latency import MeasureGraphs
from cnnx.pytorch.settings import Settings
from tests.child_tasks import Die, Echo, Hang, Refuse

ROOT = Path(__file__).parent.parent


def gone(process: int) -> bool:
    """Whether a process ends within a few seconds."""
    for _ in range(500):
        if not psutil.pid_exists(process) or psutil.Process(process).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


def test_an_answer_comes_from_another_process_whatever_is_printed_there() -> None:
    told: list[tuple[int, int, Sequence[float]]] = []
    word, process = run_in_child(
        Echo("ok"), lambda done, planned, seconds=(): told.append((done, planned, list(seconds)))
    )
    assert word == "ok"
    assert process != os.getpid()
    assert told == [(1, 2, []), (2, 2, [0.5])]
    assert not psutil.pid_exists(process)


def test_an_answer_without_anybody_who_follows_the_progress() -> None:
    assert run_in_child(Echo("ok"))[0] == "ok"


def test_an_error_comes_back_as_it_was() -> None:
    with pytest.raises(MemoryBudgetError) as caught:
        run_in_child(Refuse())
    assert (caught.value.message, caught.value.hint) == ("too large", "make it smaller")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("bug", "with exit code 1: RuntimeError: a mistake in the child"),
        ("signal", "by signal SIGKILL"),
        ("exit", "with exit code 7: CUDA error: device-side assert triggered"),
    ],
)
def test_a_death_says_how_it_died(how: str, told: str) -> None:
    with pytest.raises(DeviceError, match=f"ended {told}$") as caught:
        run_in_child(Die(how))
    assert caught.value.exit_code == 3


def test_an_interruption_leaves_no_child(tmp_path: Path) -> None:
    def interrupt(done: int, planned: int, seconds: Sequence[float] = ()) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_child(Hang(tmp_path / "process"), interrupt)
    assert gone(int((tmp_path / "process").read_text()))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_parent_that_ends_leaves_no_child(tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "process"
    # A script without a guarded main part: the child must not run it again.
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path; from tests.child_tasks import Hang; from cnnx.pytorch.cuda_child import run_in_child\n"
        f"run_in_child(Hang(Path({str(path)!r})))\n"
    )
    with subprocess.Popen([sys.executable, script], stderr=subprocess.DEVNULL) as parent:
        while not path.exists() or not path.read_text():
            assert parent.poll() is None
            time.sleep(0.01)
        parent.send_signal(how)
    assert gone(int(path.read_text()))


def test_a_module_in_the_folder_where_it_starts_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pickle.py").write_text("raise SystemExit('the wrong pickle')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert run_in_child(Echo("ok"))[0] == "ok"


def test_graphs_are_measured_in_a_child() -> None:
    graph = cnnx.load("bottleneck", channels=8, input=(8, 4, 4))
    measurement, environment = run_in_child(
        MeasureGraphs((graph, graph), Settings(rounds=6, threads=1), "cnnx compare", ("one", "other"))
    )
    assert [latency.rounds for latency in measurement.latencies] == [6, 6]
    assert environment.command == "cnnx compare"
