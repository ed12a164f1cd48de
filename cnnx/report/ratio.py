"""What `explain A B` draws: both sums, and what each layer of the second is of the whole of the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from cnnx.analysis.formulas.ratios import Part, Ratio
from cnnx.report.explain import Explained, draw_equal, draw_subject, draw_total, figure_name, figure_note
from cnnx.report.notes import draw_notes
from cnnx.report.numbers import NOTHING, exact, ratio, significant
from cnnx.report.receptive_field import draw_fields
from cnnx.report.table import Column, draw, fit, width_of_columns
from cnnx.report.text import line, paragraph


def draw_ratio(found: Ratio, sides: Sequence[Explained], width: int | None) -> list[Text]:
    """Draw the two that are compared, the ratio term by term, and as a whole."""
    lines: list[Text] = []
    for explanation, explained in zip((found.first, found.second), sides, strict=True):
        lines += [*draw_subject(explanation, width), *draw_total(explanation, width)]
        lines += draw_fields(explained.figures.receptive_field, width)
        lines.append(Text())
    notes = draw_notes([figure_note(found.figure, sides[0].figures)], width)
    if found.ratio is None:
        nothing = f"{found.first.name} has no {figure_name(found.first)}, so there is no ratio to it."
        return [*lines, *paragraph(nothing, width), Text(), *notes]
    return [*lines, *_whole(found, width), Text(), *_table(found, width), Text(), *notes]


def _whole(found: Ratio, width: int | None) -> Iterator[Text]:
    """Draw the ratio as a whole: its formula, with numbers, and what comes out."""
    assert found.ratio is not None
    head = f"{found.second.name} to {found.first.name}"
    yield line((head, "bold"))
    results = f"{exact(found.second.total.closed.result)} / {exact(found.first.total.closed.result)}"
    inverse = f", one part in {significant(1 / found.ratio)}" if 0 < found.ratio < 1 else ""
    what = figure_name(found.first)
    for number, form in enumerate(dict.fromkeys((found.formula, found.numbers, results))):
        yield from draw_equal("" if number else what, form, len(what), width) if form else ()
    yield from draw_equal("", f"{ratio(found.ratio)}{inverse}", len(what), width)


def _table(found: Ratio, width: int | None) -> list[Text]:
    """Draw the parts as a table or, where that is too wide, with each formula on lines of its own."""
    name, own, whole, results, ratios = _columns(found)
    everything = [name, own, whole, results, ratios]
    if width is None or width_of_columns(everything) <= width:
        return draw(everything)
    drawn = draw(fit([[name, results, ratios]], width))
    lines = drawn[:2]
    for row, part in zip(drawn[2:], (*found.parts, None), strict=True):
        formula = paragraph(part.formula, width, "cyan", "  ") if part is not None and part.formula else []
        lines += [row, *formula]
    return lines


def _columns(found: Ratio) -> Sequence[Column]:
    parts = found.parts
    below = found.first.total.closed.symbols
    header = f"of {found.first.name}" if not below or len(below) > 24 else f"over {below}"
    return (
        Column("layer", (*[_name(part) for part in parts], "sum"), left=True),
        Column("formula", (*[part.own for part in parts], ""), left=True, style="cyan"),
        Column(header, (*[part.formula or NOTHING for part in parts], ""), left=True, style="cyan"),
        Column(figure_name(found.second), (*[exact(part.result) for part in parts], exact(_result(found)))),
        Column("ratio", (*[significant(part.ratio) for part in parts], significant(found.ratio or 0.0))),
    )


def _result(found: Ratio) -> int:
    return found.second.total.closed.result


def _name(part: Part) -> str:
    return f"{part.name} × {part.times}" if part.times > 1 else part.name
