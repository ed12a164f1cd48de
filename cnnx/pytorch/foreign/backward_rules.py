"""What the gradients of operators cost, from the operators that torch dispatches in a backward pass.

The convention is that of `cnnx.analysis.memory.training`: multiply–adds as in the forward pass for each gradient that
is asked for; of everything else as many FLOPs as in the forward pass for the gradients of inputs, and as many for those
of weights. A gradient that torch composes of other operators, as that of a product, costs what these cost.
Names and arguments: tools/autograd/derivatives.yaml, torch 2.13; the first argument is the gradient of the output.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from cnnx.pytorch.foreign import costs
from cnnx.pytorch.foreign.costs import Arguments, Cost, Count, Keywords, free
from cnnx.pytorch.foreign.rules import find_rule


def convolution(args: Arguments, kwargs: Keywords, out: object) -> Cost:
    """(gradient, input, weight, bias sizes, stride, padding, dilation, transposed, …, which of three are wanted).

    As many multiply–adds as in the forward, with the groups, for each of input and weight, (C_out, C_in/g, k…); the
    gradient of the bias is the sum over all that leaves.
    """
    gradient, source, weight, transposed, wanted = args[0], args[1], args[2], args[7], args[-1]
    places = source if transposed else gradient
    macs = places.numel() * prod(weight.shape[1:]) * sum(wanted[:2])
    return Cost(int(macs), gradient.numel() if wanted[2] else 0)


def each_gradient(times: int) -> Count:
    """So many FLOPs an element of the output's gradient."""
    return lambda args, kwargs, out: Cost(0, times * args[0].numel())


def each_input(args: Arguments, kwargs: Keywords, out: object) -> Cost:
    """(gradient, input, …): 1 an element of the input."""
    return Cost(0, args[1].numel())


def pooling(axes: int) -> Count:
    """(gradient, input, kernel, …): k_h·k_w an element of the output's gradient; one number holds for all `axes`."""

    def count(args: Arguments, kwargs: Keywords, out: object) -> Cost:
        kernel = args[2]
        return Cost(0, args[0].numel() * (kernel[0] ** axes if len(kernel) == 1 else prod(kernel)))

    return count


def sampling(args: Arguments, kwargs: Keywords, out: object) -> Cost:
    """(gradient, input, places, kind, …): as the samples of the forward."""
    return costs.sampling(args[1:4], {}, args[0])


def batch_norm(args: Arguments, kwargs: Keywords, out: object) -> Cost:
    """(gradient, input, weight, …, whether it took its own statistics, eps, which are wanted)."""
    own_statistics, weight = args[7], args[2]
    return _norm(args, _own_statistics(weight, weight) if own_statistics else 2)


def group_norm(args: Arguments, kwargs: Keywords, out: object) -> Cost:
    """(gradient, input, mean, deviation, weight, …, which are wanted)."""
    return _norm(args, _own_statistics(args[4], args[4]))


def layer_norm(args: Arguments, kwargs: Keywords, out: object) -> Cost:
    """(gradient, input, shape, mean, deviation, weight, bias, which are wanted)."""
    return _norm(args, _own_statistics(args[5], args[6]))


def rms_norm(args: Arguments, kwargs: Keywords, out: object) -> Cost:
    """(gradient, input, shape, deviation, weight, which are wanted)."""
    return _norm(args, 3 if args[4] is None else 4)


def _own_statistics(weight: object, bias: object) -> int:
    return 5 + (weight is not None) + (bias is not None)


def _norm(args: Arguments, times: int) -> Cost:
    """As in the forward, so many `times` an element, if the input's gradient is wanted, and if any weight's is."""
    wanted = args[-1]
    return Cost(0, times * args[1].numel() * (bool(wanted[0]) + any(wanted[1:])))


_COUNTS: Mapping[str, Count] = {
    "convolution_backward": convolution,
    "native_batch_norm_backward": batch_norm,
    "native_group_norm_backward": group_norm,
    "native_layer_norm_backward": layer_norm,
    "_fused_rms_norm_backward": rms_norm,
    "_weight_norm_interface_backward": each_gradient(4),
    """threshold_backward hardtanh_backward leaky_relu_backward rrelu_with_noise_backward elu_backward sigmoid_backward
    hardsigmoid_backward tanh_backward hardswish_backward silu_backward gelu_backward softplus_backward
    log_sigmoid_backward softshrink_backward hardshrink_backward logit_backward""": each_gradient(1),
    "_prelu_kernel_backward glu_backward": each_gradient(2),  # of input and slope; a sigmoid and a product
    "_softmax_backward_data _log_softmax_backward_data": each_gradient(3),
    "max_pool2d_with_indices_backward avg_pool2d_backward": pooling(2),
    "max_pool3d_with_indices_backward avg_pool3d_backward": pooling(3),
    """_adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward adaptive_max_pool2d_backward
    adaptive_max_pool3d_backward""": each_input,
    "upsample_linear1d_backward": each_gradient(3),
    "upsample_bilinear2d_backward": each_gradient(7),
    "upsample_trilinear3d_backward": each_gradient(15),
    "upsample_bicubic2d_backward": each_gradient(31),
    "grid_sampler_2d_backward grid_sampler_3d_backward": sampling,
    """slice_backward select_backward diagonal_backward unfold_backward embedding_dense_backward native_dropout_backward
    reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward replication_pad1d_backward
    replication_pad2d_backward replication_pad3d_backward upsample_nearest1d_backward upsample_nearest2d_backward
    upsample_nearest3d_backward _upsample_nearest_exact1d_backward _upsample_nearest_exact2d_backward
    _upsample_nearest_exact3d_backward _pack_padded_sequence_backward slice_scatter select_scatter as_strided_scatter
    _unsafe_index_put _index_put_impl _efficientzerotensor""": free,
}
_BY_NAME: Mapping[str, Count] = {name: count for names, count in _COUNTS.items() for name in names.split()}


def find_backward_count(operator: str) -> Count | None:
    """Give what counts an operator in a backward pass, by torch's name for it; None for one that is unknown."""
    own = _BY_NAME.get(operator.removeprefix("aten::").removesuffix("_"))
    if own is not None:
        return own
    rule = find_rule(operator)
    return None if rule is None else rule.count
