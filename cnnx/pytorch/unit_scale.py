"""Activations of a size at which a processor computes at its usual speed.

torch's usual initialisation shrinks the activations to some 0.4 of their size in every convolution with a ReLU;
batch normalisation that has seen no data does not restore them. After about a hundred layers they are denormal
numbers (below 1.2e-38 in float32), with which a CPU computes many times slower than a trained network would.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cnnx.pytorch.measuring_state import evaluation


def scale_activations(module: nn.Module, inputs: Sequence[Tensor]) -> None:
    """Divide the weights of every layer, once, so that what leaves it has a root mean square of 1 on these inputs.

    The layers are those with a weight of two axes or more: convolutions and linear layers. The idea is the second
    half of LSUV (D. Mishkin, J. Matas, "All you need is a good init", arXiv:1511.06422).
    """
    layers = [layer for layer in module.modules() if _weight_axes(layer) >= 2]
    handles = [layer.register_forward_hook(_rescale) for layer in layers]
    try:
        with evaluation([module]), torch.no_grad():
            module(*inputs)
    finally:
        for handle in handles:
            handle.remove()


def _weight_axes(layer: nn.Module) -> int:
    weight = layer._parameters.get("weight")
    return 0 if weight is None else weight.dim()


def _rescale(layer: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    dtype = torch.promote_types(output.dtype, torch.float32)  # squares of float16 overflow soon
    size = torch.linalg.vector_norm(output, dtype=dtype) / output.numel() ** 0.5
    if not torch.isfinite(size) or size == 0:
        return output
    for parameter in layer.parameters(recurse=False):
        parameter.div_(size)
    return output.div_(size)


def vanishes(output: object) -> bool:
    """Tell whether a result has shrunk to nothing: it has zeros only, or denormal numbers for the most part.

    `output` is what a module gave: a tensor, or a tuple or list of them; of anything else, nothing is said.
    """
    tensors = output if isinstance(output, (tuple, list)) else [output]
    return any(_vanishing(tensor) for tensor in tensors if isinstance(tensor, Tensor) and tensor.is_floating_point())


def _vanishing(tensor: Tensor) -> bool:
    sizes = tensor.abs()
    denormal = (sizes > 0) & (sizes < torch.finfo(tensor.dtype).tiny)
    # A few may be there by chance, above all in float16.
    return bool(2 * denormal.sum() >= (sizes > 0).sum())
