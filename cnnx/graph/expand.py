"""Expansion of a spec into a graph: calls, loops, branches and conditions are run, names are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from cnnx.errors import Problem, RuleError, SpecError, UsageError, nearest
from cnnx.graph.graph import Graph, Node
from cnnx.graph.joins import Add, Concat, Multiply
from cnnx.graph.lower import lower
from cnnx.graph.operation import Operation, Shape, show_shape
from cnnx.spec.actions import Branch, Call, Each, Group, Join, Pass, Repeat, Step, Strict
from cnnx.spec.expressions import Scope, Value, bounded
from cnnx.spec.library import Library, Target
from cnnx.spec.model import Body, SpecFile
from cnnx.spec.places import Reader, check_count, is_word
from cnnx.spec.yaml_reader import Mark

MAX_NODES = 50_000
MAX_STEPS = 100_000
MAX_NESTING = 100

Sources = tuple[str, ...]  # names of nodes or inputs
Act = Callable[[Any, "Frame", Step, Sources, Scope], Sources]

JOIN_OPERATIONS: Mapping[str, Operation] = {"add": Add(), "multiply": Multiply(), "concat": Concat()}


@dataclass(frozen=True, slots=True)
class Callee:
    """A body that is being expanded: its file, and the bodies that called it, outermost first."""

    file: SpecFile
    body: Body
    label: str
    callers: tuple[Callee, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """Where an expansion is: what it sees, and what the names of its nodes begin with."""

    callee: Callee
    names: Mapping[str, Value]  # parameters and counters
    streams: _Streams
    prefix: str
    nesting: int


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
        streams = _Streams({name: name for name in inputs}, self.shapes)
        frame = Frame(Callee(file, spec, target.name), names, streams, "", 0)
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
        callee, known = frame.callee, frame.streams.sources
        if callee.body.outputs is not None:
            bound = tuple(known[name] for name in callee.body.outputs if name in known)
            if bound:
                return bound
        if last is None:
            raise self.error(frame, callee.file.mark("layers"), "no step gives a stream that could leave")
        return (last,)

    def error(self, frame: Frame, at: Mark, message: str, hint: str = "") -> SpecError:
        return SpecError([frame.callee.file.problem(at, message, hint)])

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
            if step.source is not None:
                sources = _named_sources(step.source, frame.streams)
                scope = self.scope(frame, sources[0])
            else:
                sources = () if current is None else (current,)
            results = self.ACTS.get(type(step.action), _Expansion.primitive)(self, frame, step, sources, scope)
            if step.name is not None or len(results) > 1:
                _bind(frame.streams, step.name or (), results)
        except RuleError as error:
            raise SpecError([_place(error, frame.callee.file, step, scope)]) from None
        return results[0]

    def scope(self, frame: Frame, current: str | None) -> Scope:
        return Scope(frame.names, frame.streams, None if current is None else self.shapes[current])

    def primitive(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        source, name = _only(sources, step), frame.prefix + step.component
        for ending, operation in lower(step.action, scope, frame.callee.file.norm):
            source = self.add(name + ending, operation, (source,))
        return (source,)

    def add(self, name: str, operation: Operation, sources: Sources) -> str:
        """Append a node; give its name."""
        shapes = self.shapes
        if len(shapes) >= MAX_NODES:
            raise RuleError(f"more than {MAX_NODES} nodes")
        if name in shapes:
            raise RuleError(f"two nodes are named `{name}`", hint="give one of them a `name`")
        shape = operation.shape(*[shapes[source] for source in sources])
        self.nodes.append(Node(name, operation, sources, shape))
        shapes[name] = shape
        return name

    def pass_on(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        return (_only(sources, step),)

    def group(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        assert isinstance(step.action, Group)
        inner = _within(frame, step)
        return _left(self.steps(inner, step.action.layers, _at_most_one(sources, step)))

    def repeat(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        action = step.action
        assert isinstance(action, Repeat)
        source = _at_most_one(sources, step)
        for count in range(_loop_length(action.times.read(scope))):
            inner = _within(frame, step, count, {**frame.names, action.counter: count})
            source = self.steps(inner, action.layers, source)
        return _left(source)

    def each(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        action = step.action
        assert isinstance(action, Each)
        source = _at_most_one(sources, step)
        for count, row in enumerate(action.rows):
            names = {**frame.names, "i": count}
            row_scope = Scope(names, scope.streams, scope.incoming)
            names.update(zip(action.columns, [cell.read(row_scope) for cell in row], strict=True))
            source = self.steps(_within(frame, step, count, names), action.layers, source)
        return _left(source)

    def join(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        action = step.action
        assert isinstance(action, Join)
        if action.passes is not None:
            branches = self.passes(frame, step, action.passes, sources, scope)
        elif action.branches is not None:
            branches = self.branches(frame, step, action.branches, sources)
        else:
            branches = _joined(action, step, sources)
        name = frame.prefix + (step.component or (step.name[0] if step.name else action.op))
        return (self.add(name, JOIN_OPERATIONS[action.op], branches),)

    def branches(self, frame: Frame, step: Step, branches: Sequence[Branch], sources: Sources) -> Sources:
        start = _at_most_one(sources, step)
        prefix = _prefix(frame, step)
        ends = []
        for branch in branches:
            streams = frame.streams.copy()
            inner = Frame(frame.callee, frame.names, streams, f"{prefix}{branch.key}.", frame.nesting + 1)
            ends.append(_left(self.steps(inner, branch.layers, start))[0])
        return tuple(ends)

    def passes(self, frame: Frame, step: Step, loop: Repeat, sources: Sources, scope: Scope) -> Sources:
        """Run every pass of a loop as a branch of its own."""
        start = _at_most_one(sources, step)
        times = _loop_length(loop.times.read(scope))
        if times < 1:
            raise RuleError(f"`{step.action.op}` of {times} passes; at least 1 is needed", option="times")
        ends = []
        for count in range(times):
            inner = _within(frame, step, count, {**frame.names, loop.counter: count})
            inner = replace(inner, streams=frame.streams.copy())
            ends.append(_left(self.steps(inner, loop.layers, start))[0])
        return tuple(ends)

    def call(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        action = step.action
        assert isinstance(action, Call)
        callee, settings = self.callee(frame, action.spec.read(scope))
        _check_cycle(callee)
        given = {name: value.read(scope) for name, value in action.arguments.items()}
        _check_arguments(given, callee)
        names, inputs = _bind_call(callee, {**settings, **given}, sources, self.shapes)
        streams = _Streams(inputs, self.shapes)
        inner = Frame(callee, names, streams, _prefix(frame, step), frame.nesting + 1)
        current = sources[0] if len(inputs) == 1 else None
        return self.outputs(inner, self.steps(inner, callee.body.layers, current))

    def callee(self, frame: Frame, name: str) -> tuple[Callee, dict[str, Value]]:
        """Find what a call means: a block of the same file, or another spec with its variant's settings."""
        caller = frame.callee
        callers = (*caller.callers, caller)
        block = caller.file.spec.blocks.get(name)
        if block is not None:
            return Callee(caller.file, block, name, callers), {}
        try:
            target = self.library.open(name)
        except UsageError as error:
            raise RuleError(error.message, hint=error.hint, option="spec") from None
        settings: dict[str, Value] = {}
        if target.variant is not None:
            settings = self._settings(target.file, target.file.spec.variants[target.variant], {})
        return Callee(target.file, target.file.spec, target.name, callers), settings

    ACTS: ClassVar[Mapping[type[Strict], Act]] = {
        Pass: pass_on,
        Group: group,
        Repeat: repeat,
        Each: each,
        Join: join,
        Call: call,
    }


class _Streams(Mapping[str, Shape]):
    """The named streams of a frame: which node each is and, as a mapping, which shape each has."""

    __slots__ = ("shapes", "sources")

    def __init__(self, sources: dict[str, str], shapes: Mapping[str, Shape]) -> None:
        self.sources = sources
        self.shapes = shapes

    def __getitem__(self, name: str) -> Shape:
        return self.shapes[self.sources[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.sources)

    def __len__(self) -> int:
        return len(self.sources)

    def copy(self) -> _Streams:
        """Give the same streams, to which a branch can bind its own."""
        return _Streams(dict(self.sources), self.shapes)


def _named_sources(names: Sequence[str], streams: _Streams) -> Sources:
    """Find the streams of `from`."""
    for name in names:
        if name not in streams.sources:
            raise RuleError(f"there is no stream `{name}` here", hint=nearest(name, streams), option="from")
    return tuple([streams.sources[name] for name in names])


def _bind(streams: _Streams, names: Sequence[str], results: Sources) -> None:
    """Name the streams that leave a step."""
    if len(results) > 1 and len(names) != len(results):
        raise RuleError(f"{len(results)} streams leave this step", hint="name them all: `name: [a, b]`", option="name")
    if len(names) > len(results):
        raise RuleError(f"{len(names)} names for one stream", option="name")
    streams.sources.update(zip(names, results, strict=True))


def _at_most_one(sources: Sources, step: Step) -> str | None:
    if len(sources) > 1:
        raise RuleError(f"{len(sources)} streams enter, but `{step.action.op}` takes one", option="from")
    return sources[0] if sources else None


def _joined(action: Join, step: Step, sources: Sources) -> Sources:
    """Give the streams of `from` that a join without branches takes."""
    if step.source is None:
        raise RuleError(f"`{action.op}` needs branches, or streams: `from: [a, b]`")
    if len(sources) < 2:
        raise RuleError(f"`{action.op}` of one stream", option="from")
    return sources


def _only(sources: Sources, step: Step) -> str:
    source = _at_most_one(sources, step)
    if source is None:
        raise RuleError("no stream enters this step", hint="say which one: `from: …`")
    return source


def _left(source: str | None) -> tuple[str]:
    if source is None:
        raise RuleError("no stream leaves these steps", hint="let the first say which one enters: `from: …`")
    return (source,)


def _prefix(frame: Frame, step: Step) -> str:
    return f"{frame.prefix}{step.component}." if step.component else frame.prefix


def _within(frame: Frame, step: Step, count: int | None = None, names: Mapping[str, Value] | None = None) -> Frame:
    """Give the frame for what a group or one pass of a loop contains."""
    prefix = _prefix(frame, step) if count is None else f"{_prefix(frame, step)}{count}."
    return Frame(frame.callee, frame.names if names is None else names, frame.streams, prefix, frame.nesting + 1)


def _check_cycle(callee: Callee) -> None:
    if any(caller.body is callee.body for caller in callee.callers):
        labels = " → ".join([caller.label for caller in callee.callers] + [callee.label])
        raise RuleError(f"a spec that calls itself: {labels}", option="spec")


def _check_arguments(given: Mapping[str, Value], callee: Callee) -> None:
    known = callee.body.parameters
    for name in given:
        if name not in known:
            raise RuleError(f"`{callee.label}` has no parameter `{name}`", hint=nearest(name, known), option=name)


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
    callee: Callee, given: Mapping[str, Value], sources: Sources, shapes: Mapping[str, Shape]
) -> tuple[dict[str, Value], dict[str, str]]:
    """Settle a called body's parameters and inputs from the streams that enter."""
    body, label = callee.body, callee.label
    inputs = list(body.input) or ["input"]
    if len(sources) != len(inputs):
        wanted = f"`from: [{', '.join(inputs)}]`" if len(inputs) > 1 else "one stream"
        raise RuleError(f"`{label}` takes {wanted}; {len(sources)} enter", option="from")
    streams = dict(zip(inputs, sources, strict=True))
    entering = {name: shapes[source] for name, source in streams.items()}
    return _parameters(callee.file, body, _taken(body, given, entering, label), label), streams


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
def _located(file: SpecFile, at: Mark) -> Iterator[None]:
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
