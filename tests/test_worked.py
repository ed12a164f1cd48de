"""The checker of worked and published figures: what it compares, and that it finds what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnx.analysis.claims.worked import FigureCheck, check_figures
from cnnx.errors import SpecError
from cnnx.spec.library import Library

SPEC = """\
parameters: {channels: 8, out: 2 * channels, bias: false}
input: [channels, 6, 6]
layers:
  - conv: {out: out, kernel: 3, bias: bias}
"""
FAMILY = """\
parameters: {width: 4}
input: [3, 5, 5]
variants:
  narrow: {width: 4}
  wide: {width: 8}
  default: narrow
layers:
  - conv: {out: width, kernel: 1, bias: true}
"""


def checks_of(folder: Path, text: str) -> tuple[FigureCheck, ...]:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    library = Library([folder])
    return check_figures(library.open("mine").file, library)


def check_rows(folder: Path, *rows: str, spec: str = SPEC, kind: str = "worked") -> tuple[FigureCheck, ...]:
    return checks_of(folder, spec + f"{kind}:\n" + "".join(f"  - {row}\n" for row in rows))


@pytest.mark.parametrize(
    ("row", "figure", "computed"),
    [
        ("{params: 1152}", "params", str(8 * 3 * 3 * 16)),
        ("{macs: 41472}", "macs", str(8 * 3 * 3 * 16 * 6 * 6)),
        ("{output: [16, 6, 6]}", "output", "16×6×6"),
        ("{receptive_field: 3}", "receptive_field", "3×3"),
        ("{receptive_field: [3, 3]}", "receptive_field", "3×3"),
        ("{with: {bias: true}, params: 1168}", "params", str(8 * 3 * 3 * 16 + 16)),
        ("{with: {out: 4}, params: 288}", "params", str(8 * 3 * 3 * 4)),
        ("{input: [3, 9, 7], macs: 10206}", "macs", str(3 * 3 * 3 * 6 * 9 * 7)),
    ],
)
def test_a_right_figure_holds(tmp_path: Path, row: str, figure: str, computed: str) -> None:
    (check,) = check_rows(tmp_path, row)
    assert (check.figure, check.computed, check.holds) == (figure, computed, True)


@pytest.mark.parametrize(
    ("row", "figure", "expected", "computed"),
    [
        ("{params: 1151}", "params", "1151", "1152"),
        ("{macs: 1152}", "macs", "1152", "41472"),
        ("{output: [8, 6, 6]}", "output", "8×6×6", "16×6×6"),
        ("{receptive_field: 5}", "receptive_field", "5×5", "3×3"),
        ("{receptive_field: [3, 1]}", "receptive_field", "3×1", "3×3"),
        ("{with: {bias: true}, params: 1152}", "params", "1152", "1168"),
    ],
)
def test_a_wrong_figure_is_found(tmp_path: Path, row: str, figure: str, expected: str, computed: str) -> None:
    (check,) = check_rows(tmp_path, row)
    assert (check.figure, check.expected, check.computed, check.holds) == (figure, expected, computed, False)


@pytest.mark.parametrize(
    ("row", "expected", "computed", "holds"),
    [
        ("{params: 1152, working: 8·3·3·16}", "1152", "1152", True),
        ("{params: 1152, working: 8×3×3×16}", "1152", "1152", True),
        ("{params: 1152, working: 9·channels·out}", "1152", "1152", True),
        ("{params: 1152, working: 2·9·8·8·8/8}", "1152", "1152.0", True),
        ("{params: 1152, working: 8·3·3·15}", "1152", "1080", False),
        ("{params: 1152, working: 2305/2}", "1152", "1152.5", False),
        ("{params: 1.2K, working: 8·3·3·16}", "1.2K", "1152", True),
        ("{output: [16, 6, 6], working: 2·8}", "16×6×6", "16", True),
        ("{output: [16, 6, 6], working: '[2·8, (6 − 3 + 2)//1 + 1, 6]'}", "16×6×6", "16×6×6", True),
        ("{output: [16, 6, 6], working: '[16, 6, 5]'}", "16×6×6", "16×6×5", False),
        ("{receptive_field: 3, working: 1 + 2}", "3×3", "3", True),
        ("{receptive_field: 3, working: 1 + 1}", "3×3", "2", False),
    ],
)
def test_a_working_must_give_its_figure(tmp_path: Path, row: str, expected: str, computed: str, holds: bool) -> None:
    figure, working = check_rows(tmp_path, row)
    assert figure.holds
    assert working.figure == f"{figure.figure} by its working"
    assert (working.expected, working.computed, working.holds) == (expected, computed, holds)


def test_a_working_sees_what_the_row_sets(tmp_path: Path) -> None:
    _, working = check_rows(tmp_path, "{with: {channels: 4}, params: 288, working: 9·channels·out}")
    assert (working.computed, working.holds) == (str(9 * 4 * (2 * 4)), True)


@pytest.mark.parametrize(("stated", "holds"), [("1.2K", True), ("1.15K", True), ("1.1K", False), ("1K", True)])
def test_a_rounded_figure_holds_to_its_rounding(tmp_path: Path, stated: str, holds: bool) -> None:
    (check,) = check_rows(tmp_path, f"{{params: {stated}, source: a paper}}", kind="published")
    assert (check.expected, check.computed, check.holds) == (stated, "1152", holds)


def test_every_figure_of_a_published_row_is_checked_but_accuracies(tmp_path: Path) -> None:
    row = "{params: 1152, macs: 41472, flops: 82945, top1: 70.1, source: a paper}"
    params, macs, flops = check_rows(tmp_path, row, kind="published")
    assert (params.holds, macs.holds) == (True, True)
    assert (flops.figure, flops.computed, flops.holds) == ("flops", str(2 * 41472), False)
    assert flops.source == "a paper"


def test_rows_name_their_variant_and_the_family_means_its_default(tmp_path: Path) -> None:
    rows = ("{params: 16}", "{of: wide, params: 32}", "{of: wide, with: {width: 2}, params: 8}")
    checks = check_rows(tmp_path, *rows, spec=FAMILY)
    assert [check.computed for check in checks] == [str(3 * 4 + 4), str(3 * 8 + 8), str(3 * 2 + 2)]
    assert [check.spec for check in checks] == ["mine", "wide", "wide"]
    assert all(check.holds for check in checks)


def test_a_check_says_what_was_compared(tmp_path: Path) -> None:
    _, check = check_rows(tmp_path, "{params: 1152}", "{with: {bias: true}, input: [8, 4, 4], params: 1152}")
    assert str(check) == "mine (bias=true, input=8×4×4), worked 2: params: 1152 stated, 1168 computed"


def test_a_spec_without_figures_has_nothing_to_check(tmp_path: Path) -> None:
    assert checks_of(tmp_path, SPEC) == ()


def test_a_global_receptive_field_has_no_size(tmp_path: Path) -> None:
    spec = "input: [8, 6, 6]\nlayers: [global_avgpool]\n"
    (check,) = check_rows(tmp_path, "{receptive_field: 6}", spec=spec)
    assert (check.computed, check.holds) == ("no single one", False)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{input: [3], params: 1}", "mine.yaml:2:8: `mine` takes a map, not a vector of 3"),
        ("{with: {out: many}, params: 1}", "`many` is a word; an integer is needed here"),
        (
            "{with: {channels: 4}, input: [8, 6, 6], params: 1}",
            "mine.yaml:2:8: `mine`: channels=4, but the stream that enters is 8×6×6",
        ),
        ("{params: 1152, macs: 41472, working: 8·3·3·16}", "a working is for one figure; this row has params and macs"),
        ("{params: 1152, working: 8·widht}", "mine.yaml:6:5: unknown name `widht`"),
        ("{params: 1152, working: 8//0}", "mine.yaml:6:5: `8//0`: division by zero"),
        ("{with: {bias: true}}", "mine.yaml:6:5: a worked row without a figure"),
    ],
)
def test_a_row_that_cannot_be_checked_is_an_error_with_its_place(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(SpecError) as raised:
        check_rows(tmp_path, row)
    assert message in str(raised.value)
