"""The figures of a model that cnnx did not build: what its operators cost, where, and which are unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnnx.analysis.figures import Figures
from cnnx.graph.operation import Category, Operation

if TYPE_CHECKING:
    from cnnx.analysis.records import CounterResult


@dataclass(frozen=True, slots=True)
class Dispatched(Operation):
    """An operator of torch with all its calls in one module; `calls` is 0 for weights that no operator is known to use.

    It stands where an operation of a graph does in the figures of a node, for what tables say of it.
    """

    operator: str  # as torch calls it, without its library: `convolution`
    kind: Category
    calls: int
    module: str = ""  # the path of the module that calls it; "" is the model itself
    weight_elements: int = 0  # of what is read, weights and buffers, in all its calls

    @property
    def word(self) -> str:  # type: ignore[override]  # of an operation of the language, it is the type's
        """The operator's name."""
        return self.operator

    @property
    def category(self) -> Category:  # type: ignore[override]  # the same
        """What kind of work it does."""
        return self.kind

    def describe(self) -> str:
        """Say `×3` of an operator that is called three times."""
        return f"×{self.calls}" if self.calls > 1 else ""


@dataclass(frozen=True, slots=True)
class UnknownOperator:
    """An operator that cnnx has no rule for: how often it was called, by the paths of the modules that called it.

    It is counted nowhere: the figures hold what is known.
    """

    name: str  # as torch calls it: `aten::_fft_r2c`
    calls_by_module: Mapping[str, int]  # "" is the model itself

    @property
    def calls(self) -> int:
        """How often it was called in all."""
        return sum(self.calls_by_module.values())


@dataclass(frozen=True, slots=True)
class ModelCount:
    """What a model costs, as its operators were dispatched, for the inputs that it was given.

    `figures` holds weights and buffers once, however often they are used, and every call of an operator; its nodes
    are operators by the module that calls them. `types` has the class of each module by its path. `device` is where
    the counting ran: `meta`, which holds no data, or `cpu`. `others` are other counters beside it. `notes` say what was
    done otherwise than usual, and why.
    """

    figures: Figures
    types: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[UnknownOperator, ...] = ()
    device: str = "meta"
    others: tuple[CounterResult, ...] = ()
    notes: tuple[str, ...] = ()
