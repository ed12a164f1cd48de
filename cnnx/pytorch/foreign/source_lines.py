"""Where a layer of a model stands in somebody's code: the file and line that makes it, as far as that can be found."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

from torch import nn

from cnnx.analysis.models.names import ModelName


def find_line(model: nn.Module | None, name: ModelName, layer: str) -> tuple[Path, int]:
    """Give the file and line of a layer: in the class of the innermost module around it that is not torch's own.

    There it is the line that first sets the module's attribute, `self.conv = …`, else that of the class. Where no class
    is anybody's own, it is the function that `name` names, or the first line of its file.
    """
    parts = layer.split(".")
    modules = {} if model is None else dict(model.named_modules())
    for number in reversed(range(len(parts) + 1)):
        module = modules.get(".".join(parts[:number]))
        found = None if module is None else _in_class(type(module), parts[number] if number < len(parts) else "")
        if found is not None:
            return found
    return _of(_named(name)) or (_file_of(name), 1)


def _in_class(owner: type[nn.Module], attribute: str) -> tuple[Path, int] | None:
    if owner.__module__.partition(".")[0] == "torch":
        return None
    found = _of(owner)
    if found is None or not attribute:
        return found
    lines, first = inspect.getsourcelines(owner)
    sets = re.compile(rf"\s*self\.{re.escape(attribute)}\s*(:[^=]+)?=[^=]")
    offset = next((number for number, line in enumerate(lines) if sets.match(line)), 0)
    return found[0], first + offset


def _of(written: object) -> tuple[Path, int] | None:
    """Give the file and line of a class or function; None for what has none, such as an instance."""
    if not inspect.isclass(written) and not inspect.isfunction(written):
        return None
    try:
        return Path(inspect.getfile(written)), inspect.getsourcelines(written)[1]
    except (OSError, TypeError):  # written nowhere, as in an interpreter
        return None


def _named(name: ModelName) -> object:
    """Give what a name means among what is imported already; None where it is not there."""
    found: object = sys.modules.get(Path(name.module).stem if name.is_file else name.module)
    for part in name.attribute.split("."):
        found = getattr(found, part, None)
    return found


def _file_of(name: ModelName) -> Path:
    file = getattr(sys.modules.get(name.module), "__file__", None)
    return Path(name.module if file is None else file)
