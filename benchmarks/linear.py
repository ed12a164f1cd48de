"""The static cost of ten times the layers: expansion, figures with receptive fields, memory, in CPU time.

That is all that `show` and `compare --static` compute. The shapes: equal layers one after the other; layers of which
no two are alike; sums, each of which reads what stands far above; concatenations of growing width.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.row import Row, at_most, best
from cnnx.analysis.figures import count
from cnnx.analysis.memory.inference import predict_memory
from cnnx.graph.expand import expand
from cnnx.spec.library import Library, Target

FEW, MANY = 1_000, 10_000  # nodes
AT_MOST = 12
RUNS = 5

# The layers of each shape, and the nodes in each pass of its loop.
SHAPES: Mapping[str, tuple[int, str]] = {
    "a chain": (1, "- conv: {out: 8, kernel: 3}"),
    "a chain, no two alike": (1, "- conv: {out: 1000 + i, kernel: 3}"),  # numbers of a size, however many there are
    "residual blocks": (4, "- add: [[], [{conv: {out: 8, kernel: 3, norm: batchnorm}}, relu]]"),
    "a dense block": (2, "- concat: [[], {conv: {out: 8, kernel: 3}}]"),
}
SPEC = """\
parameters: {{times: 1}}
input: [8, 8, 8]
layers:
- repeat:
    times: times
    as: i
    layers:
    {layers}
"""


def rows() -> Iterator[Row]:
    """Measure every shape."""
    with TemporaryDirectory() as folder:
        for number, (shape, (nodes, layers)) in enumerate(SHAPES.items()):
            name = f"shape{number}"
            Path(folder, f"{name}.yaml").write_text(SPEC.format(layers=layers), encoding="utf-8")
            library = Library([Path(folder)])
            target = library.open(name)
            few, many = static_seconds(target, library, FEW // nodes, MANY // nodes)
            yield at_most(f"{shape}, {MANY:,} nodes", many, f"{FEW:,}", few, AT_MOST)


def static_seconds(target: Target, library: Library, few: int, many: int, runs: int = RUNS) -> tuple[float, float]:
    """Give the CPU seconds with few and with many passes of the loop, of the fastest of several runs.

    The two take turns, and the smaller one is repeated until it lasts as long as the other, so that whatever else the
    machine does falls on both alike.
    """
    repeats = many // few

    def run(times: int) -> None:
        graph = expand(target, library, {"times": times})
        count(graph)
        predict_memory(graph)

    def run_few() -> None:
        for _ in range(repeats):
            run(few)

    found = [[best(each, 1, time.process_time) for each in (run_few, partial(run, many))] for _ in range(runs)]
    return min(one for one, _ in found) / repeats, min(other for _, other in found)
