"""Columns line up, no cell is cut, and a table that is too wide goes on beneath."""

from __future__ import annotations

from cnnx.report.table import Column, draw, draw_folded, width_of_columns

NAMES = Column("name", ("a", "longer"), left=True)
PARAMS = Column("params", ("1", "69,632"))
RATIO = Column("ratio", ("1.00×", "8.47×"))
MACS = Column("MACs", ("2", "1,849,688,064"))


def test_columns_are_aligned() -> None:
    assert [line.plain for line in draw([NAMES, PARAMS])] == [
        "name    params",
        "──────────────",
        "a            1",
        "longer  69,632",
    ]


def test_a_header_of_two_lines_stands_on_the_last_one() -> None:
    assert [line.plain for line in draw([NAMES, Column("weight\nbytes", ("4", "8"))])][:2] == [
        "        weight",
        "name     bytes",
    ]


def test_wide_characters_take_two_columns() -> None:
    lines = draw([Column("", ("残差", "ab"), left=True), PARAMS])
    assert lines[2].plain == "残差       1"  # 4 columns, a gap of 2, 5 blanks
    assert lines[3].plain == "ab    69,632"
    assert lines[2].cell_len == lines[3].cell_len == 12


def test_cells_are_made_harmless() -> None:
    (row,) = draw([Column("", ("\x1b[31m[/x]",), left=True)])[2:]
    assert row.plain == "[31m[/x]"


def test_a_table_folds_between_groups_and_repeats_the_first_column() -> None:
    groups = [[PARAMS, RATIO], [MACS]]
    whole = width_of_columns([NAMES, PARAMS, RATIO, MACS])
    assert whole == 6 + 2 + 6 + 2 + 5 + 2 + 13
    for width in (None, whole):
        assert len(draw_folded(NAMES, groups, width)) == 4
    folded = [line.plain for line in draw_folded(NAMES, groups, whole - 1)]
    assert folded == [
        "name    params  ratio",
        "─────────────────────",
        "a            1  1.00×",
        "longer  69,632  8.47×",
        "",
        "name             MACs",
        "─────────────────────",
        "a                   2",
        "longer  1,849,688,064",
    ]


def test_a_group_that_is_too_wide_alone_is_drawn_whole() -> None:
    assert draw_folded(NAMES, [[MACS]], 5)[3].plain == "longer  1,849,688,064"
