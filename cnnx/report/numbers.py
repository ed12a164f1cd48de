"""How every number is written. The only place that turns a figure into text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

UNITS = ("", "K", "M", "G", "T", "P", "E")
NOTHING = "–"  # what was not asked for or cannot be had


def exact(number: int) -> str:
    """Write an integer in full: `69,632`."""
    return f"{number:,}"


def short(number: int) -> str:
    """Write an integer with three digits and K, M, G … for powers of 1000: `69.6K`; below 1000 in full."""
    if abs(number) < 1000:
        return str(number)
    # Rounded first, so that 999,500 is 1.00M and not 1000K.
    digits, power = f"{Decimal(number):.2e}".split("e")
    unit, before = divmod(int(power), 3)
    if unit >= len(UNITS):
        return f"{digits}e{int(power)}"
    return f"{Decimal(digits).scaleb(before):.{2 - before}f}{UNITS[unit]}"


def significant(number: float) -> str:
    """Write a measured number with three digits, and whole from 100 on: `0.0451`, `1.23`, `12.3`, `1,234`."""
    if number == 0:
        return "0"
    power = int(f"{number:.2e}".split("e")[1])
    return f"{number:,.{max(0, 2 - power)}f}"


def ratio(number: float | None) -> str:
    """Write how many times as much: `8.47×`."""
    return NOTHING if number is None else f"{significant(number)}×"


def interval(low: float, high: float) -> str:
    """Write two bounds with the digits of the upper one: `3.05–3.18`."""
    power = int(f"{high:.2e}".split("e")[1]) if high else 0
    decimals = max(0, 2 - power)
    return f"{low:,.{decimals}f}–{high:,.{decimals}f}"


def counted(number: int, what: str) -> str:
    """Write a number of things: `1 round`, `60 rounds`."""
    return f"{exact(number)} {what}{'' if number == 1 else 's'}"


def aligned(cells: Sequence[str]) -> tuple[str, ...]:
    """Fill numbers on the right so that their points stand beneath each other."""
    behind = [len(cell) - cell.index(".") if "." in cell else 0 for cell in cells]
    return tuple([cell + " " * (max(behind) - own) for cell, own in zip(cells, behind, strict=True)])


def percent(share: float | None) -> str:
    """Write a share of the whole: `31.2 %`."""
    return NOTHING if share is None else f"{100 * share:.1f} %"


def bar(share: float | None, width: int) -> str:
    """Draw a share of the whole as a bar of at most `width` characters, to an eighth of one."""
    eighths = round(8 * width * share) if share else 0
    rest = "" if eighths % 8 == 0 else " ▏▎▍▌▋▊▉"[eighths % 8]
    return "█" * (eighths // 8) + rest


def value(number: object) -> str:
    """Write what an expression gave: an integer in full, a decimal with up to six digits, true, false, or a list."""
    if isinstance(number, bool):
        return str(number).lower()
    if isinstance(number, list):
        return f"[{', '.join(map(value, number))}]"
    return f"{number:,.6g}" if isinstance(number, float) else f"{number:,}" if isinstance(number, int) else str(number)
