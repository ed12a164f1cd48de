"""What a user writes of a model that cnnx did not build: where it is, and what it is given."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cnnx.errors import UsageError, brief, nearest
from cnnx.graph.operation import Shape, show_shape

_NAME = re.compile(r"(?P<module>[^:@]+):(?P<attribute>[^\W\d]\w*(?:\.[^\W\d]\w*)*)")
_INPUT = re.compile(r"(?:(?P<kind>[a-z0-9]+):)?(?P<shape>[0-9]{1,18}(?:[x×X*,][0-9]{1,18}){0,7})")
KINDS = ("int64", "int32", "bool")  # of inputs that are no real numbers; those are of the type that is measured
LARGEST_AXIS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ModelName:
    """A class, function or instance in a Python module: `torchvision.models:resnet50`, `nets/mine.py:Net`."""

    module: str  # a dotted name, or a path to a file
    attribute: str  # dotted, if it stands in another

    @property
    def is_file(self) -> bool:
        """Whether the module is named by its file."""
        return self.module.endswith(".py")

    def __str__(self) -> str:
        """Write it as it was given."""
        return f"{self.module}:{self.attribute}"


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One argument of a model's forward: its shape without the batch, which stands before it, and what it holds.

    `kind` is one of `KINDS`, or empty for real numbers.
    """

    shape: Shape
    kind: str = ""

    def __str__(self) -> str:
        """Write it as a user would: `3×224×224`, `int64:77`."""
        return f"{self.kind}:{show_shape(self.shape)}" if self.kind else show_shape(self.shape)


# What a model is given where nothing is said: an image, as most backbones take it.
DEFAULT_INPUTS = (ModelInput((3, 224, 224)),)


def find_model_name(text: str) -> ModelName | None:
    """Read the name of a model: a module or a `.py` file, a colon, and a name in it.

    Gives None for what is no such name, and for a file that has this very name.
    """
    found = _NAME.fullmatch(text)
    if found is None or os.path.exists(text):  # noqa: PTH110 - False for any text
        return None
    return ModelName(found["module"], found["attribute"])


def read_model_inputs(texts: Sequence[str]) -> tuple[ModelInput, ...]:
    """Read shapes such as `3x224x224`, `128` or `int64:77`, one for each argument of forward, without the batch.

    Raises `UsageError`.
    """
    return tuple([_read_input(text.strip()) for text in texts])


def _read_input(text: str) -> ModelInput:
    found = _INPUT.fullmatch(text)
    if found is None:
        raise UsageError(
            f"--input {brief(text, 60)}: a model's input is a shape without the batch, such as 3x224x224, 128 or "
            "int64:77"
        )
    kind, shape = found["kind"] or "", tuple([int(size) for size in re.split(r"[x×X*,]", found["shape"])])
    if kind and kind not in KINDS:
        hint = nearest(kind, KINDS) or f"there are {', '.join(KINDS)}, and real numbers without a word"
        raise UsageError(f"--input {brief(text, 60)}: no input is of `{kind}`", hint=hint)
    for size in shape:
        if not 1 <= size <= LARGEST_AXIS:
            raise UsageError(f"--input {brief(text, 60)}: sizes are from 1 to {LARGEST_AXIS:,}")
    return ModelInput(shape, kind)
