"""Blocks of a network, read from the names of its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

ENDINGS = ("_pad", "_norm", "_act")  # of the nodes that a shorthand puts before and behind its own


@dataclass(slots=True)
class _Tree:
    """What stands at a component of names and below it."""

    names: list[str] = field(default_factory=list)
    is_node: bool = False
    children: dict[str, _Tree] = field(default_factory=dict)


def blocks(names: Iterable[str]) -> dict[str, list[str]]:
    """Divide nodes into blocks, by the first component of their names; each block has its nodes in their order.

    Where all that stands below a component is counted (`stage.0`, `stage.1`), or nothing else stands beside it,
    each part is a block. What a shorthand appends (`stem_norm`, `stem_act`) belongs to its own node's block.
    """
    parts = dict(_split(_grow(names), ""))
    found: dict[str, list[str]] = {}
    for name, tree in parts.items():
        found.setdefault(_without_ending(name, parts), []).extend(tree.names)
    return found


def _grow(names: Iterable[str]) -> _Tree:
    root = _Tree()
    for name in names:
        tree = root
        for component in name.split("."):
            tree = tree.children.setdefault(component, _Tree())
            tree.names.append(name)
        tree.is_node = True
    return root


def _split(tree: _Tree, before: str) -> Iterator[tuple[str, _Tree]]:
    for component, child in tree.children.items():
        name = f"{before}{component}"
        alone = len(tree.children) == 1
        if not child.is_node and (alone or all(part.isdigit() for part in child.children)):
            yield from _split(child, f"{name}.")
        else:
            yield name, child


def _without_ending(name: str, known: Mapping[str, object]) -> str:
    for ending in ENDINGS:
        if name.endswith(ending) and name.removesuffix(ending) in known:
            return name.removesuffix(ending)
    return name
