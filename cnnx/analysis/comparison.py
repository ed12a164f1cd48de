"""Several graphs held against each other: figures, cross-checks and latencies, with ratios to the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from cnnx.analysis.environment import Environment
from cnnx.analysis.figures import Figures
from cnnx.analysis.memory.inference import Memory
from cnnx.graph.operation import elements

if TYPE_CHECKING:
    from cnnx.analysis.claims.accuracy import Accuracy
    from cnnx.analysis.models.figures import ModelCount
    from cnnx.analysis.records import CrossCheck, Latency, LatencyRatio, Measurement

Measured: TypeAlias = "tuple[Measurement, Environment]"


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One of the compared: figures for one image; once it is held against others, what was seen and its ratios."""

    label: str  # as it was named: `bottleneck@r=8`
    title: str
    figures: Figures
    memory: Memory | None  # None where it cannot be predicted
    accuracy: Accuracy | None = None  # as published; None where the spec states none for these settings
    model: ModelCount | None = None  # of a model that cnnx did not build: how its figures came about
    params_ratio: float | None = None  # None where the first has none
    macs_ratio: float | None = None
    crosscheck: CrossCheck | None = None
    latency: Mapping[str, Latency] = field(default_factory=dict)  # by device
    latency_ratio: Mapping[str, LatencyRatio | None] = field(default_factory=dict)  # None for the first itself

    @property
    def top1(self) -> float | None:
        """The published top-1 accuracy in percent."""
        return None if self.accuracy is None else self.accuracy.top1

    @property
    def top5(self) -> float | None:
        """The published top-5 accuracy in percent."""
        return None if self.accuracy is None else self.accuracy.top5


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found; `environments` has one for each device on which latency was measured."""

    rows: tuple[ComparisonRow, ...]
    first: str  # the label of the row that the ratios are to
    environment: Environment
    dtype: str
    batch: int
    environments: Mapping[str, Environment] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices on which latency was measured."""
        return tuple(self.environments)

    @property
    def convention(self) -> str:
        """The convention that the FLOPs of all rows are by."""
        return self.rows[0].figures.convention

    @property
    def inputs_differ(self) -> bool:
        """Whether the rows do not all take the same shapes."""
        return len({tuple(row.figures.input.values()) for row in self.rows}) > 1

    @property
    def agrees(self) -> bool:
        """Whether no counter saw anything but the static figures."""
        return all(row.crosscheck is None or row.crosscheck.agree for row in self.rows)


def compare(
    rows: Sequence[ComparisonRow],
    environment: Environment,
    *,
    batch: int = 1,
    crosschecks: Sequence[CrossCheck | None] = (),
    measured: Mapping[str, Measured] | None = None,
) -> Comparison:
    """Hold rows against the first of them, and put to each what was seen of it.

    `crosschecks`, unless empty, has an entry for each row; `measured` has what was measured, by device. `batch` is told
    where no memory tells it.
    """
    measured = measured or {}
    first = rows[0]
    held = [
        replace(
            row,
            params_ratio=_ratio(row.figures.params, first.figures.params),
            macs_ratio=_ratio(row.figures.macs, first.figures.macs),
            crosscheck=crosschecks[number] if crosschecks else None,
            latency={device: found.latencies[number] for device, (found, _) in measured.items()},
            latency_ratio={device: found.ratios_to_first[number] for device, (found, _) in measured.items()},
        )
        for number, row in enumerate(rows)
    ]
    environments = {device: where for device, (_, where) in measured.items()}
    said = [warning for found, where in measured.values() for warning in (*found.warnings, *where.warnings)]
    return Comparison(
        rows=tuple(held),
        first=first.label,
        environment=next(iter(environments.values()), environment),
        dtype=first.figures.dtype,
        batch=next((row.memory.batch for row in rows if row.memory is not None), batch),
        environments=environments,
        warnings=tuple(dict.fromkeys(said)),
    )


def _ratio(number: int, first: int) -> float | None:
    return number / first if first else None


def _latency(row: ComparisonRow) -> float | None:
    return next((latency.median for latency in row.latency.values()), None)


def _field_area(figures: Figures) -> int | None:
    sizes = [field.size for field in figures.receptive_field.values()]
    return max([size[0] * size[1] for size in sizes if size is not None], default=None)


# What rows can be sorted by: the names of the columns.
SORT_KEYS: Mapping[str, Callable[[ComparisonRow], float | None]] = {
    "input": lambda row: sum(map(elements, row.figures.input.values())),
    "output": lambda row: sum(map(elements, row.figures.output.values())),
    "params": lambda row: row.figures.params,
    "buffers": lambda row: row.figures.buffers,
    "macs": lambda row: row.figures.macs,
    "flops": lambda row: row.figures.flops,
    "weight_bytes": lambda row: row.figures.weight_bytes,
    "buffer_bytes": lambda row: row.figures.buffer_bytes,
    "activation_elements": lambda row: row.figures.activation_elements,
    "memory_access_elements": lambda row: row.figures.memory_access_elements,
    "intensity": lambda row: row.figures.flops_per_byte,
    "peak_inference_bytes": lambda row: None if row.memory is None else row.memory.peak.bytes,
    "training_bytes": lambda row: None if row.memory is None else row.memory.training.bytes,
    "receptive_field": lambda row: _field_area(row.figures),
    "top1": lambda row: row.top1,
    "top5": lambda row: row.top5,
    "latency": _latency,
}


def sort_rows(comparison: Comparison, column: str, *, descending: bool = False) -> Comparison:
    """Sort the rows by a column of `SORT_KEYS`, those without a value last; ratios stay those to the first named."""
    key = SORT_KEYS[column]
    known = [row for row in comparison.rows if key(row) is not None]
    unknown = [row for row in comparison.rows if key(row) is None]
    ordered = sorted(known, key=lambda row: key(row) or 0, reverse=descending)
    return replace(comparison, rows=(*ordered, *unknown))
