"""Text from specs and users can do nothing to a terminal, and words stay whole."""

from __future__ import annotations

import pytest

from cnnx.report.text import line, paragraph, plain, show_shapes


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
