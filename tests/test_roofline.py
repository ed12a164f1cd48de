"""The roofline: on which side work lies, and how near to the roof it comes."""

from __future__ import annotations

import pytest

from cnnx.analysis.profiling.roofline import Placement, place
from tests.records import LIMITS


def test_the_balance_divides_compute_from_memory() -> None:
    assert LIMITS.balance == 200e9 / 20e9
    assert place(1000, 100, None, LIMITS).bound == "compute"  # 10 FLOP/byte, as the balance
    assert place(999, 100, None, LIMITS).bound == "memory"


def test_work_bound_by_memory() -> None:
    # 10⁹ operations take 5 ms at the most a second, 4·10⁸ bytes 20 ms: at the roof in 20 ms, at half of it in 40.
    found = place(10**9, 4 * 10**8, 0.04, LIMITS)
    assert (found.flops_per_byte, found.bound) == (2.5, "memory")
    assert [found.flops_per_second, found.bytes_per_second] == pytest.approx([10**9 / 0.04, 10**10])
    assert found.roof_share == pytest.approx(0.5)


def test_work_bound_by_arithmetic() -> None:
    found = place(4 * 10**9, 10**8, 0.025, LIMITS)
    assert found.bound == "compute"
    assert found.roof_share == pytest.approx(4e9 / 200e9 / 0.025)


def test_what_cannot_be_told_is_none() -> None:
    assert place(0, 0, 1.0, LIMITS) == Placement()  # a view
    assert place(10, 5, None, None) == Placement(flops_per_byte=2.0)
    assert place(10, 0, 1.0, LIMITS).flops_per_byte is None
    assert place(0, 5, 1.0, LIMITS).bound == "memory"
