"""What the tests of built modules share: specs, how outputs are compared, and what is seen to live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cnnx.pytorch.measuring_state import evaluation
from cnnx.pytorch.storage_watch import StorageWatch

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


def observed_peak(module: nn.Module, inputs: Sequence[Tensor]) -> int:
    """Run a module once at inference, on CPU; give the most activation bytes that lived at once.

    `no_grad`, not `inference_mode`, which would hide the positions that max pooling writes.
    """
    watch = StorageWatch(module, inputs)
    with evaluation([module]), torch.no_grad(), watch:
        module(*inputs)
    return watch.peak
