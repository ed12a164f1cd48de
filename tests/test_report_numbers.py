"""Every way in which a number is written, at its edges."""

from __future__ import annotations

import pytest

from cnnx.report.numbers import aligned, bar, counted, exact, interval, percent, ratio, short, significant, value


@pytest.mark.parametrize(
    ("number", "in_full", "in_short"),
    [
        (0, "0", "0"),
        (1, "1", "1"),
        (999, "999", "999"),
        (1000, "1,000", "1.00K"),
        (9_994, "9,994", "9.99K"),
        (9_996, "9,996", "10.0K"),
        (69_632, "69,632", "69.6K"),
        (999_499, "999,499", "999K"),
        (999_500, "999,500", "1.00M"),
        (1_849_688_064, "1,849,688,064", "1.85G"),
        (10**9, "1,000,000,000", "1.00G"),
        (10**18, "1,000,000,000,000,000,000", "1.00E"),
        (123 * 10**30, "123" + ",000" * 10, "1.23e32"),
    ],
)
def test_an_integer_is_written_in_full_or_with_three_digits(number: int, in_full: str, in_short: str) -> None:
    assert exact(number) == in_full
    assert short(number) == in_short


def test_an_integer_beyond_every_float_is_written_too() -> None:
    assert short(10**400) == "1.00e400"


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"),
        (0.0451, "0.0451"),
        (0.04515, "0.0452"),
        (0.9994, "0.999"),
        (0.9996, "1.00"),
        (1, "1.00"),
        (9.996, "10.0"),
        (12.34, "12.3"),
        (99.96, "100"),
        (999.6, "1,000"),
        (1234.5, "1,234"),
    ],
)
def test_a_measured_number_has_three_digits(number: float, written: str) -> None:
    assert significant(number) == written


def test_a_ratio_is_marked_as_one_and_may_be_missing() -> None:
    assert ratio(589824 / 69632) == "8.47×"
    assert ratio(69632 / 589824) == "0.118×"
    assert ratio(1.0) == "1.00×"
    assert ratio(None) == "–"


def test_the_bounds_of_an_interval_have_the_digits_of_the_upper_one() -> None:
    assert interval(3.0512, 3.1849) == "3.05–3.18"
    assert interval(9.5, 10.5) == "9.5–10.5"
    assert interval(0.0, 0.0) == "0.00–0.00"


def test_shares_are_percent_and_bars() -> None:
    assert percent(0.3125) == "31.2 %"
    assert percent(None) == "–"
    assert bar(1.0, 8) == "█" * 8
    assert bar(0.5, 8) == "█" * 4
    assert bar(1 / 64, 8) == "▏"  # 8·8 eighths in the whole: one of them
    assert bar(0.0, 8) == bar(None, 8) == ""


def test_one_thing_is_not_several() -> None:
    assert counted(0, "round") == "0 rounds"
    assert counted(1, "round") == "1 round"
    assert counted(1000, "round") == "1,000 rounds"


def test_points_stand_beneath_each_other() -> None:
    assert aligned(["0.662", "12.3", "5"]) == ("0.662", "12.3  ", "5    ")


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"),
        (589824, "589,824"),
        (0.0, "0"),
        (8.470588, "8.47059"),
        (0.065188, "0.065188"),
        (12345.678, "12,345.7"),
        (True, "true"),
        ([2, 4.5], "[2, 4.5]"),
    ],
)
def test_what_an_expression_gave_is_written_with_its_digits(number: object, written: str) -> None:
    assert value(number) == written
