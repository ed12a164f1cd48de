"""The most costly bad inputs end within 2 s and 500 MB, as processes of their own, and write nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="only POSIX says what a process used")

HEAD = "input: [8, 8, 8]\nlayers:\n"
LIMIT_S, LIMIT_BYTES = 2.0, 500 * 10**6
TRIES = 3  # other processes make the same work take up to three times as long
# Runs a command, and says what it came to and what it used. A process of its own: what one that is started at once has
# used is told as no less than what the process that started it has.
WATCH = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
size = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps([done.returncode, done.stdout, done.stderr, used.ru_utime + used.ru_stime, size]))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What a command came to, its seconds of processor time, and the most memory that it held."""

    code: int
    out: str
    err: str
    seconds: float
    bytes: int


def run(*arguments: str) -> Run:
    command = [sys.executable, "-I", "-S", "-c", WATCH, sys.executable, "-m", "cnnx", *arguments]
    return Run(*json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))


def quickest(*arguments: str) -> Run:
    """Run a command until it takes less time than is allowed, a few times at most."""
    for _ in range(TRIES - 1):
        found = run(*arguments)
        if found.seconds < LIMIT_S:
            return found
    return run(*arguments)


def twice_as_many_each_time(levels: int) -> str:
    """Blocks that each call the one before twice: 2^levels calls."""
    blocks = "".join(f"  b{level}: {{layers: [b{level - 1}, b{level - 1}]}}\n" for level in range(1, levels + 1))
    return f"input: [8, 8, 8]\nlayers: [b{levels}]\nblocks:\n  b0: {{layers: [relu]}}\n{blocks}"


COSTLY: dict[str, tuple[Callable[[], str], str]] = {
    "100 MB": (lambda: "#" * 100_000_000, "100000000 bytes; a spec has at most 1048576 (1 MiB)"),
    "a million levels": (lambda: "a: " + "[" * 1_000_000, "1:35: nested more than 32 levels deep"),
    "a million calls": (lambda: twice_as_many_each_time(20), "more than 100000 steps; is a loop too long?"),
    "a milliard of nodes": (
        lambda: f"{HEAD}- {'repeat: {times: 1000, layers: [{' * 2}repeat: {{times: 1000, layers: [relu]}}{'}]}' * 2}\n",
        "more than 50000 nodes",
    ),
    "misspelt steps": (lambda: HEAD + "- reul\n" * 19_000, "100 errors or more; the first are told"),
    "unknown keys": (
        lambda: f"{HEAD}- relu\n" + "".join(f"key{number}: 1\n" for number in range(9_000)),
        "4:1: unknown key `key0`",
    ),
    "a long expression": (
        lambda: f"{HEAD}- conv: {{out: '{'(' * 50_000}1{')' * 50_000}', kernel: 1}}\n",
        "3:15: out: an expression of 100001 characters; at most 1000 are read",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), COSTLY.values(), ids=COSTLY)
def test_what_bad_input_costs_is_bounded(
    text: Callable[[], str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(text(), "utf-8")
    found = quickest("compare", "--static", "./mine.yaml", "-o", "answer.json")
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: mine.yaml:")
    assert told in found.err
    assert len(found.err) < 20_000
    assert found.seconds < LIMIT_S
    assert found.bytes < LIMIT_BYTES
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


LAYER = {"operation": "relu", "output": [1], "params": 1, "macs": 1, "flops": 1, "activation_elements": 1}
FIGURES = dict.fromkeys(
    ("params", "macs", "flops", "weight_bytes", "activation_elements", "peak_inference_bytes"), 1
)  # fmt: skip
RESULT = {
    "name": "se", "settings": {}, "given_inputs": None, "dtype": "float32", "batch": 1, "convention": "cnnx",
    "parameters": {}, "input": {"input": [1]}, "output": {"output": [1]}, "figures": FIGURES, "peak_node": "",
}  # fmt: skip


def baseline(**results: object) -> str:
    return json.dumps({"schema": "cnnx-baseline/1", "cnnx": "0.1.0", "results": [{**RESULT, **results}]})


def layers(number: int, below: int) -> list[object]:
    """Layers that stand in folders of their own, so many below each other."""
    return [{"name": f"x{each}" + ".a" * below, **LAYER} for each in range(number)]


# A baseline; the exit code; what is told.
BASELINES: dict[str, tuple[Callable[[], str], int, str]] = {
    "16 MB": (lambda: " " * 16_000_000, 2, "is larger than 8 MiB, which no baseline is"),
    "numbers": (lambda: f"[{'0.5,' * 2_000_000}1]", 2, "is no baseline"),
    "millions of results": (lambda: baseline().replace("[{", "[" + "{}," * 2_700_000 + "{"), 2, "more than 2,000 items"),
    "parameters": (lambda: baseline(parameters={f"p{n}": n for n in range(400_000)}), 2, "more than 2,000 settings"),
    "as many layers as are read": (lambda: baseline(layers=layers(20_000, 120)), 1, "over the baseline"),
    "long names of parameters": (lambda: baseline(parameters={f"{'p' * 490}{n}": n for n in range(1_900)}), 1, "over the baseline"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "code", "told"), BASELINES.values(), ids=BASELINES)
def test_what_a_hostile_baseline_costs_is_bounded(
    text: Callable[[], str], code: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.json").write_text(text(), "utf-8")
    found = quickest("check", "se", "--baseline", "old.json")
    assert found.code == code
    assert told in found.err
    assert len(found.err.splitlines()) < 10
    assert found.seconds < LIMIT_S
    assert found.bytes < LIMIT_BYTES
