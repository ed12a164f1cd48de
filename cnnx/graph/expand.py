"""Expansion of a spec into a graph: calls, loops, branches and conditions are run, names are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from cnnx.errors import Problem, RuleError, SpecError, UsageError, nearest
from cnnx.graph.graph import Graph, Node
from cnnx.graph.joins import Add, Concat, Multiply
from cnnx.graph.lower import lower
from cnnx.graph.operation import Operation, Shape, show_shape
from cnnx.spec.actions import Call, Each, Group, Join, Pass, Repeat, Step
from cnnx.spec.expressions import Scope, Value, bounded
from cnnx.spec.library import Library, Target
from cnnx.spec.model import Body, SpecFile
from cnnx.spec.places import Reader, check_count, is_word

MAX_NODES = 50_000
MAX_STEPS = 500_000
MAX_NESTING = 100

JOIN_OPERATIONS: Mapping[str, Operation] = {"add": Add(), "multiply": Multiply(), "concat": Concat()}


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an expansion is: the file and body that are run, what they see, and the names of their nodes."""

    file: SpecFile
    body: Body
    names: Mapping[str, Value]  # parameters and counters
    streams: dict[str, str]  # named streams: the node or input that each is
    prefix: str
    nesting: int
    calls: tuple[Body, ...]  # the bodies that are being expanded, outermost first
    labels: tuple[str, ...]  # and what they are called


def expand(
    target: Target,
    library: Library,
    parameters: Mapping[str, Value] | None = None,
    input_shape: Shape | None = None,
) -> Graph:
    """Expand a spec into a graph.

    `parameters` replace defaults and those of the variant; `input_shape` is `(channels, height, width)` and
    replaces the input of a spec that has one. Raises `SpecError` with the place in the spec, `UsageError` for
    a parameter that the spec does not have or an input that it cannot take.
    """
    return _Expansion(library).run(target, dict(parameters or {}), input_shape)


class _Expansion:
    """The state of one expansion: the nodes so far, their shapes, and how many steps were taken."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {}
        self.steps_taken = 0

    def run(self, target: Target, given: dict[str, Value], input_shape: Shape | None) -> Graph:
        file, spec = target.file, target.file.spec
        _check_parameters(given, target)
        if target.variant is not None:
            given = {**self._settings(file, spec.variants[target.variant], given), **given}
        with _located(file, file.mark("input")):
            names, inputs = _bind_inputs(file, given, input_shape, target.name)
        self.shapes.update(inputs)
        current = next(iter(inputs)) if len(inputs) == 1 else None
        frame = Frame(file, spec, names, {name: name for name in inputs}, "", 0, (spec,), (target.name,))
        outputs = self.outputs(frame, self.steps(frame, spec.layers, current))
        own = {name: names[name] for name in spec.parameters}
        with _located(file, file.mark("layers")):
            return Graph(target.name, tuple(self.nodes), inputs, outputs, own)

    def _settings(
        self, file: SpecFile, settings: Mapping[str, Reader[Value]], given: Mapping[str, Value]
    ) -> dict[str, Value]:
        """Evaluate a variant's settings; they see the defaults of the parameters that are numbers or words."""
        names: dict[str, Value] = dict(given)
        with _located(file, file.mark("variants")):
            for name, reader in file.spec.parameters.items():
                if name not in names and name not in settings and not reader.names:
                    names[name] = reader.read(Scope(names, {}))
            return {name: reader.read(Scope(names, {})) for name, reader in settings.items()}

    def outputs(self, frame: Frame, last: str | None) -> tuple[str, ...]:
        """Give the streams that leave a body: those of `outputs` that were bound, else what the last step gives."""
        if frame.body.outputs is not None:
            bound = tuple(frame.streams[name] for name in frame.body.outputs if name in frame.streams)
            if bound:
                return bound
        if last is None:
            raise self.error(frame, frame.file.mark("layers"), "no step gives a stream that could leave")
        return (last,)

    def error(self, frame: Frame, at: Any, message: str, hint: str = "") -> SpecError:
        return SpecError([frame.file.problem(at, message, hint)])

    def steps(self, frame: Frame, steps: Sequence[Step], current: str | None) -> str | None:
        """Run steps one after the other; give the stream that leaves the last one."""
        if frame.nesting > MAX_NESTING:
            raise self.error(frame, steps[0].mark(), f"steps nested more than {MAX_NESTING} levels deep")
        for step in steps:
            current = self.step(frame, step, current)
        return current

    def step(self, frame: Frame, step: Step, current: str | None) -> str | None:
        self.steps_taken += 1
        if self.steps_taken > MAX_STEPS:
            raise self.error(frame, step.mark(), f"more than {MAX_STEPS} steps; is a loop too long?")
        scope = self.scope(frame, current)
        try:
            if step.when is not None and not step.when.read(scope):
                return current
            sources = self.sources(frame, step, current)
            if sources and sources[0] != current:
                scope = self.scope(frame, sources[0])
            results = self.act(frame, step, sources, scope)
        except RuleError as error:
            raise SpecError([_place(error, frame.file, step, scope)]) from None
        self.bind(frame, step, results)
        return results[0]

    def scope(self, frame: Frame, current: str | None) -> Scope:
        incoming = None if current is None else self.shapes[current]
        return Scope(frame.names, _StreamShapes(frame.streams, self.shapes), incoming)

    def sources(self, frame: Frame, step: Step, current: str | None) -> tuple[str, ...]:
        """Give the streams that enter a step: those of `from`, else the one above it."""
        if step.source is None:
            return () if current is None else (current,)
        for name in step.source:
            if name not in frame.streams:
                hint = nearest(name, frame.streams)
                raise RuleError(f"there is no stream `{name}` here", hint=hint, option="from")
        return tuple(frame.streams[name] for name in step.source)

    def bind(self, frame: Frame, step: Step, results: tuple[str, ...]) -> None:
        names = step.name or ()
        if len(results) > 1 and len(names) != len(results):
            raise self.error(
                frame, step.mark("name"), f"{len(results)} streams leave this step", "name them all: `name: [a, b]`"
            )
        if len(names) > len(results):
            raise self.error(frame, step.mark("name"), f"{len(names)} names for one stream")
        if names:
            frame.streams.update(zip(names, results, strict=True))

    def act(self, frame: Frame, step: Step, sources: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
        """Do what a step says; give the streams that leave it."""
        action = step.action
        match action:
            case Join():
                return (self.join(frame, step, action, sources),)
            case Call():
                return self.call(frame, step, action, sources, scope)
        if len(sources) > 1:
            raise RuleError(f"{len(sources)} streams enter, but `{action.op}` takes one", option="from")
        source = sources[0] if sources else None
        match action:
            case Group():
                inner = self.within(frame, step)
                return self.passed(self.steps(inner, action.layers, source))
            case Repeat():
                return self.passed(self.repeat(frame, step, action, source, scope))
            case Each():
                return self.passed(self.each(frame, step, action, source, scope))
            case Pass():
                return self.passed(source)
        return self.primitive(frame, step, self.passed(source)[0], scope)

    def passed(self, source: str | None) -> tuple[str]:
        if source is None:
            raise RuleError("no stream enters this step", hint="say which one: `from: …`")
        return (source,)

    def primitive(self, frame: Frame, step: Step, source: str, scope: Scope) -> tuple[str]:
        name = frame.prefix + step.component
        for ending, operation in lower(step.action, scope, frame.file.norm):
            source = self.add(name + ending, operation, (source,))
        return (source,)

    def add(self, name: str, operation: Operation, sources: tuple[str, ...]) -> str:
        """Append a node; give its name."""
        if len(self.nodes) >= MAX_NODES:
            raise RuleError(f"more than {MAX_NODES} nodes")
        shapes = self.shapes
        if name in shapes:
            raise RuleError(f"two nodes are named `{name}`", hint="give one of them a `name`")
        shape = operation.shape(*[shapes[source] for source in sources])
        self.nodes.append(Node(name, operation, sources, shape))
        shapes[name] = shape
        return name

    def within(self, frame: Frame, step: Step, *parts: str) -> Frame:
        """Give the frame for what a step contains: the same sight, the step's component before the names."""
        return replace(frame, prefix=self.prefix(frame, step, *parts), nesting=frame.nesting + 1)

    def prefix(self, frame: Frame, step: Step, *parts: str) -> str:
        return frame.prefix + "".join(f"{part}." for part in (step.component, *parts) if part)

    def repeat(self, frame: Frame, step: Step, action: Repeat, source: str | None, scope: Scope) -> str | None:
        for count in range(_loop_length(action.times.read(scope))):
            inner = self.within(frame, step, str(count))
            inner = replace(inner, names={**frame.names, action.counter: count})
            source = self.steps(inner, action.layers, source)
        return source

    def each(self, frame: Frame, step: Step, action: Each, source: str | None, scope: Scope) -> str | None:
        for count, row in enumerate(action.rows):
            names = {**frame.names, "i": count}
            row_scope = replace(scope, names=names)
            cells = [cell.read(row_scope) for cell in row]
            inner = self.within(frame, step, str(count))
            inner = replace(inner, names={**names, **dict(zip(action.columns, cells, strict=True))})
            source = self.steps(inner, action.layers, source)
        return source

    def join(self, frame: Frame, step: Step, action: Join, sources: tuple[str, ...]) -> str:
        branches = sources if action.branches is None else self.branches(frame, step, action, sources)
        if action.branches is None and step.source is None:
            raise RuleError(f"`{action.op}` needs branches, or streams: `from: [a, b]`")
        if len(branches) < 2 and action.branches is None:
            raise RuleError(f"`{action.op}` of one stream", option="from")
        name = frame.prefix + (step.component or (step.name[0] if step.name else action.op))
        return self.add(name, JOIN_OPERATIONS[action.op], branches)

    def branches(self, frame: Frame, step: Step, action: Join, sources: tuple[str, ...]) -> tuple[str, ...]:
        if len(sources) > 1:
            raise RuleError("branches start from one stream", hint="leave the branches out to join them", option="from")
        start = sources[0] if sources else None
        ends = []
        for branch in action.branches or ():
            inner = replace(self.within(frame, step, branch.key), streams=dict(frame.streams))
            end = self.steps(inner, branch.layers, start)
            ends.append(self.passed(end)[0])
        return tuple(ends)

    def call(self, frame: Frame, step: Step, action: Call, sources: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
        file, body, label, settings = self.callee(frame, action.spec.read(scope))
        calls, labels = (*frame.calls, body), (*frame.labels, label)
        if any(body is call for call in frame.calls):
            raise RuleError(f"a spec that calls itself: {' → '.join(labels)}", option="spec")
        given = {name: value.read(scope) for name, value in action.arguments.items()}
        for name in given:
            if name not in body.parameters:
                raise RuleError(
                    f"`{label}` has no parameter `{name}`", hint=nearest(name, body.parameters), option=name
                )
        given = {**settings, **given}
        names, streams = _bind_call(file, body, given, sources, self.shapes, label)
        prefix, nesting = self.prefix(frame, step), frame.nesting + 1
        inner = Frame(file, body, names, streams, prefix, nesting, calls, labels)
        current = next(iter(streams.values())) if len(streams) == 1 else None
        return self.outputs(inner, self.steps(inner, body.layers, current))

    def callee(self, frame: Frame, name: str) -> tuple[SpecFile, Body, str, dict[str, Value]]:
        """Find what a call means: a block of the same file, or another spec with its variant's settings."""
        block = frame.file.spec.blocks.get(name)
        if block is not None:
            return frame.file, block, name, {}
        try:
            target = self.library.open(name)
        except UsageError as error:
            raise RuleError(error.message, hint=error.hint, option="spec") from None
        settings: dict[str, Value] = {}
        if target.variant is not None:
            settings = self._settings(target.file, target.file.spec.variants[target.variant], {})
        return target.file, target.file.spec, target.name, settings


class _StreamShapes(Mapping[str, Shape]):
    """The shapes of named streams, looked up only when an expression asks."""

    __slots__ = ("shapes", "streams")

    def __init__(self, streams: Mapping[str, str], shapes: Mapping[str, Shape]) -> None:
        self.streams = streams
        self.shapes = shapes

    def __getitem__(self, name: str) -> Shape:
        return self.shapes[self.streams[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.streams)

    def __len__(self) -> int:
        return len(self.streams)


def _loop_length(times: int) -> int:
    if times > MAX_STEPS:
        raise RuleError(f"a loop of {times}; at most {MAX_STEPS} steps are taken", option="times")
    return times


def _check_parameters(given: Mapping[str, Value], target: Target) -> None:
    known = target.file.spec.parameters
    for name, value in given.items():
        if name not in known:
            hint = nearest(name, known) or (f"it has {', '.join(known)}" if known else "it has none")
            raise UsageError(f"`{target.name}` has no parameter `{name:.80}`", hint=hint)
        try:
            bounded(value)
        except RuleError as error:
            raise UsageError(f"{name}: {error.message}") from None


def _bind_inputs(
    file: SpecFile, given: Mapping[str, Value], shape: Shape | None, label: str
) -> tuple[dict[str, Value], dict[str, Shape]]:
    """Settle a spec's parameters and the shapes of its inputs, from an input shape if one is given."""
    spec = file.spec
    if shape is None:
        names = _parameters(file, spec, given, label)
        scope = Scope(names, {})
        return names, {name: _sizes(entry, scope) for name, entry in spec.input.items()}
    if len(spec.input) != 1:
        raise UsageError(f"`{label}` has {len(spec.input)} inputs; an input shape can be given to one only")
    (stream,) = spec.input
    names = _parameters(file, spec, _taken(spec, given, {stream: shape}, label), label)
    return names, {stream: shape}


def _sizes(entry: tuple[Reader[int], ...], scope: Scope) -> Shape:
    return tuple([size.read(scope) for size in entry])


def _bind_call(
    file: SpecFile,
    body: Body,
    given: Mapping[str, Value],
    sources: tuple[str, ...],
    shapes: Mapping[str, Shape],
    label: str,
) -> tuple[dict[str, Value], dict[str, str]]:
    """Settle a called body's parameters and streams from the streams that enter."""
    inputs = list(body.input) or ["input"]
    if len(sources) != len(inputs):
        wanted = f"`from: [{', '.join(inputs)}]`" if len(inputs) > 1 else "one stream"
        raise RuleError(f"`{label}` takes {wanted}; {len(sources)} enter", option="from")
    streams = dict(zip(inputs, sources, strict=True))
    entering = {name: shapes[source] for name, source in streams.items()}
    return _parameters(file, body, _taken(body, given, entering, label), label), streams


def _taken(body: Body, given: Mapping[str, Value], entering: Mapping[str, Shape], label: str) -> dict[str, Value]:
    """Let the parameters that stand alone in an input take the stream's sizes; they must agree with what is given."""
    taken = dict(given)
    for stream, entry in body.input.items():
        shape = entering[stream]
        if len(shape) != len(entry):
            raise RuleError(f"`{label}` takes a map, not a vector of {shape[0]}")
        for size, actual in zip(entry, shape, strict=True):
            name = size.written
            if not is_word(name) or name not in body.parameters:
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


def _place(error: RuleError, file: SpecFile, step: Step, scope: Scope) -> Problem:
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


@contextmanager
def _located(file: SpecFile, at: Any) -> Iterator[None]:
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
