"""Columns line up, no cell is cut, and a table that is too wide goes on beneath."""

from __future__ import annotations

from cnnx.report.table import LEAST_NAME, Column, draw, draw_folded, fit, left_out_note, width_of_columns

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


def test_a_group_that_is_too_wide_beside_the_names_stands_beneath_them() -> None:
    # MACs and their ratio take 13 + 2 + 5 columns: beside names of 6 they would take 28.
    for width in (22, 27):
        assert [line.plain for line in draw_folded(NAMES, [[MACS, RATIO]], width)] == [
            "name",
            "           MACs  ratio",
            "──────────────────────",
            "a",
            "              2  1.00×",
            "longer",
            "  1,849,688,064  8.47×",
        ]
    assert len(draw_folded(NAMES, [[MACS, RATIO]], 28)) == 4


def test_a_group_that_fits_nowhere_is_divided() -> None:
    lines = [line.plain for line in draw_folded(NAMES, [[MACS, RATIO]], 21)]
    assert lines[1] == "           MACs"
    assert lines[-1] == "  8.47×"
    assert max(map(len, lines)) <= 21


def test_of_the_forms_of_a_table_the_first_that_fits_is_drawn() -> None:
    forms = [[NAMES, PARAMS, MACS], [NAMES, PARAMS], [NAMES]]
    assert fit(forms, None) == forms[0]
    assert fit(forms, 6 + 2 + 6 + 2 + 13) == forms[0]
    assert fit(forms, 6 + 2 + 6 + 2 + 12) == forms[1]
    assert fit(forms, 6) == forms[2]


def test_where_no_form_fits_names_are_shortened() -> None:
    long = Column("name", ("a", "stage4.0.expand_and_norm × 3"), left=True)
    narrow = [[long, PARAMS, MACS], [long, PARAMS]]
    (first, *others) = fit([], 28, narrow)
    assert others == [PARAMS]
    assert first.cells == ("a", "stage4.0.expa…rm × 3")  # 28 - 2 - 6 columns: 13, the ellipsis, 6
    (first, *others) = fit([], 40, narrow)
    assert others == [PARAMS]  # 40 - 2 - 6 - 2 - 13 leaves too little, so the MACs go first
    assert 0 < fit([], 3, narrow)[0].width <= LEAST_NAME


def test_a_note_tells_which_columns_are_left_out() -> None:
    assert left_out_note([NAMES, Column("params\nK M G", ("1",))], ["name", "params"]) == []
    assert left_out_note([NAMES, PARAMS], ["MACs"]) == [
        "Narrow terminal: the column MACs is left out; --json has everything."
    ]
    assert left_out_note([PARAMS], ["MACs", "name"]) == [
        "Narrow terminal: the columns MACs and name are left out; --json has everything."
    ]


def test_a_name_that_is_wider_than_the_terminal_is_broken_at_its_blanks() -> None:
    names = Column("", ("conv and linear, without bias",), left=True)
    lines = [line.plain for line in draw_folded(names, [[Column("MACs", ("123,456",))]], 20)]
    assert lines[2:] == ["conv and linear,", "without bias", "  123,456"]
