"""Where in a spec's own file each node comes from: a second expansion that watches the steps that are taken."""

from __future__ import annotations

from collections.abc import Mapping

from cnnx.graph.expand import Expansion
from cnnx.graph.frame import Frame
from cnnx.graph.operation import Shape
from cnnx.spec.actions import Step
from cnnx.spec.library import Library, Target
from cnnx.spec.model import SpecFile
from cnnx.spec.values import Value
from cnnx.spec.yaml_reader import Mark


class _Watched(Expansion):
    """An expansion that notes for every node the innermost step of one file that it comes from."""

    def __init__(self, library: Library, file: SpecFile) -> None:
        super().__init__(library)
        self.file = file
        self.marks: dict[str, Mark] = {}

    def step(self, frame: Frame, step: Step, current: str | None) -> str | None:
        before = len(self.nodes)
        result = super().step(frame, step, current)
        if frame.callee.file is self.file:
            for node in self.nodes[before:]:
                self.marks.setdefault(node.name, step.mark())  # the inner steps have been noted already
        return result


def find_marks(
    target: Target,
    library: Library,
    parameters: Mapping[str, Value] | None = None,
    input_shape: Shape | None = None,
) -> dict[str, Mark]:
    """Give the place of every node's step in the file of the spec; of a called spec's nodes, that of the call.

    Raises what `expand` raises.
    """
    watched = _Watched(library, target.file)
    watched.run(target, dict(parameters or {}), input_shape)
    return watched.marks
