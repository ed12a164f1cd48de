"""What cannot fit into memory is refused, with the numbers, before it is built."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import torch

import cnnx
from cnnx.errors import MemoryBudgetError
from cnnx.pytorch import memory_budget
from cnnx.pytorch.memory_budget import available_memory, cgroup_room, check_memory, memory_needed, show_bytes
from cnnx.pytorch.settings import Settings
from tests.conftest import Expand

BLOCK = """
input: [3, 8, 8]
layers:
  - conv: {out: 5, kernel: 3, norm: batchnorm, act: relu}
  - conv: {out: 2, kernel: 1, bias: true}
  - flatten
"""


def test_weights_inputs_and_the_widest_node(expand_text: Expand) -> None:
    need = memory_needed([cnnx.count(expand_text(BLOCK))], Settings(batch=10))
    # Two convolutions, and batch normalisation's weights and running statistics.
    assert need.weights == 4 * (3 * 3 * 3 * 5 + 2 * 5 + 2 * 5 + 1 * 1 * 5 * 2 + 2)
    assert need.inputs == 4 * 10 * 3 * 8 * 8
    # Batch normalisation reads 5 maps and writes 5; the activation may write over them; the view moves nothing.
    assert need.activations == 4 * 10 * (5 + 5) * 8 * 8
    assert need.widest == "mine: conv1_norm"
    assert need.total == need.weights + need.inputs + need.activations


def test_the_networks_input_is_counted_once(expand_text: Expand) -> None:
    figures = cnnx.count(expand_text("input: [3, 8, 8]\nlayers:\n  - conv: {out: 5, kernel: 1}"))
    assert memory_needed([figures], Settings()).activations == 4 * 5 * 8 * 8


def test_several_modules_live_together_and_run_one_by_one(expand_text: Expand) -> None:
    figures = cnnx.count(expand_text(BLOCK))
    one, two = memory_needed([figures], Settings()), memory_needed([figures, figures], Settings())
    assert (two.weights, two.inputs, two.activations) == (2 * one.weights, 2 * one.inputs, one.activations)


@pytest.mark.parametrize(("dtype", "size"), [("float16", 2), ("bfloat16", 2), ("float32", 4), ("float64", 8)])
def test_bytes_follow_the_type(expand_text: Expand, dtype: str, size: int) -> None:
    need = memory_needed([cnnx.count(expand_text(BLOCK))], Settings(dtype=dtype))
    assert need.inputs == size * 3 * 8 * 8


def test_what_fits_passes(expand_text: Expand) -> None:
    check_memory([cnnx.count(expand_text(BLOCK))], Settings())


def test_the_bound_is_exact(expand_text: Expand, monkeypatch: pytest.MonkeyPatch) -> None:
    figures, settings = [cnnx.count(expand_text(BLOCK))], Settings()
    total = memory_needed(figures, settings).total
    monkeypatch.setattr(memory_budget, "available_memory", lambda settings: total)
    check_memory(figures, settings)
    monkeypatch.setattr(memory_budget, "available_memory", lambda settings: total - 1)
    with pytest.raises(MemoryBudgetError):
        check_memory(figures, settings)


def test_figures_of_absurd_size(expand_text: Expand) -> None:
    text = "input: [10000000000000, 56, 56]\nlayers:\n  - conv: {out: 10**15, kernel: 3}"
    with pytest.raises(MemoryBudgetError) as caught:
        check_memory([cnnx.count(expand_text(text))], Settings(batch=10**9))
    weights = 4 * 3 * 3 * 10**13 * 10**15 >> 30
    inputs = 4 * 10**9 * 10**13 * 56 * 56 >> 30
    activations = 4 * 10**9 * 10**15 * 56 * 56 >> 30
    for part in (f"{weights:,} GiB of weights", f"{inputs:,} GiB of input", f"{activations:,} GiB around `mine: conv`"):
        assert part in caught.value.message
    assert "batch 1000000000, float32" in caught.value.message
    assert "are available" in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        ((10 << 20) - 1, "10,485,759 bytes"),
        (10 << 20, "10 MiB"),
        ((10 << 30) - 1, "10,239 MiB"),
        (10 << 30, "10 GiB"),
        (1 << 2000, f"{1 << 1970:,} GiB"),
    ],
)
def test_bytes_are_written_exactly(count: int, text: str) -> None:
    assert show_bytes(count) == text


def test_the_processors_memory_is_what_the_system_and_the_groups_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_budget, "cgroup_room", lambda: iter([10**20, 1000]))
    assert available_memory(Settings()) == 1000
    monkeypatch.setattr(memory_budget, "cgroup_room", lambda: iter(()))
    assert 0 < available_memory(Settings()) <= psutil.virtual_memory().total


def test_the_memory_of_a_gpu_is_what_is_free_or_held_in_reserve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5000, 9000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 700)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 300)
    assert available_memory(Settings(device="cuda:1")) == 5000 + 700 - 300


def write_group(folder: Path, names: tuple[str, str, str], limit: str, used: int, cache: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    limit_name, used_name, cache_name = names
    (folder / limit_name).write_text(f"{limit}\n")
    (folder / used_name).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{cache_name} {cache}\nfile 7\n")


def test_control_groups_of_version_2(tmp_path: Path) -> None:
    names = ("memory.max", "memory.current", "inactive_file")
    (tmp_path / "own").write_text("0::/user.slice/mine\n")
    root = tmp_path / "cgroup"
    write_group(root / "user.slice/mine", names, "max", 400, 0)
    write_group(root / "user.slice", names, "1000", 700, 50)
    write_group(root, names, "100", 200, 0)  # more is used than is allowed
    assert list(cgroup_room(tmp_path / "own", root)) == [1000 - 700 + 50, 0]


def test_control_groups_of_version_1(tmp_path: Path) -> None:
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    (tmp_path / "own").write_text("9:name=systemd:/\n4:cpu,memory:/docker/1f\n3:cpuset:/\n")
    root = tmp_path / "cgroup"
    write_group(root / "memory/docker/1f", names, "5000", 1000, 20)
    assert list(cgroup_room(tmp_path / "own", root)) == [5000 - 1000 + 20]


def test_no_control_groups(tmp_path: Path) -> None:
    assert list(cgroup_room(tmp_path / "own", tmp_path)) == []
