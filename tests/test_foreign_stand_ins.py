"""What stands in for torch's own outputs on meta: shapes, strides and types against torch's, over a grid of cases."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from cnnx.pytorch.foreign.stand_ins import STAND_INS, find_stand_in

aten = torch.ops.aten


def made(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.zeros(shape, dtype=dtype)


MAP, LAST, HALF = made(2, 8, 9, 7), made(2, 8, 9, 7).to(memory_format=torch.channels_last), made(2, 8, 9, 7).bfloat16()
ROW, PART, WIDE = made(3, 8), made(2, 8, 9, 14)[..., :7], made(2, 8, 1, 7).expand(2, 8, 9, 7)
MAPS = (MAP, LAST, HALF, PART, WIDE, MAP.transpose(1, 3), ROW, made(), made(0, 8, 9, 7), MAP.long())

UNARY = (
    "relu sigmoid hardsigmoid tanh hardswish silu gelu mish softplus exp sqrt rsqrt neg elu celu leaky_relu hardtanh"
)
PAIRS = (
    *[(one, other) for one in MAPS for other in (2, 0.5, True)],
    (MAP, MAP), (MAP, made(2, 8, 1, 1)), (made(2, 8, 1, 1), MAP), (MAP, made(1, 8, 9, 1)), (MAP, made(7)), (MAP, HALF),
    (LAST, LAST), (LAST, made(2, 8, 1, 1)), (MAP, LAST), (MAP, made()), (ROW, made(1, 8)), (MAP.long(), MAP.long()),
)  # fmt: skip
CONVS: list[tuple[Any, ...]] = [
    (source, made(6, 8 // groups, *kernel).to(source.dtype), None, [stride], padding, [dilation], transposed, [0], groups)
    for source, kernel, stride, padding, dilation, groups, transposed in product(
        (MAP, LAST, HALF, MAP[0:1], MAP[0]), ((3, 3), (1, 2)), (1, 2), ([0], [1, 2]), (1, 2), (1, 2), (False, True)
    )
    if not (transposed and groups == 2)
]  # fmt: skip
CASES: dict[str, list[tuple[Any, ...]]] = {
    **{name: [(one,) for one in MAPS if name not in ("celu",) or one.dim()] for name in UNARY.split()},
    "threshold": [(one, 0.5, 0.0) for one in MAPS],
    "_softmax": [(one, axis, False) for one in MAPS[:6] for axis in (1, -1)],
    "_log_softmax": [(one, 1, False) for one in MAPS[:6]],
    "_safe_softmax": [(one, 1) for one in MAPS[:6]],
    "add": [(*pair,) for pair in PAIRS], "sub": [pair for pair in PAIRS if pair[1] is not True], "mul": [*PAIRS],
    "div": [*PAIRS], "pow": [pair for pair in PAIRS if pair[0].dtype != torch.int64],
    "convolution": CONVS,
    "max_pool2d_with_indices": [
        (one, [3], *rest) for one in (MAP, LAST, HALF, MAP[0]) for rest in ((), ([2],), ([2, 1], [1]), ([2], [1], [2]), ([2], [1], [1], True))
    ],
    "native_batch_norm": [
        (one, made(8), made(8), made(8), made(8), training, 0.1, 1e-5) for one in (MAP, LAST, ROW, PART) for training in (False, True)
    ],
    "native_layer_norm": [(one, [one.shape[-1]], None, None, 1e-5) for one in (MAP, ROW, LAST)] + [(MAP, [9, 7], None, None, 1e-5)],
    "mm": [(ROW, made(8, 5)), (ROW, made(5, 8).T), (made(8, 3).T, made(8, 5)), (ROW.bfloat16(), made(8, 5).bfloat16())],
    "addmm": [(made(5), ROW, made(8, 5)), (made(1), ROW, made(8, 5)), (made(3, 5), ROW, made(8, 5)), (made(3, 1), ROW, made(8, 5))],
    "mean": [(one, axes, *kept) for one in MAPS[:6] for axes in ([2, 3], [-1], [1, -2]) for kept in ((), (True,))] + [(MAP, []), (MAP,)],
    "cat": [([MAP, MAP], 1), ([MAP, made(2, 3, 9, 7)], 1), ([MAP, MAP], -1), ([LAST, LAST], 1), ([MAP, LAST], 1), ([MAP, HALF], 1),
            ([MAP],), ([MAP, made(0)], 1), ([made(4), made(3)], 0)],
}  # fmt: skip


def on_meta(value: Any) -> Any:
    if isinstance(value, Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    return [on_meta(each) for each in value] if isinstance(value, list) else value


def look(out: Any) -> list[tuple[Any, ...]]:
    tensors = [out] if isinstance(out, Tensor) else list(out)
    return [(tuple(each.shape), each.stride(), each.dtype) for each in tensors]


@pytest.mark.parametrize("name", CASES)
def test_stand_ins_look_as_torch_makes_them(name: str) -> None:
    operator, stand_in = getattr(aten, name), find_stand_in(f"aten::{name}")
    assert stand_in is not None
    told = 0
    for case in CASES[name]:
        args = [on_meta(value) for value in case]
        found = stand_in(args)
        if found is not None:
            told += 1
            looked = 1 if name == "native_batch_norm" and not case[5] else None  # statistics are empty, as on a CPU
            assert look(found)[:looked] == look(operator(*args))[:looked], [
                look(arg) for arg in args if isinstance(arg, Tensor)
            ]
    assert told > 0


def test_every_stand_in_is_tried() -> None:
    assert {name.removeprefix("aten::") for name in STAND_INS} == set(CASES)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("convolution", (MAP, made(6, 7, 3, 3), None, [1], [0], [1], False, [0], 1)),
        ("convolution", (MAP, made(6, 8, 10, 3), None, [1], [0], [1], False, [0], 1)),
        ("convolution", (MAP, made(6, 8, 3, 3).double(), None, [1], [0], [1], False, [0], 1)),
        ("mm", (ROW, made(7, 5))),
        ("addmm", (made(4), ROW, made(8, 5))),
        ("add", (MAP, made(2, 8, 4, 7))),
        ("native_batch_norm", (MAP, made(7), made(7), made(7), made(7), False, 0.1, 1e-5)),
        ("cat", ([MAP, made(2, 8, 4, 7)], 1)),
        ("max_pool2d_with_indices", (MAP, [30], [1])),
    ],
)
def test_what_torch_refuses_is_left_to_torch(name: str, args: tuple[Any, ...]) -> None:
    stand_in = find_stand_in(f"aten::{name}")
    assert stand_in is not None
    assert stand_in([on_meta(value) for value in args]) is None


def test_what_writes_over_its_input_gives_that() -> None:
    x, stand_in = on_meta(MAP), find_stand_in("aten::add_")
    assert stand_in is not None
    assert stand_in((x, 1)) is x
    assert stand_in((x, on_meta(made(2, 8, 4, 7)))) is None
