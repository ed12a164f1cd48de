from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import pytest

from cnnx.analysis.formulas.carrying import expression_of, plain
from cnnx.analysis.formulas.conditions import Trail
from cnnx.analysis.formulas.explanation import write_condition
from cnnx.analysis.formulas.notation import Writer
from cnnx.analysis.formulas.pairs import Pair, RealPair
from cnnx.analysis.formulas.polynomial import constant, symbol
from cnnx.analysis.formulas.workings import write_numbers, write_working
from cnnx.spec.expressions import Scope, compile_expression
from cnnx.spec.places import check_count


class Numbers:
    """c = 256, g = 32, r = 4 on one trail."""

    def __init__(self) -> None:
        self.trail = Trail()
        self.c, self.g, self.r = (self.pair(name, number) for name, number in (("c", 256), ("g", 32), ("r", 4)))

    def pair(self, name: str, number: int) -> Pair:
        return Pair(number, symbol(name), self.trail)

    def conditions(self) -> list[str]:
        return [write_condition(condition) for condition in self.trail.conditions()]


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


def text(number: Any) -> str:
    return Writer({}).polynomial(expression_of(number))[0]


@pytest.mark.parametrize(
    ("compute", "number", "expression", "conditions"),
    [
        (lambda n: n.c + 1, 257, "c + 1", []),
        (lambda n: 1 + n.c, 257, "c + 1", []),
        (lambda n: n.c - n.g, 224, "c − g", []),
        (lambda n: 300 - n.c, 44, "300 − c", []),
        (lambda n: 4 * n.g, 128, "4·g", []),
        (lambda n: n.c * n.g, 8192, "c·g", []),
        (lambda n: n.c**2, 65536, "c²", []),
        (lambda n: -n.c, -256, "−c", []),
        (lambda n: abs(n.g - n.c), 224, "c − g", ["g < c"]),
        (lambda n: n.c // n.r, 64, "c/r", ["r divides c"]),
        (lambda n: n.c // n.r // 4, 16, "c/(4·r)", ["4·r divides c"]),
        (lambda n: 4 * n.c // 2, 512, "2·c", []),
        (lambda n: n.c * n.r // n.r, 256, "c", []),
        (lambda n: n.c // 1, 256, "c", []),
        (lambda n: n.c // 3, 85, "⌊c/3⌋", []),
        (lambda n: 1000 // n.c, 3, "⌊1000/c⌋", []),
        (lambda n: n.c // (n.g + 32), 4, "c/(g + 32)", ["g + 32 divides c"]),
        (lambda n: n.c % n.r, 0, "0", ["r divides c"]),
        (lambda n: n.c % 3, 1, "(c mod 3)", []),
        (lambda n: 4 * n.c % 2, 0, "0", []),
        (lambda n: n.c / 3, 256 / 3, "c/3", []),
        (lambda n: 1 / n.r, 0.25, "1/r", []),
        (lambda n: n.c * 0.75, 192.0, "3·c/4", []),
        (lambda n: math.floor(n.c * 0.75), 192, "3·c/4", ["4 divides c"]),
        (lambda n: math.floor(n.c * 0.3), 76, "⌊3·c/10⌋", []),
        (lambda n: math.ceil(n.c * 0.3), 77, "⌈3·c/10⌉", []),
        (lambda n: round(n.c * 0.3), 77, "round(3·c/10)", []),
        (lambda n: round(n.c * 2), 512, "2·c", []),
        (lambda n: max(1, n.c // 4), 64, "c/4", ["4 divides c", "c > 4"]),
        (lambda n: max(n.c, n.g), 256, "c", ["g ≤ c"]),
        (lambda n: min(n.c, 64), 64, "64", ["c > 64"]),
        (lambda n: sum([n.c, n.g, n.g]), 320, "c + 2·g", []),
        (lambda n: math.prod((n.c, 3, n.g)), 24576, "3·c·g", []),
    ],
)
def test_the_number_and_the_expression_run_side_by_side(
    compute: Callable[[Numbers], Any], number: float, expression: str, conditions: list[str], numbers: Numbers
) -> None:
    result = compute(numbers)
    assert plain(result) == number
    assert text(result) == expression
    assert numbers.conditions() == conditions


@pytest.mark.parametrize(
    ("decide", "outcome", "conditions"),
    [
        (lambda n: n.c == n.g, False, ["c ≠ g"]),
        (lambda n: n.c != n.g, True, ["c ≠ g"]),
        (lambda n: n.c == 256, True, ["c = 256"]),
        (lambda n: n.c == n.g * 8, True, ["c = 8·g"]),
        (lambda n: n.c > n.g, True, ["g < c"]),
        (lambda n: n.c <= 64, False, ["c > 64"]),
        (lambda n: n.c >= 64, True, ["c ≥ 64"]),
        (lambda n: n.c != 256, False, ["c = 256"]),
        (lambda n: n.c == n.c + 0, True, []),
        (lambda n: n.c * 2 == n.c + n.c, True, []),
        (lambda n: n.c < 1, False, []),  # every symbol is at least 1
        (lambda n: n.c // n.r < 1, False, ["r divides c"]),  # an integer above 0
        (lambda n: n.c * 3136 > n.c, True, []),
        (lambda n: bool(n.c), True, []),
        (lambda n: (n.c, 1) == (n.c, 1), True, []),
        (lambda n: n.c == "word", False, []),
        (lambda n: n.c > 10**18, False, []),  # a limit of the language
    ],
)
def test_what_a_comparison_decided_is_a_condition_if_it_could_go_the_other_way(
    decide: Callable[[Numbers], bool], outcome: bool, conditions: list[str], numbers: Numbers
) -> None:
    assert decide(numbers) is outcome
    assert numbers.conditions() == conditions


def test_a_condition_that_follows_from_another_is_left_out(numbers: Numbers) -> None:
    quotients = [numbers.c % numbers.r, 2 * numbers.c % numbers.r, numbers.c % (2 * numbers.r)]
    assert quotients == [0, 0, 0]
    assert numbers.conditions() == ["2·r divides c"]


@pytest.mark.parametrize("settings", [{"c": 512, "r": 8}, {"c": 96, "r": 3}])
def test_a_condition_can_be_asked_for_other_numbers(settings: dict[str, int], numbers: Numbers) -> None:
    assert numbers.c // numbers.r == 64
    (condition, *_) = numbers.trail.conditions()
    assert condition.holds(settings)
    assert not condition.holds({**settings, "r": 7})


def test_taking_the_plain_number_is_noted(numbers: Numbers) -> None:
    assert type(int(numbers.c + numbers.g)) is int
    assert numbers.trail.taken == {"c", "g"}


def test_a_pair_is_an_integer_to_everybody_else(numbers: Numbers) -> None:
    assert isinstance(numbers.c, int)
    assert f"{numbers.c}" == "256"
    assert check_count(numbers.c) is numbers.c
    assert {256: "found"}[numbers.c] == "found"
    with pytest.raises(TypeError):
        operator.add(numbers.c, "word")
    with pytest.raises(TypeError):
        operator.mul(numbers.c, None)


@pytest.mark.parametrize(
    ("written", "number", "expression", "conditions"),
    [
        ("c // r", 64, "c/r", ["r divides c"]),
        ("0.25 * c", 64.0, "c/4", []),  # a float at the left would answer for itself
        ("c * 0.25", 64.0, "c/4", []),
        ("floor(0.25 * c)", 64, "c/4", ["4 divides c"]),
        ("max(0.5, c)", 256, "c", []),
        ("max(c, 0.5)", 256, "c", []),
        ("1.5 < c", True, None, ["2·c > 3"]),
        ("c if c > g else g", 256, "c", ["g < c"]),
        ("make_divisible(c, 8)", 256, "c", ["8 divides c"]),
        ("make_divisible(c / 3, 8)", 88, "make_divisible(c/3, 8)", []),
        ("make_divisible(8 * c, 8)", 2048, "8·c", []),
        ("[c, g][1]", 32, "g", []),
        ("c in [g, 256]", True, None, ["c ≠ g", "c = 256"]),
        ("c > g and not g == 1", True, None, ["g < c", "g ≠ 1"]),
    ],
)
def test_the_language_runs_on_pairs_unchanged(
    written: str, number: float, expression: str | None, conditions: list[str], numbers: Numbers
) -> None:
    scope = Scope({"c": numbers.c, "g": numbers.g, "r": numbers.r}, {})
    result = compile_expression(written).run(scope)
    assert plain(result) == number
    assert expression is None or text(result) == expression
    assert numbers.conditions() == conditions


def test_an_index_is_taken_as_a_number(numbers: Numbers) -> None:
    assert compile_expression("[1, 2, 3, 4, 5][r]").run(Scope({"r": numbers.r}, {})) == 5
    assert numbers.trail.taken == {"r"}


def test_a_figure_remembers_the_products_that_it_was_added_up_from(numbers: Numbers) -> None:
    hidden = Pair(64, (numbers.c // numbers.r).expression, numbers.trail)
    kernel = Pair(3, constant(3), numbers.trail)
    figure = sum([math.prod((hidden, hidden, kernel, kernel)), math.prod((hidden,))])
    assert figure == 64 * 64 * 3 * 3 + 64
    assert write_working(figure, Writer({})) == "(c/r)²·3² + c/r"
    assert write_numbers(figure, Writer({})) == "64²·3² + 64"


@pytest.mark.parametrize(
    ("compute", "symbols", "written"),
    [
        (lambda n: n.c + n.c, "2·c", "2·256"),
        (lambda n: 2 * (n.c * n.g), "2·c·g", "2·256·32"),
        (lambda n: (n.c + n.g) * n.g, "(c + g)·g", "288·32"),
        (lambda n: Pair(1, constant(1), n.trail) * n.c, "c", "256"),
        (lambda n: math.prod([Pair(3, constant(3), n.trail)] * 3), "3²·3", "3²·3"),
        (lambda n: 0, "0", "0"),
    ],
)
def test_products_are_written_with_their_factors(
    compute: Callable[[Numbers], Any], symbols: str, written: str, numbers: Numbers
) -> None:
    figure = compute(numbers)
    assert write_working(figure, Writer({})) == symbols
    assert write_numbers(figure, Writer({})) == written


def test_a_long_sum_is_one_factor(numbers: Numbers) -> None:
    channels = sum([numbers.g] * 20, start=numbers.c)
    assert write_working(channels * numbers.g, Writer({})) == "(c + 20·g)·g"


def test_a_float_pair_is_a_float(numbers: Numbers) -> None:
    half = numbers.c / 2
    assert isinstance(half, RealPair)
    assert half == 128.0
    assert type(half + 1) is RealPair
