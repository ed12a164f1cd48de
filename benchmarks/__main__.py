"""Run benchmarks, all or by name, and print a row for each promise; exit 1 if one is not kept.

python -m benchmarks
python -m benchmarks linear noise
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

NAMES = (
    "processes",
    "static_figures",
    "linear",
    "built_against_handwritten",
    "noise",
    "parts",
    "against_torch_timer",
    "dispatch_counter",
)


def main(names: Sequence[str]) -> int:
    """Run the benchmarks of these names; give the exit code."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"no benchmark is named {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    kept = True
    for name in names or NAMES:
        for row in import_module(f"benchmarks.{name}").rows():
            print(row, flush=True)
            kept &= row.kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
