"""The command line as it was written, for the environment of a result."""

from __future__ import annotations

import shlex
import sys


def command_line() -> str:
    """Give the command that is being run, so that it can be run again."""
    return shlex.join(["cnnx", *sys.argv[1:]])
