"""How the parameters and inputs of a spec get their values: given, taken from a stream, or by default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from cnnx.errors import RuleError, SpecError, UsageError, brief, nearest
from cnnx.graph.frame import Callee, Sources
from cnnx.graph.operation import Shape, show_shape
from cnnx.spec.expressions import Scope
from cnnx.spec.library import Target
from cnnx.spec.model import Body, SpecFile
from cnnx.spec.places import Reader, check_count
from cnnx.spec.values import Value, bounded
from cnnx.spec.yaml_reader import Mark


@contextmanager
def located(file: SpecFile, at: Mark) -> Iterator[None]:
    """Turn a broken rule into an error of the file, at one place."""
    try:
        yield
    except RuleError as error:
        raise SpecError([file.problem(at, error.message, error.hint)]) from None


def check_input(shape: Sequence[Value]) -> Shape:
    """Check an input shape that a user gave: three integers of at least 1. Raises `UsageError`."""
    try:
        if len(shape) != 3:
            raise RuleError(f"{len(shape)} sizes")
        return tuple(check_count(size) for size in shape)
    except RuleError as error:
        raise UsageError(f"an input is channels×height×width, such as 256x56x56: {error.message}") from None


def check_cycle(callee: Callee) -> None:
    """Raise `RuleError`, with the cycle, if a body is called by itself, straight or through others."""
    if any(caller.body is callee.body for caller in callee.callers):
        labels = " → ".join([caller.label for caller in callee.callers] + [callee.label])
        raise RuleError(f"a spec that calls itself: {labels}", option="spec")


def check_arguments(given: Mapping[str, Value], callee: Callee) -> None:
    """Raise `RuleError` for a parameter that the called body does not have."""
    known = callee.body.parameters
    for name in given:
        if name not in known:
            raise RuleError(f"`{callee.label}` has no parameter `{name}`", hint=nearest(name, known), option=name)


def variant_settings(
    file: SpecFile, settings: Mapping[str, Reader[Value]], given: Mapping[str, Value]
) -> dict[str, Value]:
    """Evaluate a variant's settings; they see the defaults of the parameters that are numbers or words."""
    names: dict[str, Value] = dict(given)
    with located(file, file.mark("variants")):
        for name, reader in file.spec.parameters.items():
            if name not in names and name not in settings and not reader.names:
                names[name] = reader.read(Scope(names, {}))
        return {name: reader.read(Scope(names, {})) for name, reader in settings.items()}


def check_parameters(given: Mapping[str, Value], target: Target) -> None:
    """Raise `UsageError` for a parameter that the spec does not have or a value that no parameter can have."""
    known = target.file.spec.parameters
    for name, value in given.items():
        if name not in known:
            hint = nearest(name, known) or (f"it has {', '.join(known)}" if known else "it has none")
            raise UsageError(f"`{target.name}` has no parameter `{brief(name)}`", hint=hint)
        try:
            bounded(value)
        except RuleError as error:
            raise UsageError(f"{name}: {error.message}") from None


def bind_inputs(
    target: Target, settings: Mapping[str, Value], given: Mapping[str, Value], shape: Shape | None
) -> tuple[dict[str, Value], dict[str, Shape]]:
    """Settle a spec's parameters and the shapes of its inputs, from an input shape if one is given.

    `settings` are the variant's; as a default does, they yield to what is given and to the input shape.
    """
    file, spec, label = target.file, target.file.spec, target.name
    if shape is None:
        names = _parameters(file, spec, {**settings, **given}, label)
        scope = Scope(names, {})
        return names, {name: _sizes(entry, scope) for name, entry in spec.input.items()}
    if len(spec.input) != 1:
        raise UsageError(f"`{label}` has {len(spec.input)} inputs; an input shape can be given to one only")
    (stream,) = spec.input
    taken = _taken(spec, given, {stream: shape}, label)
    return _parameters(file, spec, {**settings, **taken}, label), {stream: shape}


def _sizes(entry: tuple[Reader[int], ...], scope: Scope) -> Shape:
    return tuple([size.read(scope) for size in entry])


def bind_call(
    callee: Callee,
    settings: Mapping[str, Value],
    given: Mapping[str, Value],
    sources: Sources,
    shapes: Mapping[str, Shape],
) -> tuple[dict[str, Value], dict[str, str]]:
    """Settle a called body's parameters and inputs from the streams that enter; `settings` are the variant's."""
    body, label = callee.body, callee.label
    inputs = list(body.input) or ["input"]
    if len(sources) != len(inputs):
        wanted = f"`from: [{', '.join(inputs)}]`" if len(inputs) > 1 else "one stream"
        raise RuleError(f"`{label}` takes {wanted}; {len(sources)} enter", option="from")
    streams = dict(zip(inputs, sources, strict=True))
    entering = {name: shapes[source] for name, source in streams.items()}
    taken = _taken(body, given, entering, label)
    return _parameters(callee.file, body, {**settings, **taken}, label), streams


def _taken(body: Body, given: Mapping[str, Value], entering: Mapping[str, Shape], label: str) -> dict[str, Value]:
    """Let the parameters that stand alone in an input take the stream's sizes; they must agree with what is given."""
    taken = dict(given)
    for stream, entry in body.input.items():
        shape = entering[stream]
        if len(shape) != len(entry):
            raise RuleError(f"`{label}` takes a map, not a vector of {shape[0]}")
        for size, actual in zip(entry, shape, strict=True):
            name = size.written
            if name not in body.parameters:
                continue
            if taken.setdefault(name, actual) != actual:
                raise RuleError(
                    f"`{label}`: {name}={taken[name]}, but the stream that enters is {show_shape(shape)}", option=name
                )
    return taken


def _parameters(file: SpecFile, body: Body, given: Mapping[str, Value], label: str) -> dict[str, Value]:
    """Evaluate the parameters that are not given, each over the earlier ones."""
    names: dict[str, Value] = {}
    scope = Scope(names, {})
    for name, default in body.parameters.items():
        if name in given:
            names[name] = given[name]
            continue
        try:
            names[name] = default.read(scope)
        except RuleError as error:
            path = ("parameters", name) if body is file.spec else ("blocks", label, "parameters", name)
            raise SpecError([file.problem(file.mark(*path), error.message, error.hint)]) from None
    return names
