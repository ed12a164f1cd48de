"""Which node of a built module an error came from, read from the line of the generated forward that was running."""

from __future__ import annotations

import linecache
import re
from traceback import walk_tb

from cnnx.pytorch.forward_text import FILENAME

_PART = re.compile(r"\._modules\['([^']+)'\]")


def failing_node(error: BaseException) -> str:
    """Give the name of the layer that was running when an error was raised; empty where none was."""
    for frame, line in walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if name.startswith(FILENAME):
            return ".".join(_PART.findall(linecache.getline(name, line)))
    return ""
