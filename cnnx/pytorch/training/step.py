"""One step of training: forward, backward from a fixed gradient of the outputs, and the change of the weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.utils._pytree import tree_leaves

from cnnx.analysis.memory.training import Optimizer
from cnnx.errors import UsageError

MOMENTUM = 0.9


def make_optimizer(module: nn.Module, optimizer: Optimizer) -> torch.optim.Optimizer:
    """Make torch's optimizer for a module's weights, which changes one after the other (`foreach=False`).

    Its learning rate is 0: it does all its work, and the weights stay. Raises `UsageError` where there are no weights.
    """
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    if not weights:
        raise UsageError("there are no weights to train")
    if optimizer is Optimizer.ADAM:
        return Adam(weights, lr=0.0, foreach=False)
    momentum = MOMENTUM if optimizer is Optimizer.MOMENTUM else 0.0
    return SGD(weights, lr=0.0, momentum=momentum, foreach=False)


def state_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Give all tensors that an optimizer keeps between steps."""
    return [value for state in optimizer.state.values() for value in state.values() if isinstance(value, Tensor)]


class Step:
    """The step of a module on given inputs; it begins without gradients of weights.

    Every output that has a gradient is given one of ones. What a step made stays until the next begins, as in a loop
    of training, or until it is dropped.
    """

    def __init__(self, module: nn.Module, inputs: Sequence[Tensor], optimizer: torch.optim.Optimizer) -> None:
        self._module = module
        self._inputs = inputs
        self._optimizer = optimizer
        self._outputs: list[Tensor] = []
        self._gradients: list[Tensor] = []

    def drop(self) -> None:
        """Let the outputs go, their gradients, and those of the weights."""
        self._outputs, self._gradients = [], []
        self._optimizer.zero_grad(set_to_none=True)

    def forward(self) -> None:
        """Run the module."""
        leaves = tree_leaves(self._module(*self._inputs))
        self._outputs = [leaf for leaf in leaves if isinstance(leaf, Tensor)]

    def backward(self) -> None:
        """Give every output that has a gradient one of ones, and run backward."""
        reached = [output for output in self._outputs if output.requires_grad]
        self._gradients = self._gradients or [torch.ones_like(output) for output in reached]
        if reached:
            torch.autograd.backward(reached, self._gradients)

    def update(self) -> None:
        """Change the weights."""
        self._optimizer.step()

    def whole(self) -> None:
        """Run one step after the other."""
        self.drop()
        self.forward()
        self.backward()
        self.update()

    def clocked(self, clock: Callable[[], Any]) -> tuple[None, list[Any]]:
        """Run a step with the output gradients of the last; read a clock at its start and after each of its parts."""
        self._optimizer.zero_grad(set_to_none=True)
        readings = [clock()]
        for part in (self.forward, self.backward, self.update):
            part()
            readings.append(clock())
        return None, readings
