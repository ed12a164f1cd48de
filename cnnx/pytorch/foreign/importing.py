"""Importing what a user names: a module in the current folder or an installed one, or a file; and what is in it."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnx.analysis.models.names import ModelName
from cnnx.errors import UsageError, nearest
from cnnx.pytorch.foreign.attempt import Attempt, told


def import_named(name: ModelName) -> Any:
    """Import the module of a name and give what the name is in it.

    The current folder is searched before all others, and a file's own folder, as Python does for what it runs; both
    stay in `sys.path`, as a model may import more when it is called. Raises `UsageError`.
    """
    with Attempt() as attempt:
        module = _import_file(Path(name.module)) if name.is_file else _import_module(name.module)
        return _attribute(module, name)
    if isinstance(attempt.error, UsageError):
        raise attempt.error
    raise _unimportable(name, attempt.error) from attempt.error


def _import_module(name: str) -> ModuleType:
    _search_first(Path.cwd())
    importlib.invalidate_caches()  # a file may be new
    return importlib.import_module(name)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        others = [str(each) for each in path.parent.glob("*.py")]
        raise UsageError(f"there is no file {path}", hint=nearest(str(path), others))
    _search_first(Path.cwd())
    _search_first(path.parent.resolve())
    # A file may be called as a module that is there already, and must not take its place.
    name = path.stem if path.stem not in sys.modules else f"cnnx_model_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # of a file that ends in .py there is one
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _search_first(folder: Path) -> None:
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))


def _attribute(module: ModuleType, name: ModelName) -> Any:
    found: Any = module
    for part in name.attribute.split("."):
        if not hasattr(found, part):
            public = [each for each in dir(found) if not each.startswith("_")]
            raise UsageError(f"`{name.module}` has no `{name.attribute}`", hint=nearest(part, public))
        found = getattr(found, part)
    return found


def _unimportable(name: ModelName, error: BaseException | None) -> UsageError:
    if isinstance(error, ModuleNotFoundError) and error.name:
        if not name.is_file and (name.module == error.name or name.module.startswith(f"{error.name}.")):
            return _missing(name, error.name)
        return UsageError(
            f"`{name.module}` imports `{error.name}`, which is not installed here",
            hint="install it into the environment of cnnx",
        )
    return UsageError(f"importing `{name.module}` raised {told(error)}")


def _missing(name: ModelName, missing: str) -> UsageError:
    package, _, last = missing.rpartition(".")
    near = nearest(last, _modules_in(package))
    hint = near or "the current folder and the installed packages were searched; a file is named with its .py"
    where = f"`{package}` has no module `{last}`" if package else f"there is no module `{missing}`"
    return UsageError(f"{where} (of `{name}`)", hint=hint)


def _modules_in(package: str) -> list[str]:
    """Give the modules of a package, which was imported, or all at the top level."""
    paths = getattr(sys.modules.get(package), "__path__", []) if package else None
    return [each.name for each in pkgutil.iter_modules(paths)]
