"""Where a network spends its weights, operations, bytes and time, by parts of one's choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cnnx.analysis.environment import Environment
from cnnx.analysis.figures import ELEMENT_BYTES, Figures
from cnnx.analysis.memory.inference import Alive, Memory
from cnnx.analysis.memory.training import Backward, NodeBackward
from cnnx.analysis.models.figures import ModelCount
from cnnx.analysis.profiling.parts import ORDERED, Group, Part, group_parts
from cnnx.analysis.profiling.roofline import Limits, Placement, place
from cnnx.analysis.profiling.runs import Failure, Run
from cnnx.analysis.profiling.training_runs import ProfiledTraining
from cnnx.graph.operation import Shape


@dataclass(frozen=True, slots=True)
class Row:
    """What one group of nodes takes of the whole.

    Weights, MACs and FLOPs are for one image; bytes, times and the place under the roofline are for a call with the
    whole batch. FLOPs are by cnnx's own convention. Shares are None where the whole is nothing or was not measured.
    """

    name: str
    operation: str  # where the row is one node; else empty
    nodes: int
    output: Shape | None  # where the row has one
    params: int
    macs: int
    flops: int
    moved_bytes: int  # read and written by its nodes: inputs, weights, outputs
    milliseconds: float | None
    params_share: float | None
    macs_share: float | None
    flops_share: float | None
    moved_share: float | None
    time_share: float | None  # of the sum over all nodes
    placement: Placement
    backward_macs: int | None = None  # of the backward pass, where training was asked for
    backward_flops: int | None = None
    backward_share: float | None = None  # of the backward FLOPs


@dataclass(frozen=True, slots=True)
class ProfiledRun:
    """One device and batch: what is predicted, what was measured or why not, and the rows of the table by parts.

    `whole` is the network as one row, with the measured latency of a call.
    """

    device: str
    batch: int
    predicted: Memory | None
    live_by_node: tuple[Alive, ...]  # predicted bytes while each node runs; empty where they cannot be told
    limits: Limits | None
    run: Run | None
    failure: Failure | None
    rows: tuple[Row, ...]
    whole: Row
    training: ProfiledTraining | None = None  # where it was asked for


@dataclass(frozen=True, slots=True)
class Profile:
    """A network's figures and its runs, one for each device and batch, in the order in which they were asked for."""

    label: str
    title: str
    figures: Figures
    by: str  # what the rows are: block, layer, operation, category or memory
    runs: tuple[ProfiledRun, ...]
    environment: Environment
    top: int | None = None  # how many rows were asked for
    model: ModelCount | None = None  # of a model that cnnx did not build: how its figures came about

    @property
    def measured(self) -> tuple[ProfiledRun, ...]:
        """The runs that were measured."""
        return tuple(run for run in self.runs if run.run is not None)


@dataclass(frozen=True, slots=True)
class Scale:
    """What the figures of a row are held against."""

    batch: int
    element_bytes: int
    limits: Limits | None
    milliseconds: Mapping[str, float]  # of the parts, by name; empty where nothing was measured
    backward: Mapping[str, NodeBackward]  # of the parts, by name; empty where training was not asked for


def profile_rows(
    parts: Sequence[Part],
    by: str,
    top: int | None,
    dtype: str,
    batch: int,
    run: Run | None,
    limits: Limits | None,
    backward: Backward | None = None,
) -> tuple[Row, ...]:
    """Give the rows of a table by block, layer, operation or category.

    Rows without an order of their own, and those of a `top` few, go by time, the longest first (by FLOPs, where
    nothing was measured). What is not among the `top` stands together in a last row.
    """
    times = {} if run is None or run.times is None else {node.name: node.milliseconds for node in run.times.nodes}
    scale = Scale(batch, ELEMENT_BYTES[dtype], limits, times, _by_name(backward))
    whole = _row(Group("", tuple(parts)), scale)
    rows = [(group, _row(group, scale, whole)) for group in group_parts(parts, by)]
    if top is not None or by not in ORDERED:
        rows.sort(key=lambda pair: (-(pair[1].milliseconds or 0.0), -pair[1].flops))
    if top is not None and len(rows) > top + 1:  # one left out would take as much room as it saves
        others = Group(f"{len(rows) - top} others", tuple(part for group, _ in rows[top:] for part in group.parts))
        rows = [*rows[:top], (others, _row(others, scale, whole))]
    return tuple(row for _, row in rows)


def whole_row(
    label: str,
    parts: Sequence[Part],
    dtype: str,
    batch: int,
    run: Run | None,
    limits: Limits | None,
    backward: Backward | None = None,
) -> Row:
    """Give the network as one row, with the latency that was measured for the whole."""
    latency = None if run is None else run.latency.median
    scale = Scale(batch, ELEMENT_BYTES[dtype], limits, {}, _by_name(backward))
    return _row(Group(label, tuple(parts)), scale, milliseconds=latency)


def _by_name(backward: Backward | None) -> dict[str, NodeBackward]:
    return {} if backward is None else {node.name: node for node in backward.by_node}


def _row(group: Group, scale: Scale, whole: Row | None = None, milliseconds: float | None = None) -> Row:
    parts = group.parts
    if milliseconds is None and scale.milliseconds:
        milliseconds = sum(scale.milliseconds.get(part.name, 0.0) for part in parts)
    params, macs, flops = (sum(values) for values in _columns(parts))
    moved = scale.element_bytes * sum(part.moved_elements(scale.batch) for part in parts)
    seconds = None if milliseconds is None else milliseconds / 1e3
    backward = [scale.backward[part.name] for part in parts if part.name in scale.backward]
    backward_flops = sum(node.flops for node in backward) if scale.backward else None
    return Row(
        name=group.name,
        operation=group.operation,
        nodes=len(parts),
        output=group.output,
        params=params,
        macs=macs,
        flops=flops,
        moved_bytes=moved,
        milliseconds=milliseconds,
        params_share=_share(params, None if whole is None else whole.params),
        macs_share=_share(macs, None if whole is None else whole.macs),
        flops_share=_share(flops, None if whole is None else whole.flops),
        moved_share=_share(moved, None if whole is None else whole.moved_bytes),
        time_share=_share(milliseconds, None if whole is None else whole.milliseconds),
        placement=place(scale.batch * flops, moved, seconds, scale.limits),
        backward_macs=sum(node.macs for node in backward) if scale.backward else None,
        backward_flops=backward_flops,
        backward_share=_share(backward_flops, None if whole is None else whole.backward_flops),
    )


def _columns(parts: Sequence[Part]) -> tuple[list[int], list[int], list[int]]:
    return [part.params for part in parts], [part.macs for part in parts], [part.flops for part in parts]


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole
