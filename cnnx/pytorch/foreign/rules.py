"""The table of operators: for each that torch dispatches, its category and its cost.

Names are torch's own, those of the `aten` library without its prefix and, for what writes over its input (`relu_`),
without the underscore at the end. What stands in no row is unknown, and is told; it is never counted as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cnnx.graph.operation import Category
from cnnx.pytorch.foreign import costs
from cnnx.pytorch.foreign.costs import Count


@dataclass(frozen=True, slots=True)
class Rule:
    """How an operator is counted: what kind of work it does, what a call costs, and whether it moves any data."""

    category: Category
    count: Count
    moves: bool = True  # a view reads and writes nothing
    makes: bool = False  # it makes a tensor from nothing, on the device that it is told
    reads: int | None = None  # so many of its first arguments; batch norm's statistics, as buffers, do not count
    picks: bool = False  # of its first argument, it reads as many elements as it gives


Kinds = Mapping[str, Count]  # by the operators' names, with blanks between them

_PRODUCTS: Mapping[str, tuple[Category, Count]] = {
    "convolution _convolution convolution_overrideable cudnn_convolution mkldnn_convolution _slow_conv2d_forward": (
        Category.CONV,
        costs.convolution,
    ),
    "mm mv": (Category.LINEAR, costs.product),
    "addmm addmv _addmm_activation": (Category.LINEAR, costs.product_and_sum),
    "_trilinear": (Category.LINEAR, costs.bilinear),
    "bmm": (Category.MATMUL, costs.product),
    "baddbmm": (Category.MATMUL, costs.product_and_sum),
    "dot vdot": (Category.MATMUL, costs.dot),
    """_scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_for_cpu
    _scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention
    _scaled_dot_product_fused_attention_overrideable""": (Category.MATMUL, costs.attention),
}

_BATCH_NORMS: Kinds = {
    "native_batch_norm _native_batch_norm_legit": costs.norm_by_batch,
    "_native_batch_norm_legit_no_training": costs.each_output(2),
}

_NORMS: Kinds = {
    "native_group_norm": costs.group_norm,
    "native_layer_norm": costs.layer_norm,
    "_fused_rms_norm": costs.rms_norm,
    "_weight_norm_interface": costs.each_output(4),  # square, sum; factor, quotient
}

_ACTIVATIONS: Kinds = {
    """relu relu6 hardtanh leaky_relu rrelu_with_noise threshold _prelu_kernel elu celu sigmoid hardsigmoid tanh
    hardswish silu gelu mish softplus log_sigmoid_forward softshrink hardshrink""": costs.each_output(1),
    "glu": costs.each_output(2),  # a sigmoid and a product
    "_softmax _log_softmax _safe_softmax": costs.each_output(3),
}

_POOLS: Kinds = {
    "max_pool1d max_pool1d_with_indices avg_pool1d": costs.pooling(1),
    "max_pool2d max_pool2d_with_indices mkldnn_max_pool2d avg_pool2d": costs.pooling(2),
    "max_pool3d max_pool3d_with_indices mkldnn_max_pool3d avg_pool3d": costs.pooling(3),
    """_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d adaptive_max_pool2d adaptive_max_pool3d
    mkldnn_adaptive_avg_pool2d""": costs.each_input(1),
}

_ELEMENTWISE: Kinds = {
    """add sub rsub mul div pow square neg abs reciprocal sqrt rsqrt exp exp2 expm1 log log2 log10 log1p
    sin cos tan asin acos atan atan2 sinh cosh asinh acosh atanh erf erfc erfinv floor ceil round trunc frac sign sgn
    fmod remainder floor_divide maximum minimum fmax fmin clamp clamp_min clamp_max hypot logaddexp xlogy sinc
    special_entr logit polar cumsum cumprod cummax cummin""": costs.each_output(1),
    "addcmul addcdiv": costs.each_output(2),
    "lerp": costs.each_output(3),
    "eq ne lt le gt ge": costs.compared,
    "sum nansum mean prod amax amin max min aminmax argmax argmin": costs.each_input(1),
    "logsumexp": costs.each_input(3),
    "linalg_vector_norm norm": costs.each_input(2),  # a power and a sum
    "var std var_mean std_mean": costs.each_input(4),  # the sum for the mean; difference, square, sum
    "upsample_linear1d": costs.each_output(3),
    "upsample_bilinear2d": costs.each_output(7),
    "upsample_trilinear3d": costs.each_output(15),
    "upsample_bicubic2d": costs.each_output(31),  # 16 products, 15 sums
    "grid_sampler_2d grid_sampler_3d": costs.sampling,
    "scatter_add index_add col2im": costs.each_output(1),
    "_embedding_bag _embedding_bag_forward_only": costs.bag_of_embeddings,
    """upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d
    _upsample_nearest_exact3d""": costs.free,
}

# They move elements, choose among them, order them or count them, and do no arithmetic with them.
_LAYOUT = """
    clone copy contiguous _to_copy cat stack constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d
    replication_pad1d replication_pad2d replication_pad3d channel_shuffle native_channel_shuffle pixel_shuffle
    pixel_unshuffle roll flip rot90 repeat repeat_interleave scatter index_put index_copy index_fill where
    masked_fill masked_select masked_scatter tril triu sort topk argsort kthvalue median mode nonzero
    unique_consecutive _unique2 isin searchsorted bucketize im2col max_unpool2d max_unpool3d _pack_padded_sequence
    fill zero copysign nan_to_num logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor
    bitwise_not __and__ __or__ __xor__ __lshift__ __rshift__ bitwise_left_shift bitwise_right_shift any all isnan
    isinf isfinite signbit bernoulli uniform normal random exponential native_dropout empty_like zeros_like
    ones_like full_like rand_like randn_like randint_like new_empty new_zeros new_ones new_full new_empty_strided
    lift_fresh_copy resize set diag_embed tril_indices triu_indices
"""

_PICKS = "embedding index _unsafe_index index_select gather take take_along_dim"

_NEW = """
    empty empty_strided zeros ones full arange linspace logspace eye rand randn randint randperm scalar_tensor
    hann_window hamming_window
"""

# They give no tensor.
_QUERIES = """
    _local_scalar_dense _assert_async _assert_tensor_metadata is_same_size equal
    profiler::_record_function_enter_new profiler::_record_function_exit
"""

_VIEWS = """
    view _unsafe_view _reshape_alias reshape view_as alias detach t transpose permute expand slice select unsqueeze
    squeeze split split_with_sizes unsafe_split unsafe_split_with_sizes unsafe_chunk chunk unbind as_strided
    diagonal unfold movedim swapaxes swapdims narrow lift lift_fresh view_as_real view_as_complex real imag conj
    _conj _neg_view
"""


def _rows() -> Iterator[tuple[str, Rule]]:
    for names, (category, count) in _PRODUCTS.items():
        yield names, Rule(category, count)
    for names, count in _BATCH_NORMS.items():
        yield names, Rule(Category.NORM, count, reads=3)
    tables = {
        Category.NORM: _NORMS,
        Category.ACTIVATION: _ACTIVATIONS,
        Category.POOL: _POOLS,
        Category.ELEMENTWISE: _ELEMENTWISE,
    }
    for category, table in tables.items():
        for names, count in table.items():
            yield names, Rule(category, count)
    yield _LAYOUT, Rule(Category.LAYOUT, costs.free)
    yield _PICKS, Rule(Category.LAYOUT, costs.free, picks=True)
    yield _NEW, Rule(Category.LAYOUT, costs.free, makes=True)
    yield _VIEWS + _QUERIES, Rule(Category.LAYOUT, costs.free, moves=False)


RULES: Mapping[str, Rule] = {name: rule for names, rule in _rows() for name in names.split()}


def find_rule(operator: str) -> Rule | None:
    """Give the rule of an operator by torch's name for it, `aten::relu_`; None for one that is unknown."""
    name = operator.removeprefix("aten::")
    return RULES.get(name) or (RULES.get(name[:-1]) if name.endswith("_") else None)


# A mean over all that lies behind the channels of a map is a global average pooling, however it is written.
SPATIAL_MEAN = Rule(Category.POOL, costs.each_input(1))
