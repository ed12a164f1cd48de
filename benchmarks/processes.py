"""Whole processes against the time that importing torch and fvcore takes, minimum of five.

Byte code is cached for all of them alike, as it is for any installed package.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.row import Row, at_most, best

RUNS = 5
REFERENCE = "import torch, fvcore.nn"
PROMISES = {
    ("--help",): 0.10,
    ("compare", "bottleneck", "plain3x3", "--static"): 0.20,
    ("list",): 0.25,
}


def rows() -> Iterator[Row]:
    """Measure every promise."""
    reference = _seconds([sys.executable, "-c", REFERENCE])
    cnnx = str(Path(sys.executable).with_name("cnnx"))
    for arguments, promise in PROMISES.items():
        yield at_most(f"cnnx {' '.join(arguments)}", _seconds([cnnx, *arguments]), REFERENCE, reference, promise)


def _seconds(command: list[str]) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run() -> None:
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)

    run()  # fills the caches
    return best(run, RUNS)
