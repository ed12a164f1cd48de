"""Text from specs and users can do nothing to a terminal, and words stay whole."""

from __future__ import annotations

import pytest

from cnnx.report.text import headline, line, paragraph, plain, shorten, show_shapes, side_by_side


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Bottleneck 1×1 · 3×3 – 残差", "Bottleneck 1×1 · 3×3 – 残差"),
        ("[/x] [bold]no markup[/bold]", "[/x] [bold]no markup[/bold]"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("a\x07b\x08c\x7fd\x9be", "abcde"),
        ("two\nlines\tand\rmore", "two lines and more"),
        ("left\u202eto right\u200b", "leftto right"),
        ("a lone \udcff half", "a lone  half"),
    ],
)
def test_control_characters_go_and_white_space_becomes_blanks(written: str, shown: str) -> None:
    assert plain(written) == shown


def test_a_line_reads_nothing_as_markup() -> None:
    drawn = line(("[/x]", "bold"), " [red]text")
    assert drawn.plain == "[/x] [red]text"


def test_a_paragraph_breaks_at_blanks_only() -> None:
    text = "one two-three configs/blocks/bottleneck.yaml four"
    lines = [drawn.plain for drawn in paragraph(text, 20, indent="  ")]
    assert lines == ["  one two-three", "  configs/blocks/bottleneck.yaml", "  four"]


def test_a_paragraph_without_a_width_is_one_line() -> None:
    (only,) = paragraph("word " * 100, None)
    assert only.plain == "word " * 100


def test_equal_shapes_are_counted() -> None:
    assert show_shapes([(256, 56, 56)]) == "256×56×56"
    assert show_shapes([(32, 32, 32), (32, 32, 32)]) == "2 of 32×32×32"
    assert show_shapes([(32, 28, 28), (1000,)]) == "32×28×28 + 1000"
    assert show_shapes([(10,), ()]) == "10 + a number"


def test_text_breaks_at_blanks_and_between_wide_letters() -> None:
    assert [line.plain for line in paragraph("parameters  r=4, channels=256", 20)] == [
        "parameters  r=4,",
        "channels=256",
    ]
    # A wide letter takes two columns: six of them and a comma fit into 14.
    wide = [line.plain for line in paragraph("卷积神经网络中十大, 2017, https://example.org/a_long_page", 14)]
    assert wide == ["卷积神经网络中", "十大, 2017,", "https://example.org/a_long_page"]


def test_text_is_shortened_in_its_middle() -> None:
    assert shorten("bottleneck", 10) == "bottleneck"
    assert shorten("bottlenecks.1.expand", 10) == "bottle…and"  # 6 + 1 + 3
    assert shorten("残差残差残差残差", 10) == "残差残…差"  # letters of two columns: 6 + 1 + 2


def test_two_texts_stand_side_by_side_where_there_is_room() -> None:
    assert [line.plain for line in side_by_side(("name", "bold"), ("[/x] told", ""), 15)] == ["name  [/x] told"]
    assert [line.plain for line in side_by_side(("name", "bold"), ("[/x] told", ""), 14, "  ")] == [
        "name",
        "  [/x] told",
    ]
    assert [line.plain for line in headline("A title", "its_name", None)] == ["A title  its_name"]
    assert [line.plain for line in headline("A title", "its_name", 16)] == ["A title", "its_name"]
    assert [line.plain for line in headline("its_name", "", 40)] == ["its_name"]
