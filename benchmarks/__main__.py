"""Run every benchmark and print its table; exit 1 if a promise is not kept."""

from __future__ import annotations

import sys

from benchmarks import processes, static_figures
from benchmarks.row import show


def main() -> int:
    """Run them all; give the exit code."""
    rows = [*processes.rows(), *static_figures.rows()]
    print(show(rows))
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
