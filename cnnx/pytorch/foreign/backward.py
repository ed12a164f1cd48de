"""The arithmetic of a backward pass, counted at torch's dispatcher: of what is really asked for, with the groups.

It knows nothing of a graph's rules and looks at no module. torch's own FlopCounterMode forgets the groups (2.13,
`conv_backward_flop`): for a depthwise convolution it counts the gradient of the weights as many times as there are
channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cnnx.analysis.memory.training import Backward
from cnnx.pytorch.foreign.backward_rules import find_backward_count
from cnnx.pytorch.foreign.dispatch import Operator, name_of


class BackwardCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's mode is untyped
    """Counts while it is entered: multiply–adds, FLOPs beyond the two of each, and calls of `unknown` operators."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's mode is untyped
        self.macs = 0
        self.other_flops = 0
        self.unknown: dict[str, int] = {}

    def __torch_dispatch__(
        self, func: Operator, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        count = find_backward_count(name_of(func))
        if count is None:
            return self._in_parts(func, args, kwargs)
        output = func(*args, **kwargs)
        cost = count(args, kwargs, output)
        self.macs += cost.macs
        self.other_flops += cost.other_flops
        return output

    def _in_parts(self, func: Operator, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run an operator without a rule: in the parts that torch itself makes it of, if there are any."""
        decompose = getattr(func, "decompose", None)
        if decompose is not None:
            with self:
                output = decompose(*args, **kwargs)
            if output is not NotImplemented:
                return output
        name = name_of(func)
        self.unknown[name] = self.unknown.get(name, 0) + 1
        return func(*args, **kwargs)


def count_backward_pass(module: nn.Module, inputs: Sequence[Tensor]) -> Backward:
    """Run a module as it stands, then its backward pass, and give what that one costs for the whole batch.

    Works on the meta device. Gradients of the weights are as before. There are no FLOPs where an operator is unknown.
    Raises what torch raises.
    """
    leaves = tree_leaves(module(*inputs))
    reached = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.requires_grad]
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    if not reached or not weights:
        return Backward(0, 0, ())
    counter = BackwardCounter()
    with counter:
        torch.autograd.grad(reached, weights, [torch.ones_like(each) for each in reached], allow_unused=True)
    flops = None if counter.unknown else 2 * counter.macs + counter.other_flops
    return Backward(counter.macs, flops, (), tuple(sorted(counter.unknown)))
