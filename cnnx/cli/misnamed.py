"""Names that are half those of models in Python: what is wrong with each, and the nearest that would do."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Sequence
from pathlib import Path

from cnnx.errors import UsageError, brief, nearest

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_MAX_BYTES = 1 << 20  # of a file that is looked into
_MOST_FILES = 100  # of a folder that are looked into
_MOST_SHOWN = 3
_BEHIND = "behind the colon stands a class, a function that makes a model, or an instance"


def check_no_model(name: str) -> None:
    """Check that what is no model's name is not meant to be one, so that it can be a spec's. No code is run.

    Raises `UsageError` for what has a colon and is no file, for a Python file, and for a module in the current folder
    or a dotted name where no spec is named so.
    """
    from cnnx.spec.folders import SUFFIXES

    if name.endswith(SUFFIXES) or ("." not in name and ":" not in name and not _file_of(name)):
        return
    if name.endswith(".py"):
        raise _only_a_file(name)
    if os.path.isfile(name):  # noqa: PTH113 - False for any text
        return
    if ":" in name:
        raise _wrong_colon(name)
    if _DOTTED.fullmatch(name) and not _is_spec(name):
        raise UsageError(f"no spec is named `{brief(name)}`", hint=_dotted_hint(name))


def _only_a_file(name: str) -> UsageError:
    if _file_of(name) is not None:
        return UsageError(f"`{brief(name)}` is a Python file and names no model in it", hint=_hint(name))
    others = [path.name for path in Path.cwd().glob("*.py")]
    return UsageError(f"there is no file {brief(name)}", hint=nearest(name, others) or _hint(name))


def _wrong_colon(name: str) -> UsageError:
    """Say what is wrong with a name that has a colon and is no model's."""
    module, _, attribute = name.partition(":")
    if not attribute and _is_spec(module):
        return UsageError(f"`{brief(name)}` has a colon and nothing behind it", hint=f"the spec is named `{module}`")
    if not module and _is_spec(attribute):
        return UsageError(f"`{brief(name)}` has a colon and nothing before it", hint=f"the spec is named `{attribute}`")
    if not attribute and module:
        return UsageError(f"`{brief(name)}` names a module and no model in it", hint=_hint(module))
    if not module:
        return UsageError(f"`{brief(name)}` names no module before the colon", hint=_hint_for(attribute))
    if ":" in attribute:
        return UsageError(
            f"`{brief(name)}` has more than one colon", hint=_hint(module, attribute.strip(":").rpartition(":")[2])
        )
    return UsageError(f"`{brief(name)}`: `{brief(attribute, 40)}` is no name in Python", hint=_hint(module))


def _is_spec(name: str) -> bool:
    from cnnx.spec.folders import SUFFIXES
    from cnnx.spec.library import Library

    return name.endswith(SUFFIXES) or Library().has(name)


def _dotted_hint(name: str) -> str:
    """Say how a model is named where a module, or a name behind a module's, was given."""
    if _file_of(name):
        return _hint(name)
    module, _, attribute = name.rpartition(".")
    return f"the model `{attribute}` of the module `{module}` is named {_short(module)}:{_short(attribute)}"


def _hint(module: str, attribute: str = "") -> str:
    """Name the models of a module, or the one that is asked for where it is there."""
    found = _models_in(_file_of(module))
    shown = [attribute] if attribute in found else found[:_MOST_SHOWN]
    if not shown:
        return f"write {_short(module)}:NAME; {_BEHIND}"
    return f"write {' or '.join(f'{_short(module)}:{each}' for each in shown)}"


def _hint_for(attribute: str) -> str:
    """Name the file in the current folder that has such a model."""
    for path in sorted(Path.cwd().glob("*.py"))[:_MOST_FILES]:
        if attribute in _models_in(path):
            return f"write {path.name}:{attribute}"
    name = _short(attribute) if _DOTTED.fullmatch(attribute) else "NAME"
    return f"write MODULE:{name}, such as torchvision.models:resnet50 or nets.py:Net"


def _short(name: str) -> str:
    return brief(name, 60)


def _file_of(module: str) -> Path | None:
    """Give the file that a module is in, or that is named itself; None where there is none in the current folder."""
    if module.endswith(".py"):
        places = [module]
    elif _DOTTED.fullmatch(module):
        path = module.replace(".", "/")
        places = [f"{path}.py", f"{path}/__init__.py"]
    else:
        return None
    return next((Path(place) for place in places if os.path.isfile(place)), None)  # noqa: PTH113 - False for any text


def _models_in(path: Path | None) -> Sequence[str]:
    """Give the public classes and functions of a file, those first that say they are modules, without running it."""
    try:
        if path is None or path.stat().st_size > _MAX_BYTES:
            return ()
        statements = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ()  # that it cannot be read is told where it is imported
    found = [each for each in statements if isinstance(each, ast.ClassDef | ast.FunctionDef)]
    found.sort(key=lambda each: (not _says_module(each), isinstance(each, ast.FunctionDef)))
    return [each.name for each in found if not each.name.startswith("_")]


def _says_module(statement: ast.stmt) -> bool:
    bases = statement.bases if isinstance(statement, ast.ClassDef) else []
    return any(ast.unparse(base).endswith("Module") for base in bases)
