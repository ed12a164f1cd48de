"""Counting by fvcore, which traces a module and counts the operators of the trace.

Read in fvcore 0.1.5.post20221221, `fvcore/nn/jit_analysis.py` and `flop_count.py`: an operator without a handle
that is not among its ignored ones is "unsupported"; hooks are taken off only if the tracing went well; the modules
above each operator are found anew for each, so that the time grows faster than the number of nodes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cnnx.pytorch.counters.seen import Seen, innermost_layers

# Operators that fvcore does not know and that hold no multiply–add of a convolution or a linear layer. With these
# nothing of a built module is unsupported, and an operator that is truly unknown stands out.
_WITHOUT_MACS = """
    add add_ mul mul_ div div_ pow sub sub_ sum clone flip mean pad channel_shuffle dropout_
    relu6 hardtanh hardtanh_ hardswish hardswish_ hardsigmoid hardsigmoid_ silu silu_ sigmoid sigmoid_ tanh gelu
    leaky_relu leaky_relu_ softmax
    max_pool2d adaptive_max_pool2d avg_pool2d avg_pool3d
"""
# fvcore's names of the operators whose count is of multiply–adds; its other counts are estimates of other work.
_WITH_MACS = frozenset({"conv", "linear", "addmm", "mm", "bmm", "matmul", "einsum"})


def count_by_fvcore(module: nn.Module, inputs: tuple[Tensor, ...]) -> Seen:
    """Trace a module on the CPU, on a batch of one, and count its multiply–adds.

    If the tracing fails, fvcore leaves its hooks on the module: give it a copy. Raises what the module raises, and
    `RuntimeError` where it cannot be traced.
    """
    analysis = _analysis_type()(module, inputs)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)  # the note says it
    analysis.set_op_handle(**{f"aten::{name}": None for name in _WITHOUT_MACS.split()})
    with torch.no_grad(), module.register_forward_hook(_check_tracing):
        by_layer = analysis.by_module_and_operator()
    unknown = sorted(analysis.unsupported_ops())
    return Seen(
        macs=_macs(by_layer[""]),
        macs_by_layer={path: _macs(by_layer[path]) for path, _ in innermost_layers(module)},
        note=f"does not know {', '.join(unknown)}" if unknown else "",
        reported=sum(map(int, by_layer[""].values())),  # handles without a cost change nothing
    )


def _check_tracing(*_: object) -> None:
    """Check that torch still traces at the end: it stops at an operator that raises, and crashes if nobody tells it."""
    if torch._C._get_tracing_state() is None:
        raise RuntimeError("torch's tracing ended at an operator that raised, and the model went on")


def _macs(counts: Mapping[str, int]) -> int:
    return sum(int(count) for operator, count in counts.items() if operator in _WITH_MACS)


def _analysis_type() -> Any:
    with warnings.catch_warnings():
        # Importing fvcore.nn scripts a focal loss, of which nothing is used here, and torch warns that
        # torch.jit.script is deprecated (2.13) or without support (on Python 3.14). Nothing else is silenced.
        warnings.filterwarnings("ignore", r"`torch\.jit\.script` is (deprecated|not supported)", DeprecationWarning)
        from fvcore.nn import FlopCountAnalysis
    return FlopCountAnalysis
