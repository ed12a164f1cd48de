"""The multiply–adds of a backward pass, counted at torch's dispatcher: of what is really asked for, with the groups.

It knows nothing of the static rules and looks at no module. torch's own FlopCounterMode forgets the groups (2.13,
`conv_backward_flop`): for a depthwise convolution it counts the gradient of the weights as many times as there are
channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_aten = torch.ops.aten
# Gradients of linear layers and of matrix products are products themselves: the first factors of each.
_PRODUCTS: Mapping[Callable[..., Any], int] = {
    _aten.mm.default: 0,
    _aten.bmm.default: 0,
    _aten.addmm.default: 1,
    _aten.baddbmm.default: 1,
}


class BackwardCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's mode is untyped
    """Counts the multiply–adds of convolutions' backward and of matrix products while it is entered, in `macs`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's mode is untyped
        self.macs = 0

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if func is _aten.convolution_backward.default:
            self.macs += _convolution(args)
        elif func in _PRODUCTS:
            self.macs += int(output.numel() * args[_PRODUCTS[func]].shape[-1])
        return output


def _convolution(args: Sequence[Any]) -> int:
    """Count as many as in the forward for each gradient that is asked for, input and weight.

    The arguments are the gradient, the input, the weight (C_out, C_in/g, k_h, k_w), the sizes of the bias, stride,
    padding, dilation, whether it is transposed, …, and at last which of the three gradients are wanted.
    """
    gradient, source, weight, transposed, wanted = args[0], args[1], args[2], args[7], args[-1]
    places = source if transposed else gradient
    return int(places.numel() * prod(weight.shape[1:]) * sum(wanted[:2]))


def count_backward_macs(module: nn.Module, inputs: Sequence[Tensor]) -> int:
    """Run a module as it stands, then its backward pass, and give that one's multiply–adds for the whole batch.

    Works on the meta device. Gradients of the weights are as before. Raises what torch raises.
    """
    leaves = tree_leaves(module(*inputs))
    reached = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.requires_grad]
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    if not reached or not weights:
        return 0
    counter = BackwardCounter()
    with counter:
        torch.autograd.grad(reached, weights, [torch.ones_like(each) for each in reached], allow_unused=True)
    return counter.macs
