"""Refusal of what cannot fit into memory, before anything is built.

What is refused is a bound from below: it cannot run here. What passes may still need more, for the workspace of
kernels or for branches that wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

from cnnx.analysis.figures import ELEMENT_BYTES, Figures, NodeFigures
from cnnx.errors import MemoryBudgetError
from cnnx.graph.operation import Storage, elements
from cnnx.pytorch.settings import Settings

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class Need:
    """The bytes that must live together for a forward pass, at the least.

    `widest` names the node that reads and writes most.
    """

    weights: int
    inputs: int
    activations: int
    widest: str

    @property
    def total(self) -> int:
        """All of them together."""
        return self.weights + self.inputs + self.activations


def check_memory(figures: Sequence[Figures], settings: Settings) -> None:
    """Check that modules of these figures, all built at once and run one after the other, can fit into memory.

    Raises `MemoryBudgetError` with what is needed and what is available. Works for figures of any size. For a CUDA
    device, torch is imported and the device is opened.
    """
    need, available = memory_needed(figures, settings), available_memory(settings)
    if need.total > available:
        raise MemoryBudgetError(
            f"at least {show_bytes(need.total)} of memory are needed on `{settings.device}`, "
            f"and {show_bytes(available)} are available: {show_bytes(need.weights)} of weights and buffers, "
            f"{show_bytes(need.inputs)} of input, {show_bytes(need.activations)} around `{need.widest}` "
            f"(batch {settings.batch}, {settings.dtype})",
            hint="make the input, the batch or the channels smaller",
        )


def memory_needed(figures: Sequence[Figures], settings: Settings) -> Need:
    """Give the least bytes that must live together: all weights, all inputs, and the widest node of all.

    At a node its inputs and its output live together, unless it may write over its input or is a view of it.
    The networks' own inputs are counted once, apart.
    """
    size = ELEMENT_BYTES[settings.dtype]
    inputs = sum(elements(shape) for each in figures for shape in each.input.values())
    around = [(_elements_around(node, each), f"{each.name}: {node.name}") for each in figures for node in each.by_node]
    most, widest = max(around, default=(0, "nothing"), key=lambda pair: pair[0])
    return Need(
        weights=size * sum(each.params + each.buffers for each in figures),
        inputs=size * settings.batch * inputs,
        activations=size * settings.batch * most,
        widest=widest,
    )


def _elements_around(node: NodeFigures, figures: Figures) -> int:
    """Give the elements that live while a node runs, for one image, less those that the network's inputs may be."""
    own = list(figures.input.values())
    read = 0
    for shape in node.inputs:
        if shape in own:
            own.remove(shape)
        else:
            read += elements(shape)
    # An operation that could write over its input may not where that is the caller's.
    fresh = node.op.storage is Storage.FRESH or (node.op.storage is Storage.IN_PLACE and not read)
    return read + (elements(node.output) if fresh else 0)


def available_memory(settings: Settings) -> int:
    """Give the bytes that this process may still take on the settings' device."""
    if settings.on_cuda:
        return _available_on_cuda(settings.device)
    return min([psutil.virtual_memory().available, *cgroup_room()])


def _available_on_cuda(device: str) -> int:
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    # What torch holds in reserve and does not use is available too.
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def cgroup_room(own: Path = _OWN_CGROUPS, root: Path = _CGROUPS) -> Iterator[int]:
    """Give, for every control group of this process that limits memory, the bytes that are left.

    Both versions of Linux's control groups are read; nothing is given where there are none.
    """
    for group in _memory_groups(own):
        for folder, limit, used, cache in (
            (root, "memory.max", "memory.current", "inactive_file"),
            (root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            for level in (group, *group.parents):
                left = _room(folder / level, limit, used, cache)
                if left is not None:
                    yield left


def _memory_groups(own: Path) -> list[PurePosixPath]:
    """Read lines such as `0::/user.slice` (version 2) or `4:memory:/docker/1f` (version 1)."""
    try:
        lines = [line.split(":", 2) for line in own.read_text(encoding="utf-8").splitlines()]
    except OSError:  # no Linux
        return []
    of_memory = [line for line in lines if len(line) == 3 and (line[1] == "" or "memory" in line[1].split(","))]
    return [PurePosixPath(path.lstrip("/")) for _, _, path in of_memory]


def _room(folder: Path, limit: str, used: str, cache: str) -> int | None:
    """Give the limit less what is used beyond files that the kernel may drop; None without a limit."""
    try:
        allowed = (folder / limit).read_text(encoding="ascii").strip()
        if not allowed.isdigit():  # `max`
            return None
        taken = int((folder / used).read_text(encoding="ascii"))
        pairs = (line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
        droppable = next((int(value) for key, value in pairs if key == cache), 0)
    except OSError:  # another version, another mount, or the root, which has no limit
        return None
    return max(int(allowed) - taken + droppable, 0)


def show_bytes(count: int) -> str:
    """Write a number of bytes, cut to whole units: `22 GiB`, `612 MiB`, `1,024 bytes`; exact at any size."""
    for power, unit, least in ((30, "GiB", 10 << 30), (20, "MiB", 10 << 20)):
        if count >= least:
            return f"{count >> power:,} {unit}"
    return f"{count:,} bytes"
