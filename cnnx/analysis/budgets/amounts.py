"""Amounts as people write them in a budget: `5.5M` of a count, `20MiB` of bytes, a tolerance of `1%`.

K, M, G and T are powers of 1000. Bytes are written B, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers
of 1024). Digits may stand in groups, `5_500_000` or `5,500,000`. Amounts are exact decimals: nothing is rounded in
between, and what is left of a whole one at the end is cut off, since no figure can use it up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from cnnx.errors import RuleError, brief

MAX_DIGITS = 30

_AMOUNT = re.compile(r"(?P<number>[0-9][0-9_,]*(?:\.[0-9]+)?) ?(?P<unit>[A-Za-z]*)", re.ASCII)
_GROUPED = re.compile(r"[0-9]+|[0-9]{1,3}(?:_[0-9]{3})+|[0-9]{1,3}(?:,[0-9]{3})+")
_PERCENT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?%", re.ASCII)

COUNT_UNITS: Mapping[str, int] = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
BYTE_UNITS: Mapping[str, int] = {
    "": 1,
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
}


def read_count(text: str) -> int:
    """Read a number of things: `5.5M`, `220M`, `1.2G`, `5_500_000`. Raises `RuleError`."""
    number, unit = _divide(text, "5.5M or 5_500_000")
    if unit in COUNT_UNITS:
        return _whole(text, number, COUNT_UNITS[unit])
    if unit in BYTE_UNITS:
        raise RuleError(f"`{text}` is bytes, and this is a count", hint="write 5.5M or 5_500_000")
    raise _unknown(text, unit, COUNT_UNITS)


def read_bytes(text: str) -> int:
    """Read a number of bytes: `20MiB`, `22MB`, `5_500_000`. Raises `RuleError`."""
    number, unit = _divide(text, "20MiB or 22MB")
    if unit in BYTE_UNITS:
        return _whole(text, number, BYTE_UNITS[unit])
    if unit in COUNT_UNITS:
        meant = [f"{text.strip()}{end} ({int(number * BYTE_UNITS[unit + end]):,} bytes)" for end in ("B", "iB")]
        raise RuleError(f"`{text}` does not say which bytes", hint=f"write {meant[0]} or {meant[1]}")
    raise _unknown(text, unit, BYTE_UNITS)


def read_tolerance(text: str) -> Fraction:
    """Read a share that something may grow by: `1%`, `0.5%`, `0`. Raises `RuleError`."""
    found = _PERCENT.fullmatch(text.strip())
    if found is not None:
        return Fraction(found[1]) / 100
    if text.strip() == "0":
        return Fraction(0)
    raise RuleError(f"`{brief(text, 40)}` is not a tolerance", hint="write a share in percent, such as 1% or 0.5%")


def _divide(text: str, example: str) -> tuple[Fraction, str]:
    """Divide an amount into its number and its unit."""
    written = text.strip()
    if written.startswith(("-", "−")):
        raise RuleError(f"`{brief(text, 40)}` is negative, and nothing could hold")
    found = _AMOUNT.fullmatch(written)
    whole, point, decimals = ("", "", "") if found is None else found["number"].partition(".")
    if found is None or _GROUPED.fullmatch(whole) is None:
        raise RuleError(
            f"`{brief(text, 40)}` is not an amount", hint=f"write a number with its unit, such as {example}"
        )
    digits = whole.replace("_", "").replace(",", "")
    if len(digits) + len(decimals) > MAX_DIGITS:
        raise RuleError(f"`{brief(text, 40)}` has more than {MAX_DIGITS} digits")
    return Fraction(f"{digits}{point}{decimals}"), found["unit"]


def _whole(text: str, number: Fraction, unit: int) -> int:
    """Cut off what is left of a whole one; a part of a single one is a unit that was forgotten."""
    if unit == 1 and number.denominator != 1:
        raise RuleError(f"`{brief(text, 40)}` is no whole number", hint="is a unit missing?")
    return int(number * unit)


def _unknown(text: str, unit: str, units: Mapping[str, int]) -> RuleError:
    """Say that a unit is none of these; where only its capitals are wrong, offer the right one."""
    known = [name for name in units if name]
    same = next((name for name in known if name.lower() == unit.lower()), None)
    hint = f"did you mean `{same}`?" if same else f"the units are {', '.join(known)}"
    return RuleError(f"`{brief(text, 40)}`: there is no unit `{brief(unit, 20)}`", hint=hint)
