"""Bilinear sampling at learnt places: deformable convolution and warping, by PyTorch's own `grid_sample`.

A place outside the map reads zeros, corner by corner. With zero offsets both are what they are without them, to
rounding. Intermediate results are dropped as early as can be: the memory figures count on it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class DeformConv2d(nn.Conv2d):
    """A convolution that reads its map at offsets: a tap of the kernel becomes a pixel of a larger, sampled map.

    `forward(map, offsets, mask)`: (N, C, H, W), (N, 2·k_h·k_w, H', W') with a move down and a move to the right for
    each tap, and (N, k_h·k_w, H', W') or nothing. Source: arXiv:1703.06211, 1811.11168.
    """

    def forward(self, source: Tensor, offsets: Tensor, mask: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """Sample, weigh by the mask, and convolve tile by tile."""
        samples = functional.grid_sample(source, self._places(source, offsets), align_corners=False)
        if mask is not None:
            samples = samples * _tiled(mask, self.kernel_size[0], self.kernel_size[1], 1).squeeze(-1).unsqueeze(1)
        return functional.conv2d(samples, self.weight, self.bias, stride=self.kernel_size, groups=self.groups)

    def _places(self, source: Tensor, offsets: Tensor) -> Tensor:
        """Give where every tap of every output position looks: (N, H'·k_h, W'·k_w, 2), x before y, from −1 to 1."""
        places = _tiled(_flipped(offsets), self.kernel_size[0], self.kernel_size[1], 2)
        rows, columns = (self._grid(axis, offsets.shape[axis + 2], offsets) for axis in (0, 1))
        return _normalised(places, rows, columns, source)

    def _grid(self, axis: int, count: int, like: Tensor) -> Tensor:
        """Give the positions that the taps of `count` outputs would see without offsets, along one axis."""
        outputs = torch.arange(count, device=like.device, dtype=like.dtype) * self.stride[axis]
        taps = torch.arange(self.kernel_size[axis], device=like.device, dtype=like.dtype) * self.dilation[axis]
        padding = self.padding[axis]
        assert isinstance(padding, int)  # the padding is always built in numbers
        return (outputs[:, None] + taps - padding).flatten()


def warp(source: Tensor, offsets: Tensor) -> Tensor:
    """Read every element of (N, C, H, W) at its own offset: (N, 2·C, H, W), a move down and one to the right."""
    batch, channels, height, width = source.shape
    maps = source.reshape(batch * channels, 1, height, width)
    sampled = functional.grid_sample(maps, _own_places(source, offsets), align_corners=False)
    return sampled.view(batch, channels, height, width)


def _own_places(source: Tensor, offsets: Tensor) -> Tensor:
    """Give where every element looks: (N·C, H, W, 2), x before y, from −1 to 1."""
    batch, channels, height, width = source.shape
    moves = _flipped(offsets).view(batch * channels, 2, height, width).permute(0, 2, 3, 1)
    rows = torch.arange(height, device=source.device, dtype=source.dtype)
    columns = torch.arange(width, device=source.device, dtype=source.dtype)
    return _normalised(moves, rows, columns, source)


def _flipped(offsets: Tensor) -> Tensor:
    """Put the moves to the right before the moves down, as `grid_sample` wants them."""
    batch, channels, height, width = offsets.shape
    return offsets.view(batch, channels // 2, 2, height, width).flip(2).view(offsets.shape)


def _tiled(values: Tensor, height: int, width: int, size: int) -> Tensor:
    """(N, height·width·size, H, W) → (N, H·height, W·width, size): each position's taps as a tile."""
    batch, _, rows, columns = values.shape
    tiles = values.view(batch, height, width, size, rows, columns).permute(0, 4, 1, 5, 2, 3)
    return tiles.reshape(batch, rows * height, columns * width, size)


def _normalised(moves: Tensor, rows: Tensor, columns: Tensor, source: Tensor) -> Tensor:
    """Turn moves into places, written over them: pixel p of n lies at (2·p + 1)/n − 1."""
    height, width = source.shape[2:]
    moves[..., 0].add_(columns).mul_(2).add_(1).div_(width).sub_(1)
    moves[..., 1].add_(rows[:, None]).mul_(2).add_(1).div_(height).sub_(1)
    return moves
