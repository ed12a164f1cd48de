"""Where an error stands: at which option of a step, and at which layer of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnx.errors import Problem, RuleError
from cnnx.graph.operation import Shape, show_shape
from cnnx.spec.actions import Call, Step
from cnnx.spec.expressions import Scope
from cnnx.spec.model import SpecFile
from cnnx.spec.places import Reader


def place(error: RuleError, file: SpecFile, step: Step, scope: Scope) -> Problem:
    """Find the option of a step that an error is about, by the option it names or by reading each again."""
    option = error.option or _failing_option(step, scope)
    return file.problem(step.mark(option), error.message, error.hint)


def _failing_option(step: Step, scope: Scope) -> str:
    readers: dict[str, Any] = {name: getattr(step.action, name) for name in type(step.action).model_fields}
    if isinstance(step.action, Call):
        readers.update(step.action.arguments)
    for name, reader in readers.items():
        if isinstance(reader, Reader):
            try:
                reader.read(scope)
            except RuleError:
                return name
    return ""


def at_layer(error: RuleError, layer: str, spec: str, entering: Sequence[Shape]) -> RuleError:
    """Say at which layer of what spec an error is, and what enters it where the message does not tell."""
    shapes = [show_shape(shape) for shape in entering]
    told = all(shape in error.message for shape in shapes)
    message = f"{error.message}, at layer `{layer}` of `{spec}`" + (
        "" if told else f", which reads {' and '.join(shapes)}"
    )
    return RuleError(message, hint=error.hint, option=error.option)
