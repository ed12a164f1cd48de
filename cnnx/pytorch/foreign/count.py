"""Counting a model that cnnx did not build, by the operators that it dispatches."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cnnx.analysis.models.figures import ModelCount
from cnnx.errors import InputError, UsageError
from cnnx.pytorch.compiler import compiler_left_alone
from cnnx.pytorch.foreign.attempt import Attempt, told
from cnnx.pytorch.foreign.dispatch import DispatchCounter
from cnnx.pytorch.foreign.model_nodes import figures_of, unknown_operators
from cnnx.pytorch.foreign.others import look_beside
from cnnx.pytorch.foreign.paths import ModulePaths
from cnnx.pytorch.foreign.results import describe_inputs, describe_value, named_tensors
from cnnx.pytorch.foreign.stage import Inputs, plain_model, staged
from cnnx.pytorch.storage_watch import own_storages


def count_module(
    module: nn.Module,
    *inputs: Any,
    name: str = "",
    arguments: Mapping[str, object] | None = None,
    beside: bool = False,
) -> ModelCount:
    """Count what a call of any module costs in evaluation: weights, multiply–adds, FLOPs, elements, by module.

    `inputs` are its positional arguments, tensors or containers of them, on any device; the figures are for them as
    they are, so that a batch of 1 gives those of one image. Nothing is allocated: the module runs on the meta device.
    Where it cannot, as its own control flow asks for numbers, it runs on the CPU with copies of its weights, and a note
    says so. It is left as it was, also after an exception. `name` and `arguments` are for tables; `beside` lets torch's
    FlopCounterMode and fvcore count too.
    Raises `InputError` where the module cannot be run on these inputs, `UsageError` where it gives no tensor.
    """
    label = name or type(module).__name__
    model = plain_model(module, f"`{label}`")
    _check_inputs(model, inputs, label)
    call = Call(model, inputs, label, arguments or {}, beside=beside)
    with Attempt() as on_meta:
        return call.count("meta")
    if isinstance(on_meta.error, UsageError):
        raise on_meta.error
    note = f"counted on the CPU, as it cannot run without data: {told(on_meta.error)}"
    with Attempt() as on_cpu:
        return call.count("cpu", (note,))
    raise unrunnable(on_cpu.error, inputs, label, model) from on_cpu.error


def count_shell(shell: nn.Module, *inputs: Tensor, name: str, arguments: Mapping[str, object]) -> ModelCount | None:
    """Count a module without data on the meta device alone, with others beside; None where it does not run there.

    Raises `InputError` where it cannot take so many inputs, `UsageError` where it gives no tensor.
    """
    model = plain_model(shell, f"`{name}`")
    _check_inputs(model, inputs, name)
    with Attempt() as on_meta:
        return Call(model, inputs, name, arguments, beside=True).count("meta")
    if isinstance(on_meta.error, UsageError):
        raise on_meta.error
    return None


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is counted: a module, its inputs, and what tables tell of them."""

    model: nn.Module
    inputs: Inputs
    label: str
    arguments: Mapping[str, object]
    beside: bool

    def count(self, device: str, notes: tuple[str, ...] = ()) -> ModelCount:
        """Count it on a device. Raises what the module raises, and `UsageError` where it gives no tensor."""
        model, paths = self.model, ModulePaths(self.model)
        with staged(model, self.inputs, device) as given:
            counter = DispatchCounter(paths, own_storages(model), torch.device("meta") if device == "meta" else None)
            with paths, compiler_left_alone(counter), counter:
                result = model(*given)
        outputs = dict(named_tensors(result))
        if not outputs:
            raise UsageError(
                f"`{self.label}` gives {describe_value(result)}, in which there is no tensor",
                hint="its forward must give a tensor, or a tuple, list, dictionary or dataclass of them",
            )
        figures = figures_of(model, counter, self.inputs, outputs, self.label, self.arguments)
        others = look_beside(model, self.inputs, device, figures) if self.beside else ()
        types = {path: type(module).__name__ for path, module in model.named_modules()}
        return ModelCount(figures, types, unknown_operators(counter, paths.elsewhere), device, others, notes)


def _check_inputs(model: nn.Module, inputs: Inputs, label: str) -> None:
    """Check that forward takes so many inputs, where it can be known."""
    signature = _signature(model)
    if signature is None:
        return
    try:
        signature.bind(*inputs)
    except TypeError as error:
        number = len(inputs)
        raise InputError(
            f"`{label}` was given {number} {'input' if number == 1 else 'inputs'}, "
            f"and its forward takes {signature}: {error}"
        ) from None


def _signature(model: nn.Module) -> inspect.Signature | None:
    try:
        return inspect.signature(model.forward)
    except (TypeError, ValueError):  # a scripted model or one written in C tells none
        return None


def unrunnable(error: BaseException | None, inputs: Inputs, label: str, model: nn.Module) -> InputError:
    """Say that a model cannot be run on inputs, why, and what it takes."""
    signature = _signature(model)
    takes = "" if signature is None else f"; its forward takes {signature}"
    return InputError(f"`{label}` cannot be run on {describe_inputs(inputs)}: {told(error)}{takes}")
