"""Tasks for a child process, which imports them by this module's name; none needs torch."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cnnx.errors import MemoryBudgetError
from cnnx.pytorch.settings import Progress


@dataclass(frozen=True)
class Echo:
    """Give back what it was given, with its process; tell progress and print before."""

    word: str

    def run(self, progress: Progress | None) -> tuple[str, int]:
        sys.stdout.write("printed by a library\n")
        os.write(1, b"and by one in C\n")
        assert progress is not None
        progress(1, 2)
        progress(2, 2, [0.5])
        return self.word, os.getpid()


class Refuse:
    """Raise an error of cnnx's tree."""

    def run(self, progress: Progress | None) -> None:
        raise MemoryBudgetError("too large", hint="make it smaller")


@dataclass(frozen=True)
class Die:
    """End without an answer, in one of several ways."""

    how: str

    def run(self, progress: Progress | None) -> None:
        if self.how == "bug":
            raise RuntimeError("a mistake in the child")
        if self.how == "signal":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stderr.write("CUDA error: device-side assert triggered\n\n")
        sys.stderr.flush()
        os._exit(7)


@dataclass(frozen=True)
class Hang:
    """Write its process into a file, then work for ever."""

    path: Path

    def run(self, progress: Progress | None) -> None:
        self.path.write_text(str(os.getpid()))
        assert progress is not None
        progress(1, 2)
        while True:
            time.sleep(0.01)
