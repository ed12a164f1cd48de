"""What stands beneath a table."""

from __future__ import annotations

from dataclasses import replace

from cnnx.report.notes import draw_notes, environment_note, warning_notes
from tests.records import MEASURED, ON_CUDA, STATIC


def test_a_static_environment_says_what_it_knows() -> None:
    assert environment_note(STATIC) == "A processor, 8 cores; cnnx 0.1.0, Python 3.11.7, Linux 6.1 x86_64"


def test_a_measured_environment_says_how_it_was_measured() -> None:
    assert environment_note(MEASURED) == (
        "A processor, AVX512, 4 of 8 threads, load 0.25; cnnx 0.1.0, Python 3.11.7, torch 2.8.0, Linux 6.1 x86_64; "
        "float32, contiguous, batch 1, 60 rounds, warm-up at least 3 calls and 0.1 s each, seed 0"
    )


def test_a_graphics_card_comes_with_its_versions_and_clocks() -> None:
    note = environment_note(ON_CUDA)
    assert note.startswith("A graphics card, A processor")
    assert "clocks 1980 MHz before, 1965 MHz after" in note
    assert "CUDA 12.8, cuDNN 9.7, driver 570.0" in note
    assert "TF32 off" in note
    assert "TF32 on" in environment_note(replace(ON_CUDA, tf32=True))


def test_one_round_is_not_several() -> None:
    assert ", 1 round," in environment_note(replace(MEASURED, rounds=1))


def test_notes_are_indented_from_their_second_line_on() -> None:
    lines = [line.plain for line in draw_notes(["one " * 10, "two"], 24)]
    assert lines == ["one one one one one", "  one one one one one", "two"]


def test_warnings_are_marked_as_such() -> None:
    assert warning_notes(["the load was 8.0"]) == ["Warning: the load was 8.0."]
