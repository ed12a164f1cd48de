"""What was written of networks and models: their names, and the options that settle them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnnx.errors import UsageError, brief

if TYPE_CHECKING:
    from cnnx.analysis.models.names import ModelInput, ModelName
    from cnnx.graph.operation import Shape
    from cnnx.spec.values import Value


@dataclass(frozen=True, slots=True)
class Named:
    """A name as it was written: of a spec, or of a `model` in Python with the arguments that stand behind its @."""

    written: str
    model: ModelName | None = None
    own: Mapping[str, Any] = field(default_factory=dict)


def read_name(written: str) -> Named:
    """Tell the name of a model, `module:name`, from that of a spec. Raises `UsageError`."""
    from cnnx.analysis.models.names import find_model_name
    from cnnx.cli.misnamed import check_no_model
    from cnnx.cli.names import bare_name, split_model_name

    bare = bare_name(written)
    model = find_model_name(bare)
    if model is not None:
        return Named(written, model, split_model_name(written)[1])
    check_no_model(bare)
    return Named(written)


@dataclass(frozen=True, slots=True)
class Given:
    """The options for all that is named: parameters of specs, arguments of models, inputs."""

    settings: Sequence[str] | None = None  # --set
    arguments: Sequence[str] | None = None  # --arg
    inputs: Sequence[str] | None = None  # --input, once or several times

    def check(self, named: Sequence[Named]) -> None:
        """Check that each option has something that it is for. Raises `UsageError`."""
        specs = [each.written for each in named if each.model is None]
        models = [each.written for each in named if each.model is not None]
        if self.arguments and not models:
            raise UsageError(
                f"--arg {brief(self.arguments[0])}: `{brief(specs[0])}` is a spec and takes no arguments",
                hint="--set sets a parameter",
            )
        if self.settings and not specs:
            raise UsageError(
                f"--set {brief(self.settings[0])}: `{brief(models[0])}` is a model in Python and has no parameters",
                hint="--arg gives an argument",
            )
        if specs and self.inputs and len(self.inputs) > 1:
            raise UsageError(f"--input is given {len(self.inputs)} times; `{brief(specs[0])}`, a spec, takes it once")

    def read_settings(self) -> dict[str, Value]:
        """Read the parameters of specs. Raises `UsageError`."""
        from cnnx.cli.names import read_settings

        return read_settings(self.settings or ())

    def read_arguments(self) -> dict[str, Any]:
        """Read the arguments of models. Raises `UsageError`."""
        from cnnx.cli.names import read_arguments

        return read_arguments(self.arguments or ())

    def read_input(self) -> Shape | None:
        """Read the input of specs. Raises `UsageError`."""
        from cnnx.cli.names import read_input

        return read_input(self.inputs[0] if self.inputs else None)

    def read_model_inputs(self, common: Sequence[str] = ()) -> tuple[ModelInput, ...]:
        """Read the inputs of models; where none are given, what is in `common` use or an image. Raises `UsageError`."""
        from cnnx.analysis.models.names import DEFAULT_INPUTS, read_model_inputs

        return read_model_inputs(self.inputs or common) or DEFAULT_INPUTS
