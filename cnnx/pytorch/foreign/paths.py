"""Where in a model an operator is called: a stack of the modules that are running."""

from __future__ import annotations

from threading import get_ident
from typing import Any, Self

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.hooks import RemovableHandle


class ModulePaths:
    """A context in which `current` is the path of the innermost module of a model that is running, "" for the model.

    A module that stands at several paths has the first of them; one that is no part of the model counts as the module
    that calls it, and so do functions and hooks. Two hooks that hold for all modules do it, which are taken off again
    at the end, whatever happens; a module that raises is left too, as its caller may go on.

    Torch shows what is dispatched on one thread only: `elsewhere` has how often other threads called each module.
    """

    def __init__(self, model: nn.Module) -> None:
        self.current = ""
        self.elsewhere: dict[str, int] = {}
        self._thread = get_ident()
        self._names = {module: path for path, module in model.named_modules()}
        self._above: list[str] = []
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        self._handles = [
            register_module_forward_pre_hook(self._enter_module),
            register_module_forward_hook(self._leave_module, always_call=True),
        ]
        return self

    def __exit__(self, *exception: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _enter_module(self, module: nn.Module, inputs: Any) -> None:
        if get_ident() != self._thread:
            path = self._names.get(module, "")
            self.elsewhere[path] = self.elsewhere.get(path, 0) + 1
            return
        self._above.append(self.current)
        self.current = self._names.get(module, self.current)

    def _leave_module(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if get_ident() == self._thread:
            self.current = self._above.pop()
