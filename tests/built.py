"""What the tests of built modules share: specs, and how outputs are compared."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

RESIDUAL = """
input: [16, 6, 6]
layers:
  - add:
      main:
        - conv: {out: 4, kernel: 1, norm: batchnorm, act: relu}
        - conv: {out: 4, kernel: 3, norm: batchnorm, act: relu}
        - conv: {out: 16, kernel: 1, norm: batchnorm}
      shortcut: []
  - relu
"""
SE = """
input: [16, 6, 6]
layers:
  - multiply:
      - []
      - [global_avgpool, flatten, {linear: {out: 4, act: relu}}, {linear: {out: 16}}, sigmoid]
"""
# Views, joins, in-place activations, two inputs and two outputs.
MIXED = """
input: {x: [4, 6, 6], skip: [4, 6, 6]}
outputs: [low, high]
layers:
  - {add: null, from: [x, skip]}
  - conv: {out: 8, kernel: 3, norm: batchnorm, act: hardswish}
  - {channel_shuffle: {groups: 2}, name: shuffled}
  - {slice: {start: 0, end: 4}, name: low}
  - {slice: {start: 4, end: 8}, from: shuffled}
  - scale: {factor: 0.5}
  - pad: {sides: [0, 1, 2, 3]}
  - crop: {sides: [0, 1, 2, 0]}
  - relu
  - concat: {a: [{conv: {out: 2, kernel: 1}}, relu6], b: [tanh]}
  - {name: high}
"""


def as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    """Give the outputs of a module as a tuple, whether it has one or several."""
    return outputs if isinstance(outputs, tuple) else (outputs,)


def assert_same(one: Any, other: Any) -> None:
    """Assert that two modules gave the same, to rounding."""
    for left, right in zip(as_tuple(one), as_tuple(other), strict=True):
        torch.testing.assert_close(left, right)
