"""Where an expansion is: the body that is run, what it sees, and the streams that enter and leave its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cnnx.errors import RuleError, nearest
from cnnx.graph.operation import Shape
from cnnx.spec.actions import Join, Step
from cnnx.spec.model import Body, SpecFile
from cnnx.spec.values import Value

Sources = tuple[str, ...]  # names of nodes or inputs


class Callee(NamedTuple):
    """A body that is being expanded: its file, and the bodies that called it, outermost first."""

    file: SpecFile
    body: Body
    label: str
    callers: tuple[Callee, ...] = ()


class Frame(NamedTuple):
    """Where an expansion is: what it sees, and what the names of its nodes begin with."""

    callee: Callee
    names: Mapping[str, Value]  # parameters and counters
    streams: Streams
    prefix: str
    nesting: int


class Streams(Mapping[str, Shape]):
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

    def copy(self) -> Streams:
        """Give the same streams, to which a branch can bind its own."""
        return Streams(dict(self.sources), self.shapes)


def named_sources(names: Sequence[str], streams: Streams) -> Sources:
    """Find the streams of `from`."""
    for name in names:
        if name not in streams.sources:
            raise RuleError(f"there is no stream `{name}` here", hint=nearest(name, streams), option="from")
    return tuple([streams.sources[name] for name in names])


def bind(streams: Streams, names: Sequence[str], results: Sources) -> None:
    """Name the streams that leave a step."""
    if len(results) > 1 and len(names) != len(results):
        raise RuleError(f"{len(results)} streams leave this step", hint="name them all: `name: [a, b]`", option="name")
    if len(names) > len(results):
        raise RuleError(f"{len(names)} names for one stream", option="name")
    streams.sources.update(zip(names, results, strict=True))


def at_most_one(sources: Sources, step: Step) -> str | None:
    """Give the stream that enters a step that takes one, if one enters."""
    if len(sources) > 1:
        raise RuleError(f"{len(sources)} streams enter, but `{step.action.op}` takes one", option="from")
    return sources[0] if sources else None


def joined(action: Join, step: Step, sources: Sources) -> Sources:
    """Give the streams of `from` that a join without branches takes."""
    if step.source is None:
        raise RuleError(f"`{action.op}` needs branches, or streams: `from: [a, b]`")
    if len(sources) < 2:
        raise RuleError(f"`{action.op}` of one stream", option="from")
    return sources


def only(sources: Sources, step: Step) -> str:
    """Give the one stream that enters a step."""
    source = at_most_one(sources, step)
    if source is None:
        raise RuleError("no stream enters this step", hint="say which one: `from: …`")
    return source


def left(source: str | None) -> tuple[str]:
    """Give the stream that leaves the steps of a group, a loop or a branch."""
    if source is None:
        raise RuleError("no stream leaves these steps", hint="let the first say which one enters: `from: …`")
    return (source,)


def prefix_of(frame: Frame, step: Step) -> str:
    """Give what the names of the nodes within a step begin with."""
    return f"{frame.prefix}{step.component}." if step.component else frame.prefix


def within(frame: Frame, step: Step, count: int | None = None, names: Mapping[str, Value] | None = None) -> Frame:
    """Give the frame for what a group or one pass of a loop contains."""
    prefix = prefix_of(frame, step) if count is None else f"{prefix_of(frame, step)}{count}."
    return Frame(frame.callee, frame.names if names is None else names, frame.streams, prefix, frame.nesting + 1)
