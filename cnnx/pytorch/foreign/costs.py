"""What a dispatched operator costs: its multiply–adds and its other FLOPs, from the tensors it was given and gave.

The convention is cnnx's own (`cnnx.analysis.figures`), so that a network costs the same whether its graph is counted
or its operators are. Where the static rules have no word, the number of arithmetic operations an element is stated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from torch import Tensor


class Cost(NamedTuple):
    """What one call of an operator costs: multiply–adds, and FLOPs beyond the two of each."""

    macs: int = 0
    other_flops: int = 0


# The operator's arguments by position, those by keyword, and what it gave.
Arguments = Sequence[Any]
Keywords = Mapping[str, Any]
Count = Callable[[Arguments, Keywords, Any], Cost]

NO_COST = Cost()


def free(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """Nothing: what chooses, moves or makes elements does no arithmetic with them."""
    return NO_COST


def given(args: Arguments, kwargs: Keywords, position: int, name: str, default: Any = None) -> Any:
    """Give an argument that may stand at a position, under its name, or not at all."""
    return args[position] if len(args) > position else kwargs.get(name, default)


def first(out: Any) -> Tensor:
    """Give the tensor that an operator is called for: its output, or the first of several."""
    tensor: Tensor = out if isinstance(out, Tensor) else out[0]
    return tensor


def convolution(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """k·(C_in/g)·C_out a position of the output; transposed, k·C_in·(C_out/g) a position of the input; and the bias.

    Weights are (C_out, C_in/g, k…), transposed (C_in, C_out/g, k…).
    """
    source, weight, bias = args[:3]
    transposed = bool(given(args, kwargs, 6, "transposed", False))
    scattered = source if transposed else out
    return Cost(scattered.numel() * (weight.numel() // weight.shape[0]), 0 if bias is None else out.numel())


def product(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """(…, n, k) × (…, k, m): k a result."""
    return Cost(out.numel() * args[0].shape[-1])


def product_and_sum(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """A sum with a first argument, such as a bias, and (…, n, k) × (…, k, m): k a result and 1 for the sum."""
    return Cost(out.numel() * args[1].shape[-1], out.numel())


def bilinear(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """x₁·A·x₂ of each result, with A of (n, m) among (out, n, m): n·m for A·x₂ and n for the product with x₁."""
    _, rows, columns = args[1].shape
    return Cost(out.numel() * (rows * columns + rows))


def dot(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """(k,) · (k,): k."""
    return Cost(args[0].numel())


def attention(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """Scaled dot-product attention in one operator, counted as torch computes it in several.

    (B, H, S, D), (B, H', T, D), (B, H', T, D'): S·T·(D + D') multiply–adds a head; the scaling of both factors, the
    softmax of S·T scores a head, 3 each, and 1 each where a bias is added. Masked scores are counted too.
    """
    query, key, value = args[:3]
    scores = prod(query.shape[:-1]) * key.shape[-2]
    biased = isinstance(given(args, kwargs, 3, "attn_bias", kwargs.get("attn_mask")), Tensor)
    other = query.numel() + key.numel() + (4 if biased else 3) * scores
    return Cost(scores * (query.shape[-1] + value.shape[-1]), other)


def each_output(times: int) -> Count:
    """So many FLOPs an output element, if it is a real or complex number; indices are not counted."""

    def count(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
        tensor = first(out)
        return Cost(0, times * tensor.numel()) if _is_counted(tensor) else NO_COST

    return count


def each_input(times: int) -> Count:
    """So many FLOPs an input element, if it is a real or complex number."""

    def count(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
        return Cost(0, times * args[0].numel()) if _is_counted(args[0]) else NO_COST

    return count


def compared(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """1 an output element, if real numbers are compared."""
    return Cost(0, out.numel()) if _is_counted(args[0]) else NO_COST


def _is_counted(tensor: Tensor) -> bool:
    return tensor.dtype.is_floating_point or tensor.dtype.is_complex


def norm_by_batch(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """2 an element with running statistics (a factor, an offset); else as a norm that takes its own."""
    own_statistics = next(argument for argument in args[3:] if isinstance(argument, bool))
    return _own_statistics(args[0], args[1], args[2]) if own_statistics else Cost(0, 2 * args[0].numel())


def group_norm(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """(input, weight, bias, …): as every norm that takes its own statistics."""
    return _own_statistics(args[0], given(args, kwargs, 1, "weight"), given(args, kwargs, 2, "bias"))


def layer_norm(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """(input, shape, weight, bias, …): the same."""
    return _own_statistics(args[0], given(args, kwargs, 2, "weight"), given(args, kwargs, 3, "bias"))


def rms_norm(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """3 an element (square, sum, division), and 1 for the weight."""
    return Cost(0, (3 if given(args, kwargs, 2, "weight") is None else 4) * args[0].numel())


def _own_statistics(source: Tensor, weight: Tensor | None, bias: Tensor | None) -> Cost:
    # The sum for the mean, the difference from it, its square, the sum of these, the division: 5; factor, offset.
    times = 5 + (weight is not None) + (bias is not None)
    return Cost(0, times * source.numel())


def pooling(axes: int) -> Count:
    """k_h·k_w an output element; a kernel of one number holds for all `axes`."""

    def count(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
        kernel = args[1]
        window = kernel[0] ** axes if len(kernel) == 1 else prod(kernel)
        return Cost(0, window * first(out).numel())

    return count


def sampling(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """Values read between others, (N, C, …) at places: as a resize by the same kind of interpolation."""
    by_kind = {0: 7, 1: 0, 2: 31} if args[0].dim() == 4 else {0: 15, 1: 0}
    return Cost(0, by_kind[args[2]] * out.numel())


def bag_of_embeddings(args: Arguments, kwargs: Keywords, out: Any) -> Cost:
    """1 an element of a row that is added up."""
    return Cost(0, args[1].numel() * args[0].shape[-1])
