"""Expansion of a spec into a graph: calls, loops, branches and conditions are run, names are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from cnnx.errors import RuleError, SpecError, UsageError
from cnnx.graph.binding import (
    bind_call,
    bind_inputs,
    check_arguments,
    check_cycle,
    check_parameters,
    located,
    variant_settings,
)
from cnnx.graph.blame import at_layer, place
from cnnx.graph.frame import (
    Callee,
    Frame,
    Sources,
    Streams,
    at_most_one,
    bind,
    joined,
    left,
    named_sources,
    only,
    prefix_of,
    within,
)
from cnnx.graph.graph import Graph, Node
from cnnx.graph.joins import Add, Concat, Multiply, Warp
from cnnx.graph.lower import ENTERING, lower
from cnnx.graph.operation import Operation, Shape
from cnnx.spec.actions import Branch, Call, Each, Group, Join, Pass, Repeat, Step
from cnnx.spec.expressions import Scope
from cnnx.spec.library import Library, Target
from cnnx.spec.options import Action
from cnnx.spec.values import Value
from cnnx.spec.yaml_reader import Mark

MAX_NODES = 50_000
MAX_STEPS = 100_000
MAX_NESTING = 100

Act = Callable[[Any, Frame, Step, Sources, Scope], Sources]

JOIN_OPERATIONS: Mapping[str, Operation] = {"add": Add(), "multiply": Multiply(), "concat": Concat(), "warp": Warp()}


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
    return Expansion(library).run(target, dict(parameters or {}), input_shape)


class Expansion:
    """The state of one expansion: the nodes so far, their shapes, and how many steps were taken."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.name = ""  # of what is expanded
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {}
        self.steps_taken = 0

    def run(self, target: Target, given: dict[str, Value], input_shape: Shape | None) -> Graph:
        """Expand a target: its parameters and inputs, its steps, its outputs."""
        self.name, file, spec = target.name, target.file, target.file.spec
        check_parameters(given, target)
        settings: dict[str, Value] = {}
        if target.variant is not None:
            settings = variant_settings(file, spec.variants[target.variant], given)
        with located(file, file.mark("input")):
            names, inputs = bind_inputs(target, settings, given, input_shape)
        self.shapes.update(inputs)
        current = next(iter(inputs)) if len(inputs) == 1 else None
        streams = Streams({name: name for name in inputs}, self.shapes)
        frame = Frame(Callee(file, spec, target.name), names, streams, "", 0)
        outputs = self.outputs(frame, self.steps(frame, spec.layers, current))
        own = {name: names[name] for name in spec.parameters}
        with located(file, file.mark("layers")):
            return Graph(target.name, tuple(self.nodes), inputs, outputs, own)

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
        """Make an error at a place of the file that is being expanded."""
        return SpecError([frame.callee.file.problem(at, message, hint)])

    def steps(self, frame: Frame, steps: Sequence[Step], current: str | None) -> str | None:
        """Run steps one after the other; give the stream that leaves the last one."""
        if frame.nesting > MAX_NESTING:
            raise self.error(frame, steps[0].mark(), f"steps nested more than {MAX_NESTING} levels deep")
        for step in steps:
            current = self.step(frame, step, current)
        return current

    def step(self, frame: Frame, step: Step, current: str | None) -> str | None:
        """Run one step; give the stream that leaves it, or the one above where it is as if it were not written."""
        self.steps_taken += 1
        if self.steps_taken > MAX_STEPS:
            raise self.error(frame, step.mark(), f"more than {MAX_STEPS} steps; is a loop too long?")
        scope = self.scope(frame, current)
        try:
            if step.when is not None and not step.when.read(scope):
                return current
            if step.source is not None:
                sources = named_sources(step.source, frame.streams)
                scope = self.scope(frame, sources[0])
            else:
                sources = () if current is None else (current,)
            results = self.ACTS.get(type(step.action), Expansion.primitive)(self, frame, step, sources, scope)
            if step.name is not None or len(results) > 1:
                bind(frame.streams, step.name or (), results)
        except RuleError as error:
            raise SpecError([place(error, frame.callee.file, step, scope)]) from None
        return results[0]

    def scope(self, frame: Frame, current: str | None) -> Scope:
        """Give what an expression sees in a step that this stream enters."""
        return Scope(frame.names, frame.streams, None if current is None else self.shapes[current])

    def primitive(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        """Append the nodes of an operation and of its shorthands."""
        source, name = only(sources, step), frame.prefix + step.component
        ends = {ENTERING: source}
        for ending, operation, reads in lower(step.action, scope, frame.callee.file.appended):
            if reads is not None:
                sources = tuple([ends[part] for part in reads])
            source = ends[ending] = self.add(name + ending, operation, sources)
            sources = (source,)
        return sources

    def add(self, name: str, operation: Operation, sources: Sources) -> str:
        """Append a node; give its name."""
        shapes = self.shapes
        if len(shapes) >= MAX_NODES:
            raise RuleError(f"more than {MAX_NODES} nodes")
        if name in shapes:
            raise RuleError(f"two nodes are named `{name}`", hint="give one of them a `name`")
        entering = [shapes[source] for source in sources]
        try:
            shape = operation.shape(*entering)
        except RuleError as error:
            raise at_layer(error, name, self.name, entering) from None
        self.nodes.append(Node(name, operation, sources, shape))
        shapes[name] = shape
        return name

    def pass_on(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        """Let the stream through, under a name or from one."""
        return (only(sources, step),)

    def group(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        """Run the steps of a group."""
        assert isinstance(step.action, Group)
        inner = within(frame, step)
        return left(self.steps(inner, step.action.layers, at_most_one(sources, step)))

    def repeat(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        """Run the steps of a loop, each pass behind the one before."""
        action = step.action
        assert isinstance(action, Repeat)
        source = at_most_one(sources, step)
        for count in range(_loop_length(action.times.read(scope))):
            inner = within(frame, step, count, {**frame.names, action.counter: count})
            source = self.steps(inner, action.layers, source)
        return left(source)

    def each(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        """Run the steps of a table, row by row."""
        action = step.action
        assert isinstance(action, Each)
        source = at_most_one(sources, step)
        for count, row in enumerate(action.rows):
            names = {**frame.names, "i": count}
            row_scope = Scope(names, scope.streams, scope.incoming)
            names.update(zip(action.columns, [cell.read(row_scope) for cell in row], strict=True))
            source = self.steps(within(frame, step, count, names), action.layers, source)
        return left(source)

    def join(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        """Join branches, the passes of a loop, or streams."""
        action = step.action
        assert isinstance(action, Join)
        if action.passes is not None:
            branches = self.passes(frame, step, action.passes, sources, scope)
        elif action.branches is not None:
            branches = self.branches(frame, step, action.branches, sources)
        else:
            branches = joined(action, step, sources)
        name = frame.prefix + (step.component or (step.name[0] if step.name else action.op))
        return (self.add(name, JOIN_OPERATIONS[action.op], branches),)

    def branches(self, frame: Frame, step: Step, branches: Sequence[Branch], sources: Sources) -> Sources:
        """Run each branch on the stream that enters; give the streams that leave them."""
        start = at_most_one(sources, step)
        prefix = prefix_of(frame, step)
        ends = []
        for branch in branches:
            streams = frame.streams.copy()
            inner = Frame(frame.callee, frame.names, streams, f"{prefix}{branch.key}.", frame.nesting + 1)
            ends.append(left(self.steps(inner, branch.layers, start))[0])
        return tuple(ends)

    def passes(self, frame: Frame, step: Step, loop: Repeat, sources: Sources, scope: Scope) -> Sources:
        """Run every pass of a loop as a branch of its own."""
        start = at_most_one(sources, step)
        times = _loop_length(loop.times.read(scope))
        if times < 1:
            raise RuleError(f"`{step.action.op}` of {times} passes; at least 1 is needed", option="times")
        ends = []
        for count in range(times):
            inner = within(frame, step, count, {**frame.names, loop.counter: count})
            inner = inner._replace(streams=frame.streams.copy())
            ends.append(left(self.steps(inner, loop.layers, start))[0])
        return tuple(ends)

    def call(self, frame: Frame, step: Step, sources: Sources, scope: Scope) -> Sources:
        """Run the steps of a called body, which sees its own parameters and inputs alone."""
        action = step.action
        assert isinstance(action, Call)
        self.steps_taken += 4  # a call takes as long as five steps
        callee, settings = self.callee(frame, action.spec.read(scope))
        check_cycle(callee)
        given = {name: value.read(scope) for name, value in action.arguments.items()}
        check_arguments(given, callee)
        names, inputs = bind_call(callee, settings, given, sources, self.shapes)
        inner = Frame(callee, names, Streams(inputs, self.shapes), prefix_of(frame, step), frame.nesting + 1)
        current = sources[0] if len(inputs) == 1 else None
        return self.outputs(inner, self.steps(inner, callee.body.layers, current))

    def callee(self, frame: Frame, name: str) -> tuple[Callee, dict[str, Value]]:
        """Find what a call means: a block of the same file, or another spec with its variant's settings."""
        caller = frame.callee
        callers = (*caller.callers, caller)
        block = caller.file.spec.blocks.get(name)
        if block is not None:
            return Callee(caller.file, block, name, callers), {}
        if name == caller.file.name:  # by its path, a spec need not be one that the library finds
            return Callee(caller.file, caller.file.spec, name, callers), {}
        try:
            target = self.library.open(name)
        except UsageError as error:
            raise RuleError(error.message, hint=error.hint, option="spec") from None
        settings: dict[str, Value] = {}
        if target.variant is not None:
            settings = variant_settings(target.file, target.file.spec.variants[target.variant], {})
        return Callee(target.file, target.file.spec, target.name, callers), settings

    ACTS: ClassVar[Mapping[type[Action], Act]] = {
        Pass: pass_on,
        Group: group,
        Repeat: repeat,
        Each: each,
        Join: join,
        Call: call,
    }


def _loop_length(times: int) -> int:
    if times > MAX_STEPS:
        raise RuleError(f"a loop of {times}; at most {MAX_STEPS} steps are taken", option="times")
    return int(times)
