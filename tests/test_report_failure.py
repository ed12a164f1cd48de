"""How errors and warnings are printed."""

from __future__ import annotations

import io

from cnnx.report.console import make_console
from cnnx.report.failure import LONGEST_LINE, print_failure


def printed(word: str, message: str) -> str:
    stream = io.StringIO()
    print_failure(make_console(stream, {}), word, message)
    return stream.getvalue()


def test_an_excerpt_keeps_its_lines_and_its_caret() -> None:
    message = "mine.yaml:1:3: wrong\n    1 | \tabc\n      |  ^"
    assert printed("error", message) == "error: mine.yaml:1:3: wrong\n    1 |  abc\n      |  ^\n"


def test_a_name_of_absurd_length_is_cut() -> None:
    text = printed("warning", "x" * 100_000)
    assert text == f"warning: {'x' * LONGEST_LINE}… and 99,000 more characters\n"


def test_nothing_is_read_as_markup() -> None:
    assert printed("bug", "[/x] \x1b[31m") == "bug: [/x] [31m\n"
