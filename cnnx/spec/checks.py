"""What can be checked in a validated spec before it is expanded: that its names exist.

Names that only turn out to be missing for certain parameters are found when the spec is expanded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cnnx.errors import Problem, nearest
from cnnx.spec.actions import OPERATIONS, Call, Each, Group, Join, Repeat, Step
from cnnx.spec.expressions import INCOMING
from cnnx.spec.model import Body, Published, Spec, Worked, find_mark
from cnnx.spec.places import Reader, is_word
from cnnx.spec.yaml_reader import Mark, MarkedDict, Source


def check_spec(
    spec: Spec,
    data: MarkedDict,
    source: Source,
    is_spec: Callable[[str], bool],
    spec_names: Callable[[], list[str]],
) -> list[Problem]:
    """Give every name in a spec that cannot be resolved, with its place and the nearest right one."""
    checker = _Checker(spec, source, is_spec, spec_names)
    checker.body(spec, data, ())
    for name, block in spec.blocks.items():
        checker.body(block, data, ("blocks", name))
    checker.tables(spec, data)
    return checker.problems


@dataclass(frozen=True, slots=True)
class _Names:
    """What is visible at a step: parameters and counters, and the streams that may have been bound."""

    parameters: frozenset[str]
    streams: frozenset[str]


class _Checker:
    def __init__(
        self, spec: Spec, source: Source, is_spec: Callable[[str], bool], spec_names: Callable[[], list[str]]
    ) -> None:
        self.spec = spec
        self.source = source
        self.is_spec = is_spec
        self.spec_names = spec_names
        self.problems: list[Problem] = []

    def problem(self, at: Mark, message: str, hint: str = "") -> None:
        self.source.note(self.problems, at, message, hint)

    def body(self, body: Body, data: MarkedDict, path: tuple[str, ...]) -> None:
        earlier: set[str] = set()
        for name, value in body.parameters.items():
            self.expression(value, earlier, find_mark(data, (*path, "parameters", name)))
            earlier.add(name)
        for name, shape in body.input.items():
            for axis, size in enumerate(shape):
                self.expression(size, earlier, find_mark(data, (*path, "input", name, axis)))
        start = _Names(frozenset(earlier), frozenset(body.input) or frozenset({"input"}))
        end = self.steps(body.layers, start)
        for name in body.outputs or ():
            if name not in end.streams:
                at = find_mark(data, (*path, "outputs"))
                self.problem(at, f"there is no stream `{name}` to give out", nearest(name, end.streams))

    def tables(self, spec: Spec, data: MarkedDict) -> None:
        """Check the names in blocks, variants, published and worked figures."""
        for kind, names in (("blocks", spec.blocks), ("variants", spec.variants)):
            for name in names:
                if name in OPERATIONS:
                    at = find_mark(data, (kind, name), of_key=True)
                    self.problem(at, f"`{name}` is an operation and cannot name one of the {kind}")
        for variant, settings in spec.variants.items():
            self.settings(settings, spec, data, ("variants", variant))
        if spec.default is not None and spec.default not in spec.variants:
            self.problem(
                find_mark(data, ("default",)), f"no variant `{spec.default}`", nearest(spec.default, spec.variants)
            )
        tables: dict[str, Sequence[Published | Worked]] = {"published": spec.published, "worked": spec.worked}
        for kind, rows in tables.items():
            for number, row in enumerate(rows):
                self.settings(row.arguments, spec, data, (kind, number, "with"))
                if row.of is not None and row.of not in spec.variants:
                    at = find_mark(data, (kind, number, "of"))
                    self.problem(at, f"no variant `{row.of}`", nearest(row.of, spec.variants))

    def settings(
        self, settings: dict[str, Reader[Any]], spec: Spec, data: MarkedDict, path: tuple[str | int, ...]
    ) -> None:
        for name, value in settings.items():
            if name not in spec.parameters:
                at = find_mark(data, (*path, name), of_key=True)
                self.problem(at, f"no parameter `{name}`", nearest(name, spec.parameters))
            self.expression(value, spec.parameters, find_mark(data, (*path, name)))

    def expression(self, reader: Reader[Any], known: Iterable[str], at: Mark) -> None:
        for name in sorted(reader.names.difference(known)):
            self.problem(at, f"unknown name `{name}`", nearest(name, [*known, *INCOMING]))

    def steps(self, steps: list[Step], names: _Names) -> _Names:
        for step in steps:
            names = self.step(step, names)
        return names

    def step(self, step: Step, names: _Names) -> _Names:
        if step.when is not None:
            self.expression(step.when, names.parameters, step.mark("when"))
        for stream in step.source or ():
            # Under a condition the stream may be bound exactly where it is read: expansion will see.
            if step.when is None and stream not in names.streams:
                self.problem(step.mark("from"), f"there is no stream `{stream}`", nearest(stream, names.streams))
        streams = self.action(step, names)
        return replace(names, streams=streams | set(step.name or ()))

    def action(self, step: Step, names: _Names) -> frozenset[str]:
        """Check what a step does; give the streams that may be bound after it."""
        action = step.action
        for option, value in _readers(action):
            self.expression(value, names.parameters, step.mark(option))
        if isinstance(action, Join):
            for branch in action.branches or ():
                self.steps(branch.layers, names)
            if action.passes is not None:
                self.expression(action.passes.times, names.parameters, step.mark("times"))
                self.loop(action.passes.layers, names, {action.passes.counter})
        elif isinstance(action, Group):
            return self.steps(action.layers, names).streams
        elif isinstance(action, Repeat):
            return self.loop(action.layers, names, {action.counter})
        elif isinstance(action, Each):
            for row in action.rows:
                for value in row:
                    self.expression(value, names.parameters, step.mark("rows"))
            return self.loop(action.layers, names, {"i", *action.columns})
        elif isinstance(action, Call):
            self.call(action, step, names)
        return names.streams

    def loop(self, layers: list[Step], names: _Names, counters: set[str]) -> frozenset[str]:
        # What one pass binds, the next can read.
        inner = _Names(names.parameters | counters, names.streams | set(_bound(layers)))
        return self.steps(layers, inner).streams

    def call(self, action: Call, step: Step, names: _Names) -> None:
        written = action.spec.written
        for name, value in action.arguments.items():
            self.expression(value, names.parameters, step.mark(name))
        if not is_word(written) or written in names.parameters:
            return
        block = self.spec.blocks.get(written)
        if block is not None:
            for name in action.arguments:
                if name not in block.parameters:
                    self.problem(
                        step.mark(name), f"`{written}` has no parameter `{name}`", nearest(name, block.parameters)
                    )
        elif not self.is_spec(written):
            choices = [*OPERATIONS, *self.spec.blocks, *self.spec_names()]
            self.problem(step.mark("spec"), f"unknown operation or spec `{written}`", nearest(written, choices))


def _readers(action: Any) -> Iterator[tuple[str, Reader[Any]]]:
    for name in type(action).model_fields:
        value = getattr(action, name)
        if isinstance(value, Reader) and value.names:
            yield name, value


def _bound(steps: list[Step]) -> Iterator[str]:
    """Give the streams that steps bind for what follows them; those of branches end with the branch."""
    for step in steps:
        yield from step.name or ()
        if isinstance(step.action, Group | Repeat | Each):
            yield from _bound(step.action.layers)
