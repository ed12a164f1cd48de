"""The built mobilenetv3_large against the same network written by hand: same weights, same rounds, one thread.

Both run in every round of cnnx's own protocol, in random order. What is held is the upper end of the interval of the
ratio. That both give the same output is checked first, and to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.handwritten import MobileNetV3Large
from benchmarks.row import Row
from cnnx import load
from cnnx.pytorch.latency import Inputs, measure, prepare
from cnnx.pytorch.settings import Settings

NETWORK = "mobilenetv3_large"
SIZES = (224, 32)
AT_MOST = 1.03
SETTINGS = Settings(rounds=60, threads=1)


def rows() -> Iterator[Row]:
    """Measure at every size."""
    for size in SIZES:
        built, inputs = prepare(load(NETWORK, input=(3, size, size)), SETTINGS)
        yield _row(size, built, written_with(built), inputs)


def written_with(built: nn.Module) -> nn.Module:
    """Give the network written by hand, with the weights of the built one, which stand in the same order."""
    written = MobileNetV3Large()
    own, others = written.state_dict(), built.state_dict()
    written.load_state_dict(dict(zip(own, others.values(), strict=True)))
    return written


def check_equal(built: nn.Module, written: nn.Module, inputs: Inputs) -> None:
    """Check that both give the same output. Raises `ValueError`."""
    with torch.inference_mode():
        if not torch.equal(built.eval()(*inputs), written.eval()(*inputs)):
            raise ValueError(f"{NETWORK} as it is built and as it is written by hand give different outputs")


def _row(size: int, built: nn.Module, written: nn.Module, inputs: Inputs) -> Row:
    check_equal(built, written, inputs)
    found = measure([written, built], SETTINGS, [inputs, inputs])
    by_hand, own = found.latencies
    ratio = found.ratios_to_first[1]
    assert ratio is not None  # only the first has none
    low, high = ratio.ci95
    return Row(
        what=f"{NETWORK} {size}², built / written by hand",
        found=f"{own.median:.3f} ms / {by_hand.median:.3f} ms = {ratio.ratio:.3f} [{low:.3f}, {high:.3f}]",
        promise=f"upper end ≤ {AT_MOST:g}",
        kept=high <= AT_MOST,
        notes=found.warnings,
    )
