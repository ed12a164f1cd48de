"""Shape, weight and cost rules of the operations, with their arithmetic."""

from __future__ import annotations

import pytest

from cnnx.graph import convolution, joins, layout, pointwise, pooling
from cnnx.graph.operation import UNEVEN, Operation, Shape, Storage, Window, elements

MAP = (16, 9, 8)

ROWS: list[tuple[Operation, tuple[Shape, ...], Shape, int, int, int]] = [
    # operation, inputs, output, weights, MACs, FLOPs beyond 2·MACs
    (convolution.Conv(16, 8, (3, 3), padding=(1, 1)), (MAP,), (8, 9, 8), 16 * 8 * 3 * 3, 16 * 8 * 3 * 3 * 9 * 8, 0),
    (convolution.Conv(16, 8, (3, 1), bias=True), (MAP,), (8, 7, 8), 16 * 8 * 3 + 8, 16 * 8 * 3 * 7 * 8, 8 * 7 * 8),
    # ⌊(9 + 2·1 − 2·(3 − 1) − 1)/2⌋ + 1 = 4, ⌊(8 + 2·0 − 2·(3 − 1) − 1)/3⌋ + 1 = 2
    (
        convolution.Conv(16, 32, (3, 3), (2, 3), (1, 0), (2, 2), 4),
        (MAP,),
        (32, 4, 2),
        4 * 32 * 9,
        4 * 32 * 9 * 4 * 2,
        0,
    ),
    (convolution.Conv(16, 16, (3, 3), padding=(1, 1), groups=16), (MAP,), MAP, 16 * 9, 16 * 9 * 9 * 8, 0),
    # 7 for each of the 9·16 samples at every position, 8 if modulated
    (
        convolution.DeformConv(16, 8, (3, 3), padding=(1, 1)),
        (MAP, (18, 9, 8)),
        (8, 9, 8),
        16 * 8 * 9,
        16 * 8 * 9 * 72,
        7 * 9 * 16 * 72,
    ),
    (
        convolution.DeformConv(16, 8, (1, 1), bias=True, modulated=True),
        (MAP, (2, 9, 8), (1, 9, 8)),
        (8, 9, 8),
        16 * 8 + 8,
        16 * 8 * 72,
        8 * 16 * 72 + 8 * 72,
    ),
    (convolution.Linear(10, 4), ((10,),), (4,), 10 * 4 + 4, 10 * 4, 4),
    (convolution.Linear(10, 4, bias=False), ((10,),), (4,), 10 * 4, 10 * 4, 0),
    (pointwise.BatchNorm(16), (MAP,), MAP, 2 * 16, 0, 2 * 16 * 9 * 8),
    (pointwise.BatchNorm(5), ((5,),), (5,), 2 * 5, 0, 2 * 5),
    (pointwise.Relu(), (MAP,), MAP, 0, 0, 16 * 9 * 8),
    (pointwise.HardSwish(), (MAP,), MAP, 0, 0, 16 * 9 * 8),
    (pointwise.Softmax(), ((10,),), (10,), 0, 0, 3 * 10),
    (pointwise.Scale(0.17), (MAP,), MAP, 0, 0, 16 * 9 * 8),
    (pointwise.Dropout(), (MAP,), MAP, 0, 0, 0),
    (pointwise.Identity(), (MAP,), MAP, 0, 0, 0),
    (pooling.MaxPool((3, 2), (2, 2)), (MAP,), (16, 4, 4), 0, 0, 3 * 2 * 16 * 4 * 4),
    # room 9 − 2 = 7 in steps of 2: up to ⌈3.5⌉ + 1 = 5, and the fifth window begins at 8, inside
    (pooling.MaxPool((2, 2), (2, 2), ceil=True), (MAP,), (16, 5, 4), 0, 0, 2 * 2 * 16 * 5 * 4),
    (pooling.AvgPool((3, 3), (1, 1), (1, 1)), (MAP,), MAP, 0, 0, 3 * 3 * 16 * 9 * 8),
    (pooling.AdaptiveAvgPool((3, 2)), (MAP,), (16, 3, 2), 0, 0, 16 * 9 * 8),
    (pooling.GlobalAvgPool(), (MAP,), (16, 1, 1), 0, 0, 16 * 9 * 8),
    # 5 squares, 4 sums; a factor, an offset, a power and a quotient: 2·5 + 3
    (pointwise.Lrn(5), (MAP,), MAP, 0, 0, (5 + 4 + 4) * 16 * 9 * 8),
    (pooling.Resize((18, 4)), (MAP,), (16, 18, 4), 0, 0, 7 * 16 * 18 * 4),
    (pooling.Resize((3, 4), "nearest"), (MAP,), (16, 3, 4), 0, 0, 0),
    (layout.Flatten(), (MAP,), (16 * 9 * 8,), 0, 0, 0),
    (layout.Slice(4, 10), (MAP,), (6, 9, 8), 0, 0, 0),
    (layout.Pad((1, 2, 0, 3)), (MAP,), (16, 1 + 9 + 2, 0 + 8 + 3), 0, 0, 0),
    (layout.Crop((1, 2, 0, 3)), (MAP,), (16, 9 - 1 - 2, 8 - 0 - 3), 0, 0, 0),
    (layout.ChannelShuffle(4), (MAP,), MAP, 0, 0, 0),
    (joins.Add(), (MAP, MAP, MAP), MAP, 0, 0, 2 * 16 * 9 * 8),
    (joins.Multiply(), ((16, 1, 1), MAP, (16,)), MAP, 0, 0, 2 * 16 * 9 * 8),
    (joins.Warp(), (MAP, (32, 9, 8)), MAP, 0, 0, 7 * 16 * 9 * 8),
    (joins.Concat(), (MAP, (3, 9, 8)), (16 + 3, 9, 8), 0, 0, 0),
]


@pytest.mark.parametrize(
    ("op", "inputs", "output", "weights", "macs", "other"), ROWS, ids=[repr(row[0]) for row in ROWS]
)
def test_rules(op: Operation, inputs: tuple[Shape, ...], output: Shape, weights: int, macs: int, other: int) -> None:
    assert op.shape(*inputs) == output
    assert sum(map(elements, op.weights().values())) == weights
    assert op.macs(output) == macs
    assert op.other_flops(inputs, output) == other
    assert weights or not (macs or op.buffers())  # nothing more is asked of a node without weights


def _operations() -> set[type[Operation]]:
    found = [value for module in (convolution, joins, layout, pointwise, pooling) for value in vars(module).values()]
    return {value for value in found if isinstance(value, type) and issubclass(value, Operation) and value.word}


def test_every_operation_has_a_row_or_shares_its_base_s_rule() -> None:
    shared = {kind for kind in _operations() if kind.other_flops is pointwise.Activation.other_flops}
    assert _operations() - shared <= {type(row[0]) for row in ROWS}


def test_words_are_different() -> None:
    words = [kind.word for kind in _operations()]
    assert len(words) == len(set(words))


def test_running_statistics_are_buffers() -> None:
    assert pointwise.BatchNorm(16).buffers() == {"running_mean": (16,), "running_var": (16,)}


def test_views_alias_and_what_writes_over_its_input_is_in_place() -> None:
    by_storage = {storage: {kind.word for kind in _operations() if kind.storage is storage} for storage in Storage}
    assert by_storage[Storage.ALIAS] == {"dropout", "identity", "flatten", "slice", "crop"}
    assert by_storage[Storage.IN_PLACE] == {"relu", "relu6", "leaky_relu", "hardsigmoid", "hardswish", "silu"}


def test_counts_are_exact_at_any_size() -> None:
    huge = convolution.Conv(10**15, 10**15, (3, 3), padding=(1, 1))
    assert huge.macs((10**15, 10**6, 10**6)) == 9 * 10**15 * 10**15 * 10**6 * 10**6


def test_windows() -> None:
    assert convolution.Conv(1, 1, (3, 5), (2, 1), (1, 0), (2, 1)).windows(MAP) == (Window(5, 2, 1), Window(5, 1, 0))
    assert pooling.AdaptiveAvgPool((3, 4)).windows(MAP) == (Window(3, 3), Window(2, 2))
    assert pooling.AdaptiveAvgPool((2, 4)).windows(MAP) is UNEVEN  # 9 is no multiple of 2: windows of two sizes
    assert layout.Pad((1, 2, 0, 3)).windows(MAP) == (Window(1, 1, 1), Window(1, 1, 0))
    assert layout.Crop((1, 2, 0, 3)).windows(MAP) == (Window(1, 1, -1), Window(1, 1, 0))
    # half-pixel centres: one of three positions, or between the two middle ones of four
    assert pooling.Resize((3, 2)).windows(MAP) == (Window(1, 3, -1), Window(2, 4, -1))
    assert pooling.Resize((18, 8)).windows(MAP) is UNEVEN
    assert pooling.GlobalAvgPool().windows(MAP) is None
