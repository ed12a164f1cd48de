"""Each illegal spec beside its nearest legal one."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cnnx.errors import SpecError
from cnnx.spec.model import read_figure
from tests.conftest import parse

HEAD = "parameters: {c: 64, r: 4}\ninput: [c, 8, 8]\nlayers:\n"

PAIRS = [  # (what, illegal, legal, place in the illegal one, message)
    ("unknown key", "- conv: {out: c, kernal: 3}", "- conv: {out: c, kernel: 3}", "4:18", "unknown key `kernal` in `conv`"),
    ("missing key", "- conv: {out: c}", "- conv: {out: c, kernel: 1}", "4:3", "`conv` needs `kernel`"),
    ("zero", "- conv: {out: 0, kernel: 1}", "- conv: {out: 1, kernel: 1}", "4:15", "0 is too small; at least 1"),
    ("negative", "- conv: {out: c, kernel: -3}", "- conv: {out: c, kernel: 3}", "4:26", "-3 is too small"),
    ("boolean", "- conv: {out: true, kernel: 1}", "- conv: {out: 1, kernel: 1}", "4:15", "true is a boolean"),
    ("NaN", "- conv: {out: .nan, kernel: 1}", "- conv: {out: 1, kernel: 1}", "4:15", "nan is not an integer"),
    ("32.0", "- conv: {out: 32.0, kernel: 1}", "- conv: {out: 32, kernel: 1}", "4:15", "use // to divide"),
    ("text", "- conv: {out: '3', kernel: 1 1}", "- conv: {out: '3', kernel: 1}", "4:28", "`1 1` is not an expression"),
    ("a call", "- conv: {out: f(c), kernel: 1}", "- conv: {out: abs(c), kernel: 1}", "4:15", "there is no function `f`"),
    ("an attribute", "- conv: {out: c.x, kernel: 1}", "- conv: {out: c, kernel: 1}", "4:15", "an attribute (`.`)"),
    ("unknown name", "- conv: {out: d, kernel: 1}", "- conv: {out: c, kernel: 1}", "4:15", "unknown name `d`"),
    ("two words", "- conv: {out: c, kernel: 1}\n  relu:", "- conv: {out: c, kernel: 1}\n- relu:", "5:3", "two operations in one step"),
    ("stray key", "- conv: {out: c, kernel: 1}\n  nam: x", "- conv: {out: c, kernel: 1}\n  name: x", "5:3", "unknown key `nam` beside `conv`"),
    ("inside", "- conv: {out: c, kernel: 1, name: x}", "- conv: {out: c, kernel: 1}\n  name: x", "4:29", "`name` stands beside `conv:`"),
    ("branch name", "- add: {from: [], b: relu}", "- add: {a: [], b: relu}", "4:9", "`from` stands beside `add:`"),
    ("a number", "- 3", "- relu", "4:3", "a step is a word"),
    ("not a list", "  relu: 3", "- relu", "4:3", "a list of steps is needed here"),
    ("options", "- conv: 3", "- conv: {out: 3, kernel: 1}", "4:9", "`conv` takes its options as a mapping"),
    ("no options", "- relu: {a: 1}", "- relu: {}", "4:10", "unknown key `a` in `relu`"),
    ("unknown spec", "- bottelneck", "- relu", "4:3", "unknown operation or spec `bottelneck`"),
    ("torch's name", "- relu:\n  name: forward", "- relu:\n  name: onward", "5:9", "`forward` cannot name a step"),
    ("upper case", "- relu:\n  name: Stem", "- relu:\n  name: stem", "5:9", "lower-case letters"),
    ("long name", f"- relu:\n  name: {'a' * 65}", f"- relu:\n  name: {'a' * 64}", "5:9", "at most 64"),
    ("no stream", "- relu:\n  from: inptu", "- relu:\n  from: input", "5:9", "there is no stream `inptu`"),
    ("branch's name", "- add: [[], {relu: , name: x}]\n- {from: x}", "- add: [[], {relu: , name: x}]\n- {from: input}", "5:10", "there is no stream `x`"),
    ("row", "- each: {columns: [a, b], rows: [[1, 2], [3]], layers: [relu]}", "- each: {columns: [a, b], rows: [[1, 2], [3, 4]], layers: [relu]}", "4:42", "1 values in a row of 2 columns"),
    ("columns", "- each: {columns: k, rows: [3, 5], layers: [relu]}", "- each: {columns: [k], rows: [3, 5], layers: [relu]}", "4:19", "`columns` is a list"),
    ("each both", "- each: {columns: [a], rows: [1], layers: [relu], call: b}", "- each: {columns: [a], rows: [1], layers: [relu]}", "4:51", "`layers` or `call`, not both"),
    ("counter", "- repeat: {times: 2, as: max, layers: [relu]}", "- repeat: {times: 2, as: n, layers: [relu]}", "4:26", "`max` cannot name a counter"),
    ("with", "- relu:\n  with: {a: 1}", "- relu:", "5:3", "`with` stands beside `call:` only"),
    ("empty join", "- add: []", "- add: [[], relu]", "4:8", "`add` without branches"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("illegal", "legal", "place", "message"), [row[1:] for row in PAIRS], ids=[row[0] for row in PAIRS]
)
def test_an_illegal_step_gives_one_error_and_the_nearest_legal_one_none(
    illegal: str, legal: str, place: str, message: str
) -> None:
    with pytest.raises(SpecError) as error:
        parse(HEAD + illegal + "\n")
    (problem,) = error.value.problems
    assert f"{problem.line}:{problem.column}" == place
    assert message in problem.message
    parse(HEAD + legal + "\n")


FILES = [
    ("no input", "layers: [relu]\n", "1:1", "the key `input` is missing"),
    ("no layers", "input: [1, 8, 8]\n", "1:1", "the key `layers` is missing"),
    ("unknown key", "input: [1, 8, 8]\nlayers: [relu]\ntitel: x\n", "3:1", "unknown key `titel`"),
    ("a text", "input: [1, 8, 8]\nlayers: [relu]\ntitle: 3\n", "3:8", "title: 3 is a number; text is needed here"),
    ("an input", "input: [1, 8]\nlayers: [relu]\n", "1:8", "an input is [channels, height, width]"),
    ("no list", "input: 3\nlayers: [relu]\n", "1:8", "an input is [channels, height, width]"),
    ("a size", "input: [1, -8, 8]\nlayers: [relu]\n", "1:8", "-8 is too small"),
    ("an input's name", "input: {in_a: [1, 8, 8]}\nlayers: [relu]\n", "1:15", "cannot name an input"),
    ("a keyword", "parameters: {class: 1}\ninput: [1, 8, 8]\nlayers: [relu]\n", "1:21", "`class` cannot name a parameter"),
    ("a function", "parameters: {max: 1}\ninput: [1, 8, 8]\nlayers: [relu]\n", "1:19", "`max` cannot name a parameter"),
    ("in_", "parameters: {in_c: 1}\ninput: [1, 8, 8]\nlayers: [relu]\n", "1:20", "`in_c` cannot name a parameter"),
    ("later", "parameters: {a: b + 1, b: 1}\ninput: [1, 8, 8]\nlayers: [relu]\n", "1:17", "unknown name `b`"),
    ("no value", "parameters: {a: }\ninput: [1, 8, 8]\nlayers: [relu]\n", "1:17", "a value is needed here"),
    ("a variant", "input: [1, 8, 8]\nlayers: [relu]\nvariants: {big: {width: 2}}\n", "3:18", "no parameter `width`"),
    ("a default", "input: [1, 8, 8]\nlayers: [relu]\nvariants: {big: {}, default: bog}\n", "3:30", "no variant `bog`"),
    ("top default", "input: [1, 8, 8]\nlayers: [relu]\ndefault: big\n", "3:1", "unknown key `default`"),
    ("variant's name", "input: [1, 8, 8]\nlayers: [relu]\nvariants: {conv: {}}\n", "3:12", "`conv` is an operation"),
    ("block's name", "input: [1, 8, 8]\nlayers: [relu]\nblocks: {conv: {layers: [relu]}}\n", "3:10", "`conv` is an operation"),
    ("an output", "input: [1, 8, 8]\nlayers: [{relu: , name: a}]\noutputs: [a, b]\n", "3:10", "there is no stream `b`"),
    ("defaults", "input: [1, 8, 8]\nlayers: [relu]\ndefaults: {konv: {bias: true}}\n", "3:12", "`konv` has no options"),
    ("a default's key", "input: [1, 8, 8]\nlayers: [relu]\ndefaults: {conv: {bais: true}}\n", "3:19", "unknown key `bais` in `conv`"),
    ("figure", "input: [1, 8, 8]\nlayers: [relu]\nworked: [{params: 1.5}]\n", "3:19", "1.5 is not a figure"),
    ("working", "input: [1, 8, 8]\nlayers: [relu]\nworked: [{params: 0, working: a..b}]\n", "3:31", "is not an expression"),
    ("published", "input: [1, 8, 8]\nlayers: [relu]\npublished: [{params: 0}]\n", "3:13", "the key `source` is missing"),
    ("of", "input: [1, 8, 8]\nlayers: [relu]\nworked: [{of: x, params: 0}]\n", "3:15", "no variant `x`"),
    ("argument", "input: [1, 8, 8]\nlayers: [{b: {d: 1}}]\nblocks: {b: {layers: [relu]}}\n", "2:18", "`b` has no parameter `d`"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "message"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_an_illegal_file_gives_one_error(text: str, place: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        parse(text)
    (problem,) = error.value.problems
    assert f"{problem.line}:{problem.column}" == place
    assert message in problem.message


def test_all_errors_of_a_file_are_told_at_once_in_their_order() -> None:
    text = HEAD + "- conv: {out: 0, kernel: 1}\n- reul\n- conv: {out: c, kernel: 1, bais: 1}\n- pool\n"
    with pytest.raises(SpecError) as error:
        parse(text)
    assert [problem.line for problem in error.value.problems] == [4, 5, 6, 7]
    assert str(error.value) == (
        "mine.yaml:4:15: out: 0 is too small; at least 1 is needed here\n"
        "    4 | - conv: {out: 0, kernel: 1}\n"
        "      |               ^\n"
        "mine.yaml:5:3: unknown operation or spec `reul`\n"
        "    5 | - reul\n"
        "      |   ^^^^  did you mean `relu`?\n"
        "mine.yaml:6:29: unknown key `bais` in `conv`\n"
        "    6 | - conv: {out: c, kernel: 1, bais: 1}\n"
        "      |                             ^^^^  did you mean `bias`?\n"
        "mine.yaml:7:3: unknown operation or spec `pool`\n"
        "    7 | - pool\n"
        "      |   ^^^^  did you mean `maxpool`?"
    )


@pytest.mark.parametrize(
    ("written", "exact", "matches"),
    [
        (69632, 69632, True),
        (69632, 69633, False),
        ("1.8G", 1_814_073_344, True),  # ResNet-18: 1.814 rounds to 1.8
        ("1.8G", 1_850_000_000, False),  # half rounds up, to 1.9
        ("1.8G", 1_750_000_000, True),
        ("5.4M", 5_483_032, False),  # 5.48 rounds to 5.5
        ("5.5M", 5_483_032, True),
        ("219M", 216_589_760, False),
        ("69K", 69_499, True),
    ],
)
def test_a_published_figure_states_its_own_rounding(written: object, exact: int, matches: bool) -> None:
    assert read_figure(written).matches(exact) is matches


def test_a_rounded_figure_keeps_value_and_step() -> None:
    figure = read_figure("1.80G")
    assert (figure.value, figure.step) == (Decimal(1_800_000_000), Decimal(10_000_000))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("- conv: {out: null, kernel: 1}", "out: null is no value; an integer is needed here"),
        ("- conv: {out: , kernel: 1}", "out: null is no value; an integer is needed here"),
        ("- conv: {out: [c, 2], kernel: 1}", "out: [`c`, 2] is a list; an integer is needed here"),
        ("- conv: {out: {a: 1}, kernel: 1}", "out: {…} is a mapping; an integer is needed here"),
        ("- conv: {out: c, kernel: 1, bias: 3}", "bias: 3 is a number; true or false is needed here"),
        ("- conv: {out: c, kernel: 1, act: true}", "act: true is a boolean; a word is needed here"),
        ("- dropout: {p: null}", "p: null is no value; a number is needed here"),
        (
            "- {relu: , name: 3}",
            "name: a stream has lower-case letters, digits and underscores, a letter first, at most 64, not 3",
        ),
        ("- {relu: , when: {a: 1}}", "when: {…} is a mapping; a condition is needed here"),
        ("- each: {columns: [], rows: [], layers: [relu]}", "columns: an empty list; one item at least is needed here"),
        ("- relu\nsource: 2020", "source: 2020 is a number; a mapping is needed here"),
        ("- relu\ntags: [null]", "tags: null is no value; text is needed here"),
        ("- relu\ntitle: ''", "title: empty text; leave the key out, or say something"),
        ("- relu\nsource: {year: 1512}", "year: 1512 is a number; a year from 1900 to 2100 is needed here"),
        ("- relu\nworked: [{params: true}]", "params: true is not a figure: an integer, or a rounded one"),
        ("- conv: {out: l[0], kernel: 1}", "not valid YAML: did not find expected ',' or '}'"),
    ],
)
def test_messages_speak_the_words_of_yaml(step: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        parse(HEAD + step + "\n")
    (problem,) = error.value.problems
    assert problem.message.startswith(message)
    assert not any(word in str(problem) for word in ("None", "True", "dict", "NoneType"))


def test_nothing_in_a_message_breaks_its_line() -> None:
    with pytest.raises(SpecError) as error:
        parse(HEAD + '- "rel\\nu\\x1b[31m"\n')
    assert error.value.problems[0].message == "unknown operation or spec `rel\nu\x1b[31m`"
    assert str(error.value).splitlines()[0] == r"mine.yaml:4:3: unknown operation or spec `rel\nu\x1b[31m`"
