"""The roofline: what a machine can do at most, and on which side of it a piece of work lies.

Work that does few operations for each byte it moves is bound by memory, other work by arithmetic; the machine's
balance, its operations a second over its bytes a second, divides the two.
Source: S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model for multicore
architectures", Communications of the ACM 52 (4), 2009.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COMPUTE, MEMORY = "compute", "memory"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a device reached at best: operations a second in a matrix product, bytes a second in a copy.

    A copy counts what it reads and what it writes. `environment` is what the limits belong to; `measured_at` is
    local time in ISO 8601; `kept` tells that they were measured by an earlier run and kept.
    """

    device: str
    dtype: str
    threads: int | None  # None on a GPU
    flops_per_second: float
    bytes_per_second: float
    product_size: int  # rows and columns of the square factors
    copy_bytes: int  # of the array that was copied
    measured_at: str
    environment: Mapping[str, str | int | None]
    warnings: tuple[str, ...] = ()
    kept: bool = False

    @property
    def balance(self) -> float:
        """The operations for each byte at which arithmetic and memory take equally long."""
        return self.flops_per_second / self.bytes_per_second


@dataclass(frozen=True, slots=True)
class Placement:
    """Where work lies under the roofline; what cannot be told is None.

    `roof_share` is the time that the applicable limit asks for over the time that was measured. It may exceed 1:
    where data stays in caches, bytes are moved faster than by a copy of a large array.
    """

    flops_per_byte: float | None = None
    bound: str | None = None  # `compute` or `memory`
    flops_per_second: float | None = None
    bytes_per_second: float | None = None
    roof_share: float | None = None


def place(flops: int, moved_bytes: int, seconds: float | None, limits: Limits | None) -> Placement:
    """Place work of so many operations and bytes, done in so many seconds, under the roofline of `limits`."""
    if not flops and not moved_bytes:
        return Placement()
    return Placement(
        flops_per_byte=flops / moved_bytes if moved_bytes else None,
        bound=None if limits is None else _bound(flops, moved_bytes, limits),
        flops_per_second=flops / seconds if seconds else None,
        bytes_per_second=moved_bytes / seconds if seconds else None,
        roof_share=None if limits is None or not seconds else _least_seconds(flops, moved_bytes, limits) / seconds,
    )


def _bound(flops: int, moved_bytes: int, limits: Limits) -> str:
    by_arithmetic = flops / limits.flops_per_second
    return COMPUTE if by_arithmetic >= moved_bytes / limits.bytes_per_second else MEMORY


def _least_seconds(flops: int, moved_bytes: int, limits: Limits) -> float:
    return max(flops / limits.flops_per_second, moved_bytes / limits.bytes_per_second)
