"""Text from specs and users, made harmless, and text laid out in lines."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.text import Text

from cnnx.graph.operation import Shape, show_shape


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
    """Break text at blanks into lines of at most `width`; words stay whole, and None breaks nowhere."""
    clean = plain(text)
    if width is None:
        return [line(indent, (clean, style))]
    room = max(20, width - len(indent))
    wrapped = textwrap.wrap(clean, room, break_long_words=False, break_on_hyphens=False) or [""]
    return [line(indent, (part, style)) for part in wrapped]


def listed(names: Sequence[str]) -> str:
    """Write names with commas and an `and`: `hooks, fvcore and torch`."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def show_shapes(shapes: Iterable[Shape]) -> str:
    """Write the shapes of several streams: `256×56×56`, `2 of 32×32×32`, `32×28×28 + 16×56×56`."""
    counted = Counter(shapes).items()
    return " + ".join([("" if times == 1 else f"{times} of ") + show_shape(shape) for shape, times in counted])
