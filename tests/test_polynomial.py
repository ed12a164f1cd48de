from __future__ import annotations

from fractions import Fraction

import pytest

from cnnx.analysis.formulas.notation import Writer, short_names
from cnnx.analysis.formulas.polynomial import Polynomial, add_up, call, constant, symbol

c, g, r = symbol("c"), symbol("g"), symbol("r")
ONE, TWO, THREE = constant(1), constant(2), constant(3)


def text(expression: Polynomial) -> str:
    return Writer({}).polynomial(expression)[0]


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        (c + c, "2·c"),
        (c - c, "0"),
        (c * c * g, "c²·g"),
        ((c + g) * (c - g), "c² − g²"),
        (c / r + c / r, "2·c/r"),
        (c * c / (r * r), "c²/r²"),
        (c / TWO, "c/2"),
        (THREE * c / (TWO * r), "3·c/(2·r)"),
        ((c + g) / (c + g), "1"),
        (c / (c + g), "c/(c + g)"),
        ((c + g) ** 2, "c² + 2·c·g + g²"),
        (constant(0.25) * c, "c/4"),
        (constant(0.7), "7/10"),
        (call("floor", c / THREE) * TWO, "2·⌊c/3⌋"),
        (call("ceil", c / THREE), "⌈c/3⌉"),
        (call("mod", c, THREE) + ONE, "(c mod 3) + 1"),
        (call("make_divisible", c / THREE, constant(8)), "make_divisible(c/3, 8)"),
        (add_up([c, g, c]), "2·c + g"),
        (ONE / r - c, "1/r − c"),
    ],
)
def test_an_expression_is_kept_as_a_sum_of_products(expression: Polynomial, written: str) -> None:
    assert text(expression) == written


def test_equal_expressions_are_equal_however_they_came_about() -> None:
    assert (c + g) * (c + g) == c * c + TWO * c * g + g * g
    assert hash((c + g) * r) == hash(g * r + c * r)
    assert c / r * r == c
    assert len({c * g, g * c}) == 1


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (c * c * (TWO / r + constant(9) / (r * r)), 256 * 256 * (Fraction(2, 4) + Fraction(9, 16))),
        (call("floor", c / THREE), 256 // 3),
        (call("ceil", c / THREE), -(-256 // 3)),
        (call("mod", c, THREE), 256 % 3),
        (call("round", c / constant(512)), 0),  # 0.5: the even one
        (call("make_divisible", c / constant(8), constant(24)), 48),  # 32 is nearer to 24, which is below 90 %
        (c / (c + r), Fraction(256, 260)),
    ],
)
def test_an_expression_has_an_exact_value(expression: Polynomial, value: Fraction) -> None:
    assert expression.at({"c": 256, "r": 4}) == value


def test_a_function_of_numbers_is_a_number() -> None:
    assert call("floor", constant(7) / TWO) == THREE


@pytest.mark.parametrize(
    ("expression", "positive"),
    [
        (c, True),
        (c / r, True),
        (c - ONE, False),  # 0 at c = 1
        (c + g - ONE, True),  # 1 at least
        (constant(4) * c - THREE, True),
        (c - g, False),
        (call("floor", c / THREE), False),  # 0 at c = 1
        (call("floor", c / THREE) + ONE, True),
        (call("make_divisible", c, constant(8)), True),
        (constant(0), False),
        (constant(-1), False),
    ],
)
def test_the_sign_is_seen_for_all_positive_integers(expression: Polynomial, positive: bool) -> None:
    assert expression.is_positive() is positive


def test_a_call_may_be_known_to_be_at_least_one() -> None:
    third = call("floor", c / THREE)
    assert (c * third).is_positive(third.atoms)
    assert not (third - ONE).is_positive(third.atoms)


@pytest.mark.parametrize(
    ("expression", "integral"),
    [(c * g + ONE, True), (c / TWO, False), (c / r, False), (call("floor", c / r), True), (c / (c + g), False)],
)
def test_what_is_always_an_integer_is_seen(expression: Polynomial, integral: bool) -> None:
    assert expression.is_integral is integral


def test_a_fraction_has_a_numerator_and_a_denominator() -> None:
    numerator, denominator = (c / (TWO * r) + g / THREE).parts()
    assert (text(numerator), text(denominator)) == ("2·g·r + 3·c", "6·r")


def test_a_difference_has_two_sides_without_a_common_number() -> None:
    assert tuple(map(text, (constant(64) * c - constant(64)).primitive().sides())) == ("1", "c")


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["channels", "r"], ["c", "r"]),
        (["channels", "growth"], ["c", "g"]),
        (["channels", "c1", "c2a"], ["c", "c1", "c2a"]),
        (["channels", "cardinality", "width"], ["c", "cardinality", "w"]),
        (["rate", "r"], ["rate", "r"]),
        (["out", "channels"], ["out", "c"]),
    ],
)
def test_symbols_have_short_names_that_tell_them_apart(names: list[str], short: list[str]) -> None:
    assert list(short_names(names).values()) == short


@pytest.mark.parametrize(
    ("expression", "latex"),
    [
        (c * c / r, r"\frac{c^{2}}{r}"),
        (call("floor", c / THREE) * c, r"c \cdot \left\lfloor \frac{c}{3}\right\rfloor"),
        (symbol("c2") + symbol("r′") + symbol("out"), r"c_{2} + \mathrm{out} + r'"),
        (call("make_divisible", c, constant(8)), r"\operatorname{make\_divisible}\left(c, 8\right)"),
        (call("mod", c, TWO) ** 2, r"\left(c \bmod 2\right)^{2}"),
    ],
)
def test_latex(expression: Polynomial, latex: str) -> None:
    assert Writer({}, latex=True).polynomial(expression)[0] == latex
