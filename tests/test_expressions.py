from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnx.errors import ExpressionError, RuleError
from cnnx.spec.expressions import Scope, compile_expression
from cnnx.spec.places import (
    read_condition,
    read_count,
    read_data,
    read_flag,
    read_index,
    read_padding,
    read_pair,
    read_sides,
    read_word,
)
from cnnx.spec.values import Value, make_divisible

SCOPE = Scope(
    names={"c": 256, "r": 4, "rates": [1, 2, 5], "act": "relu", "se": True, "scale": 1.5},
    streams={"left": (64, 28, 14), "vector": (10,)},
    incoming=(32, 7, 9),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("c // r", 64),
        ("c / r", 64.0),
        ("-c + 2 * (r - 1)", -250),
        ("c % 100", 56),
        ("2 ** 10", 1024),
        ("7 if se else 3", 7),
        ("1 < r <= 4", True),
        ("r != 4 or not se", False),
        ("se and r == 4", True),
        ("rates[2] + rates[-1]", 10),
        ("len(rates) + max(rates) + min(3, 1, 2)", 3 + 5 + 1),
        ("max(1, in_channels // 4)", 8),
        ("ceil(scale * 3) + floor(scale) + round(2.6) + abs(-1)", 5 + 1 + 3 + 1),
        ("make_divisible(scale * 30, 8)", 48),  # 45 lies nearer to 48 than to 40
        ("channels(left) * height(left) - width(left)", 64 * 28 - 14),
        ("channels(vector)", 10),
        ("in_height * in_width", 7 * 9),
        ("act == 'relu'", True),
        ("act in ['relu', 'silu']", True),
        ("3 not in rates", True),
        ("true and not false", True),
        ("[c, r * 2]", [256, 8]),
    ],
)
def test_what_the_language_has(text: str, value: Value) -> None:
    assert compile_expression(text).run(SCOPE) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c.real", "an attribute"),
        ("__import__('os')", "there is no function `__import__`"),
        ("open(1)", "there is no function `open`"),
        ("mx(1, 2)", "did you mean `max`"),
        ("(lambda: 1)()", "is not part of the language"),
        ("[x for x in rates]", "is not part of the language"),
        ("rates[0:1]", "is not part of the language"),
        ("{1: 2}", "is not part of the language"),
        ("c if", "is not an expression"),
        ("c; r", "is not an expression"),
        ("c, r", "a comma without brackets"),
        ("'relu'", "quoted words stand in comparisons only"),
        ("f'{c}'", "text"),
        ("c := 3", "is not an expression"),
        ("c is r", "compare with =="),
        ("~c", "`~` is not part"),
        ("c @ r", "is not part of the language"),
        ("c << 3", "is not part of the language"),
        ("max", "`max` is a function"),
        ("make_divisible(8)", "takes 2 arguments"),
        ("max(1, key=2)", "with keywords"),
        ("channels(1)", "takes the name of one stream"),
        ("(" * 300 + "1" + ")" * 300, "is not an expression"),
        ("-" * 60 + "1", "nested more than 40 levels deep"),
        ("1" + "+1" * 500, "an expression of 1001 characters; at most 1000 are read"),
        ("", "is not an expression"),
        ("1_0j", "is not part of the language"),
    ],
)
def test_what_the_language_does_not_have_is_refused_when_it_is_read(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_expression(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chanels", "unknown name `chanels`; did you mean `in_channels`?"),
        ("c // 0", "division by zero"),
        ("c % (r - 4)", "division by zero"),
        ("9 ** 9 ** 9", "an exponent of 387420489; at most 64"),
        ("10 ** 19", "not finite or larger than 10^18"),
        ("1e17 * 1e17", "not finite or larger"),
        ("(-8) ** 0.5", "not a real number"),
        ("act + 1", "`relu` is a word, not a number"),
        ("not act", "`relu` is a word, not true or false"),
        ("se and act", "`relu` is a word, not true or false"),
        ("c == 1 or act", "`relu` is a word, not true or false"),
        ("1 if act else 2", "`relu` is a word, not true or false"),
        ("rates * 2", "[1, 2, 5] is a list, not a number"),
        ("c // se", "true is a boolean, not a number"),
        ("rates[3]", "index 3 in a list of 3"),
        ("rates[se]", "indexed by an integer"),
        ("c[0]", "256 is not a list"),
        ("act < 3", "cannot be compared"),
        ("height(vector)", "has no height or width"),
        ("height(right)", "there is no stream `right`"),
        ("max(act, 1)", "`max` cannot take"),
        ("len(c)", "`len` cannot take 256"),
        ("make_divisible(3, 0)", "cannot take 3, 0"),
    ],
)
def test_what_cannot_be_evaluated_says_why(text: str, message: str) -> None:
    expression = compile_expression(text)
    with pytest.raises(ExpressionError) as error:
        expression.run(SCOPE)
    assert message in str(error.value)


def test_what_enters_is_unknown_without_a_stream() -> None:
    with pytest.raises(ExpressionError, match="needs a stream that enters"):
        compile_expression("in_channels").run(Scope({}, {}))


@pytest.mark.parametrize(
    ("value", "divisor", "rounded"),
    [
        (16, 8, 16),
        (18, 8, 24),  # ⌊18 + 4⌋ // 8 · 8 = 16, and 16 < 0.9·18 = 16.2: one multiple more
        (20, 8, 24),  # ⌊20 + 4⌋ // 8 · 8 = 24
        (1, 8, 8),  # at least one multiple
        (72 / 4, 8, 24),  # MobileNet v3's squeeze of 72 channels
        (960 / 4, 8, 240),
    ],
)
def test_make_divisible_never_falls_below_90_percent(value: float, divisor: int, rounded: int) -> None:
    assert make_divisible(value, divisor) == rounded


@given(st.text(max_size=60))
def test_no_text_raises_anything_but_its_own_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        compile_expression(text).run(SCOPE)


@given(
    st.recursive(
        st.integers(-99, 99).map(str),
        lambda inner: st.tuples(inner, inner).map(lambda pair: f"({pair[0]} + {pair[1]})"),
        max_leaves=12,
    )
)
def test_sums_are_pythons_own(text: str) -> None:
    assert compile_expression(text).run(SCOPE) == eval(text)


@pytest.mark.parametrize(
    "written", [0, -1, True, 32.0, float("nan"), float("inf"), None, {"a": 1}, 10**19, "c / r", "act"]
)
def test_a_count_is_an_integer_of_at_least_one(written: object) -> None:
    with pytest.raises(RuleError):
        read_count(written).read(SCOPE)


@pytest.mark.parametrize(("written", "value"), [(1, 1), ("c // r", 64), (10**18, 10**18), ("7 if se else 0", 7)])
def test_the_nearest_legal_counts(written: object, value: int) -> None:
    assert read_count(written).read(SCOPE) == value


def test_a_word_in_a_number_place_offers_the_nearest_parameter() -> None:
    word = read_data("scal").read(SCOPE)
    assert word == "scal"
    with pytest.raises(RuleError) as error:
        read_count("width").read(Scope({"width": word, "scale": 1}, {}))
    assert str(error.value) == "`scal` is a word; an integer is needed here; did you mean `scale`?"


def test_places_read_their_forms() -> None:
    assert read_pair(3).read(SCOPE) == (3, 3)
    assert read_pair([1, "r + 3"]).read(SCOPE) == (1, 7)
    assert read_pair("rates[0]").read(SCOPE) == (1, 1)
    assert read_index(0).read(SCOPE) == 0
    assert read_sides([0, 1, "r", 2]).read(SCOPE) == (0, 1, 4, 2)
    assert read_padding("valid").read(SCOPE) == (0, 0)
    assert read_padding("same").read(SCOPE) == "same"
    assert read_padding([0, 3]).read(SCOPE) == (0, 3)
    assert read_padding("r // 2").read(SCOPE) == (2, 2)
    assert read_padding("mode").read(Scope({"mode": "tf_same"}, {})) == "tf_same"
    assert read_flag("r == 4").read(SCOPE) is True
    assert read_condition("rates").read(SCOPE) is True
    assert read_condition("r - 4").read(SCOPE) is False
    assert read_word("act").read(SCOPE) == "relu"
    assert read_word("silu").read(SCOPE) == "silu"
    assert read_data([1, "r", "free", [True]]).read(SCOPE) == [1, 4, "free", [True]]


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (read_pair, [1, 2, 3]),
        (read_pair, "rates"),
        (read_padding, -1),
        (read_padding, "sam"),
        (read_sides, [1, 2, 3]),
        (read_sides, 1),
        (read_flag, 1),
        (read_flag, "r"),
        (read_condition, "act"),
        (read_word, 3),
        (read_data, None),
    ],
)
def test_places_refuse_other_forms(read, written: object) -> None:  # type: ignore[no-untyped-def]  # readers of many types
    with pytest.raises(RuleError):
        read(written).read(SCOPE)
