"""Whole processes against the time that importing torch and fvcore takes, minimum of five.

Byte code is cached for all of them alike, as it is for any installed package.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.row import Row, best

RUNS = 5
REFERENCE = "import torch, fvcore.nn"
PROMISES = {
    ("--help",): 0.10,
    ("compare", "bottleneck", "plain3x3", "--static"): 0.20,
    ("list",): 0.25,
}


def rows() -> list[Row]:
    """Measure every promise in one run."""
    reference = _seconds([sys.executable, "-c", REFERENCE])
    cnnx = str(Path(sys.executable).with_name("cnnx"))
    return [
        Row(f"cnnx {' '.join(arguments)}", _seconds([cnnx, *arguments]), REFERENCE, reference, at_most=promise)
        for arguments, promise in PROMISES.items()
    ]


def _seconds(command: list[str]) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run() -> None:
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)

    run()  # fills the caches
    return best(run, RUNS)
