"""Where a graph spends its weights, multiply–adds, bytes and time, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnx.analysis.environment import Environment
from cnnx.analysis.figures import ELEMENT_BYTES, Figures, NodeFigures
from cnnx.analysis.memory import Memory
from cnnx.analysis.tree import Branch, grow
from cnnx.graph.operation import Shape

if TYPE_CHECKING:
    from cnnx.analysis.records import Measurement, TimeByNode

ENDINGS = ("_pad", "_norm", "_act")  # of the nodes that a shorthand puts before and behind its own


@dataclass(frozen=True, slots=True)
class BlockProfile:
    """What one block takes of the whole; figures are for one image, times for the measured batch."""

    name: str
    nodes: int
    output: Shape
    params: int
    macs: int
    moved_bytes: int  # read and written by its nodes: inputs, weights, outputs
    milliseconds: float
    params_share: float | None  # shares of the whole; None where the whole is nothing
    macs_share: float | None
    moved_share: float | None
    time_share: float | None  # of the sum over all nodes


@dataclass(frozen=True, slots=True)
class Profile:
    """A graph's figures, its measured latency, and what its blocks take."""

    label: str
    title: str
    figures: Figures
    memory: Memory
    blocks: tuple[BlockProfile, ...]
    measurement: Measurement
    times: TimeByNode
    environment: Environment


def profile_blocks(figures: Figures, times: TimeByNode) -> tuple[BlockProfile, ...]:
    """Add up figures and measured times by block, in execution order."""
    size = ELEMENT_BYTES[figures.dtype]
    measured = {node.name: node.milliseconds for node in times.nodes}
    whole = (figures.params, figures.macs, figures.memory_access_elements, times.sum_ms)
    return tuple([_block(name, nodes, measured, whole, size) for name, nodes in blocks(figures.by_node)])


def _block(
    name: str,
    nodes: Sequence[NodeFigures],
    measured: Mapping[str, float],
    whole: tuple[int, int, int, float],
    size: int,
) -> BlockProfile:
    params, macs = sum(node.params for node in nodes), sum(node.macs for node in nodes)
    moved = sum(node.memory_access_elements for node in nodes)
    milliseconds = sum(measured.get(node.name, 0.0) for node in nodes)
    return BlockProfile(
        name=name,
        nodes=len(nodes),
        output=nodes[-1].output,
        params=params,
        macs=macs,
        moved_bytes=moved * size,
        milliseconds=milliseconds,
        params_share=_share(params, whole[0]),
        macs_share=_share(macs, whole[1]),
        moved_share=_share(moved, whole[2]),
        time_share=_share(milliseconds, whole[3]),
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def blocks(nodes: Iterable[NodeFigures]) -> list[tuple[str, list[NodeFigures]]]:
    """Divide nodes into blocks, by the first component of their names.

    Where all that stands below a component is counted (`stage.0`, `stage.1`), or nothing else stands beside it,
    each part is a block. What a shorthand appends (`stem_norm`, `stem_act`) belongs to its own node's block.
    """
    parts = dict(_split(grow(nodes), ""))
    found: dict[str, list[NodeFigures]] = {}
    for name, branch in parts.items():
        found.setdefault(_without_ending(name, parts), []).extend(branch.nodes())
    return list(found.items())


def _split(branch: Branch, before: str) -> Iterator[tuple[str, Branch]]:
    for component, child in branch.children.items():
        name = f"{before}{component}"
        alone = len(branch.children) == 1
        if child.node is None and (alone or all(part.isdigit() for part in child.children)):
            yield from _split(child, f"{name}.")
        else:
            yield name, child


def _without_ending(name: str, known: Mapping[str, object]) -> str:
    for ending in ENDINGS:
        if name.endswith(ending) and name.removesuffix(ending) in known:
            return name.removesuffix(ending)
    return name
