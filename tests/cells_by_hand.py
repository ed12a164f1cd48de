"""NASNet-A and AmoebaNet-A written out by hand, from the tables that their authors' code reads the cells from.

Sources: TF-slim, nets/nasnet/nasnet.py and nasnet_utils.py; TensorFlow's tpu models, official/amoeba_net/model_specs.py,
network_utils.py and model_builder.py. A cell names an operation and what it reads twice for each of its five sums; 0 is
the map before it, 1 the one before that, 2 and more are the sums. It names what of them it concatenates.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import relu

from tests.by_hand import ByHand, Size, both, mean, same

EPS = 1e-3


@dataclass(frozen=True)
class Cell:
    """The table of a cell."""

    operations: tuple[str, ...]
    reads: tuple[int, ...]
    concatenated: tuple[int, ...]
    stride: int


@dataclass(frozen=True)
class Search:
    """What a search found, and how its authors' code stacks it."""

    normal: Cell
    reduction: Cell
    head: float  # the width of the auxiliary head
    own_first: bool = False  # whether the stem's second cell runs what belongs to its input first, as timm does


NASNET = Search(
    normal=Cell(
        operations=("sep5", "sep3", "sep5", "sep3", "avg", "none", "avg", "avg", "sep3", "none"),
        reads=(0, 1, 1, 1, 0, 1, 1, 1, 0, 0),
        concatenated=(1, 2, 3, 4, 5, 6),
        stride=1,
    ),
    reduction=Cell(
        operations=("sep5", "sep7", "max", "sep7", "avg", "sep5", "none", "avg", "sep3", "max"),
        reads=(0, 1, 0, 1, 0, 1, 3, 2, 2, 0),
        concatenated=(3, 4, 5, 6),
        stride=2,
    ),
    head=1,
    own_first=True,
)
AMOEBANET = Search(
    normal=Cell(
        operations=("avg", "max", "sep3", "none", "none", "avg", "sep3", "sep5", "avg", "sep3"),
        reads=(0, 0, 1, 1, 0, 1, 0, 2, 5, 0),
        concatenated=(1, 3, 4, 6),
        stride=1,
    ),
    reduction=Cell(
        operations=("sep3", "avg", "max", "sep7", "max", "max", "sep3", "1x7_7x1", "avg", "sep7"),
        reads=(1, 0, 0, 2, 1, 0, 4, 0, 1, 0),
        concatenated=(2, 3, 4, 5, 6),
        stride=2,
    ),
    head=0.4,
)


def network(run: ByHand, x: Tensor, search: Search, filters: int, cells: int) -> list[Tensor]:
    """Run a network with its auxiliary head; `cells` normal cells stand in each of its three stacks."""
    x = _norm(run, run.conv(x, 32, 3, 2))
    seen = [x, run_cell(run, search.reduction, x, x, filters // 4, fit=False)]
    seen.append(run_cell(run, search.reduction, seen[1], seen[0], filters // 2, own_first=search.own_first))
    heads = []
    for number in range(3 * cells):
        width = filters * 2 ** (number // cells)
        if number in (cells, 2 * cells):
            seen.append(run_cell(run, search.reduction, seen[-1], seen[-2], width))
        seen.append(run_cell(run, search.normal, seen[-1], seen[-2], width))
        if number == 2 * cells - 1:
            heads.append(head(run, seen[-1], search.head))
    return [run.linear(mean(relu(seen[-1])), 1000), *heads]


def run_cell(
    run: ByHand, cell: Cell, x: Tensor, prev: Tensor, filters: int, fit: bool = True, own_first: bool = False
) -> Tensor:
    """Run a cell on a map and the one before it."""
    own = _norm(run, run.conv(relu(x), filters, 1)) if own_first else None
    prev = fitted(run, prev, x.shape[2], filters) if fit else prev
    maps = [_norm(run, run.conv(relu(x), filters, 1)) if own is None else own, prev]
    for left in range(0, len(cell.reads), 2):
        a, b = (
            operation(run, cell.operations[i], maps[cell.reads[i]], cell.stride if cell.reads[i] < 2 else 1, filters)
            for i in (left, left + 1)
        )
        maps.append(a + b)
    return torch.cat([maps[i] for i in cell.concatenated], 1)


def fitted(run: ByHand, prev: Tensor, size: int, filters: int) -> Tensor:
    """Bring the map before a cell's input to the size of that input and to the cell's width, if it differs."""
    if prev.shape[2] != size:
        prev = relu(prev)
        shifted = functional.pad(prev, (0, 1, 0, 1))[:, :, 1:, 1:]
        even = run.conv(prev[:, :, ::2, ::2], filters // 2, 1)
        odd = run.conv(shifted[:, :, ::2, ::2], filters - filters // 2, 1)
        return _norm(run, torch.cat([even, odd], 1))
    return _norm(run, run.conv(relu(prev), filters, 1)) if prev.shape[1] != filters else prev


def operation(run: ByHand, name: str, x: Tensor, stride: int, filters: int) -> Tensor:
    """Run an operation of a cell's table."""
    if name == "none":
        return x
    if name.startswith("sep"):
        for step in (stride, 1):
            x = _depthwise(run, relu(x), int(name[3:]), step)
            x = _norm(run, run.conv(x, filters, 1))
        return x
    if name == "1x7_7x1":
        x = _norm(run, run.conv(relu(x), filters // 4, 1))
        x = _norm(run, run.conv(same(relu(x), (1, 7), (1, stride)), filters // 4, (1, 7), (1, stride)))
        x = _norm(run, run.conv(same(relu(x), (7, 1), (stride, 1)), filters // 4, (7, 1), (stride, 1)))
        return _norm(run, run.conv(relu(x), filters, 1))
    x = maximum(x, 3, stride) if name == "max" else average(x, 3, stride)
    return x if x.shape[1] == filters else _norm(run, run.conv(x, filters, 1))


def head(run: ByHand, x: Tensor, scale: float) -> Tensor:
    """Run the auxiliary head."""
    x = functional.avg_pool2d(relu(x), 5, 3)
    x = relu(_norm(run, run.conv(x, int(128 * scale), 1)))
    kernel: Size = (x.shape[2], x.shape[3])
    return run.linear(relu(_norm(run, run.conv(x, int(768 * scale), kernel))), 1000)


def maximum(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Take the greatest value of each window, padded as TensorFlow's SAME."""
    return functional.max_pool2d(same(x, kernel, stride, -torch.inf), kernel, stride)


def average(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Take the mean of what each window has within the map, padded as TensorFlow's SAME."""
    values, present = (same(t, kernel, stride) for t in (x, torch.ones_like(x)))
    return functional.avg_pool2d(values, kernel, stride) / functional.avg_pool2d(present, kernel, stride)


def _norm(run: ByHand, x: Tensor) -> Tensor:
    return run.norm(x, EPS)


def _depthwise(run: ByHand, x: Tensor, kernel: int, stride: int) -> Tensor:
    return run.depthwise(same(x, kernel, stride), kernel, *both(stride)[:1])
