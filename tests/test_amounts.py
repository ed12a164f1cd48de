"""Amounts of a budget: what each unit means, exactly, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cnnx.analysis.budgets.amounts import read_bytes, read_count, read_tolerance
from cnnx.errors import RuleError


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("5500000", 5_500_000),
        ("5_500_000", 5_500_000),
        ("5,500,000", 5_500_000),
        ("5.5M", 55 * 10**5),
        (" 5.5 M ", 55 * 10**5),
        ("4K", 4 * 10**3),
        ("1.2G", 12 * 10**8),
        ("0.3T", 3 * 10**11),
        ("1_000K", 10**6),
        ("5.4829999M", 5_482_999),  # 5,482,999.9: no count uses up a part of one
        ("0.1M", 10**5),  # exactly, where a binary fraction of 0.1 would not be
        ("999999999999999999999999999999", 10**30 - 1),
    ],
)
def test_a_count(text: str, count: int) -> None:
    assert read_count(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0B", 0),
        ("1024", 1024),
        ("20MiB", 20 * 1024 * 1024),
        ("22MB", 22 * 10**6),
        ("1.5KiB", 1536),
        ("0.3MiB", 314_572),  # 314,572.8
        ("1GB", 10**9),
        ("1GiB", 2**30),
        ("2TB", 2 * 10**12),
        ("2TiB", 2 * 2**40),
        ("1_048_576 B", 2**20),
    ],
)
def test_bytes(text: str, count: int) -> None:
    assert read_bytes(text) == count


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`` is not an amount; write a number with its unit, such as 5.5M or 5_500_000"),
        ("lots", "`lots` is not an amount; "),
        ("nan", "`nan` is not an amount; "),
        ("inf", "`inf` is not an amount; "),
        ("1e6", "`1e6` is not an amount; "),
        ("0x10", "`0x10` is not an amount; "),
        (".5M", "`.5M` is not an amount; "),
        ("5.M", "`5.M` is not an amount; "),
        ("5__0", "`5__0` is not an amount; "),
        ("55,00", "`55,00` is not an amount; "),
        ("5,500_000", "`5,500_000` is not an amount; "),
        ("٣M", "`٣M` is not an amount; "),
        ("5.5M\n6", "`5.5M\\n6` is not an amount; "),
        ("-5M", "`-5M` is negative, and nothing could hold"),
        ("−5M", "`−5M` is negative, and nothing could hold"),
        ("-inf", "`-inf` is negative, and nothing could hold"),
        ("9" * 31, f"`{'9' * 31}` has more than 30 digits"),
        ("5.5m", "`5.5m`: there is no unit `m`; did you mean `M`?"),
        ("5X", "`5X`: there is no unit `X`; the units are K, M, G, T"),
        ("5.5", "`5.5` is no whole number; is a unit missing?"),
        ("22MB", "`22MB` is bytes, and this is a count; write 5.5M or 5_500_000"),
    ],
)
def test_what_is_no_count(text: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_count(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("20M", "`20M` does not say which bytes; write 20MB (20,000,000 bytes) or 20MiB (20,971,520 bytes)"),
        ("20mib", "`20mib`: there is no unit `mib`; did you mean `MiB`?"),
        ("20bit", "`20bit`: there is no unit `bit`; the units are B, KB, MB, GB, TB, KiB, MiB, GiB, TiB"),
        ("1.5B", "`1.5B` is no whole number; is a unit missing?"),
        ("-1", "`-1` is negative"),
        ("NaN", "`NaN` is not an amount; write a number with its unit, such as 20MiB or 22MB"),
    ],
)
def test_what_is_no_number_of_bytes(text: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_bytes(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "share"), [("1%", Fraction(1, 100)), ("0.5 %", Fraction(1, 200)), ("0", Fraction(0)), ("0%", Fraction(0))]
)
def test_a_tolerance(text: str, share: Fraction) -> None:
    assert read_tolerance(text) == share


@pytest.mark.parametrize("text", ["", "1", "-1%", "nan%", "%", "1e3%", "1 percent", "1234567%"])
def test_what_is_no_tolerance(text: str) -> None:
    with pytest.raises(RuleError, match="is not a tolerance; write a share in percent, such as 1% or"):
        read_tolerance(text)
