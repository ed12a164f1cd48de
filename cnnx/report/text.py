"""Text from specs and users, made harmless, and text laid out in lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from cnnx.graph.operation import Shape, show_shape

LEAST_ROOM = 12  # columns for text, however narrow the terminal


def plain(text: object) -> str:
    """Give text in one line without control characters, so that a name or title can do nothing to a terminal.

    White space becomes blanks, escape codes lose their escape, and marks that turn the direction of text go.
    """
    written = str(text)
    if written.isprintable():
        return written
    return "".join(_harmless(character) for character in written)


def _harmless(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else ""


def line(*parts: str | tuple[str, str]) -> Text:
    """Join texts, some of them with a style, to a line in which nothing is read as markup."""
    styled = [(part, "") if isinstance(part, str) else part for part in parts]
    return Text("", no_wrap=True).append_tokens((plain(text), style) for text, style in styled)


def paragraph(text: str, width: int | None, style: str = "", indent: str = "") -> list[Text]:
    """Break text at blanks into lines of at most `width` columns; words stay whole, and None breaks nowhere."""
    clean = plain(text)
    if width is None:
        return [line(indent, (clean, style))]
    return [line(indent, (part, style)) for part in _wrapped(clean, max(LEAST_ROOM, width - cell_len(indent)))]


def headline(title: str, name: str, width: int | None) -> list[Text]:
    """Give a title in bold and a name beside it or, where that is too wide, one beneath the other."""
    return side_by_side((title, "bold"), (name, ""), width) if name else paragraph(title, width, "bold")


def side_by_side(first: tuple[str, str], second: tuple[str, str], width: int | None, indent: str = "") -> list[Text]:
    """Give two texts with their styles in one line or, where that is too wide, the second beneath, indented."""
    both = line(first, "  ", second)
    if width is None or both.cell_len <= width:
        return [both]
    return [*paragraph(first[0], width, first[1]), *paragraph(second[0], width, second[1], indent)]


def _wrapped(text: str, room: int) -> Iterator[str]:
    """Break text at blanks, and a word of wide letters, which are written without blanks, between any two."""
    so_far = ""
    for word in re.findall(" *[^ ]+", text):
        pieces = [*word] if cell_len(word) > max(room, len(word)) else [word]
        for piece in pieces:
            if so_far and cell_len(so_far + piece) > room:
                yield so_far
                piece = piece.lstrip()
                so_far = ""
            so_far += piece
    yield so_far


def shorten(text: str, width: int) -> str:
    """Shorten text that is wider than `width` by an ellipsis in its middle: both ends of a name tell it from others."""
    if cell_len(text) <= width:
        return text
    behind = (width - 1) // 3
    start = set_cell_size(text, width - 1 - behind).rstrip()
    end = set_cell_size(text[::-1], behind)[::-1].lstrip()
    return f"{start}…{end}"


def listed(names: Sequence[str]) -> str:
    """Write names with commas and an `and`: `hooks, fvcore and torch`."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def show_shapes(shapes: Iterable[Shape]) -> str:
    """Write the shapes of several streams: `256×56×56`, `2 of 32×32×32`, `32×28×28 + 16×56×56`, `10 + a number`."""
    counted = Counter(show_shape(shape) or "a number" for shape in shapes).items()
    return " + ".join([("" if times == 1 else f"{times} of ") + shape for shape, times in counted])
