"""What `explain` draws: every layer's formula, in symbols and in numbers, the sum, and the closed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from cnnx.analysis.coverage import AxisCoverage
from cnnx.analysis.figures import Figures
from cnnx.analysis.formulas.explanation import FIGURES, Explanation, Line, Sum, Symbol
from cnnx.report.coverage import draw_coverage
from cnnx.report.notes import MACS, convention_note, draw_notes
from cnnx.report.numbers import counted, exact
from cnnx.report.receptive_field import draw_fields
from cnnx.report.structure import FOLDED, show_value
from cnnx.report.table import Column, draw, fit, width_of_columns
from cnnx.report.text import headline, line, listed, paragraph

_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation with what stands beside it; `name` is the spec's own, however it was named."""

    name: str
    explanation: Explanation
    figures: Figures
    coverage: tuple[AxisCoverage, ...] | None


def draw_explanation(explained: Explained, width: int | None) -> list[Text]:
    """Draw the head, the table of layers, the closed form with its conditions, and what belongs beside it."""
    explanation = explained.explanation
    return [
        *draw_subject(explanation, width),
        Text(),
        *_table(explanation, width),
        Text(),
        *draw_total(explanation, width),
        Text(),
        *draw_fields(explained.figures.receptive_field, width),
        *([] if explained.coverage is None else [Text(), *draw_coverage(explained.coverage, width)]),
        Text(),
        *draw_notes(_notes(explained), width),
    ]


def draw_subject(explanation: Explanation, width: int | None) -> list[Text]:
    """Draw what is explained, what the symbols stand for, and what stays a number."""
    fixed = [f"{parameter}={show_value(value)}" for parameter, value in explanation.fixed.items()]
    told = {
        "symbols": [write_symbol(each) for each in explanation.symbols],
        "from these": [f"{parameter} = {formula}" for parameter, formula in explanation.derived.items()],
        "fixed": [*fixed, f"input {explanation.input}"],
    }
    lines = headline(explanation.title or explanation.name, explanation.name if explanation.title else "", width)
    for word, texts in told.items():
        lines += paragraph(f"{word}  {', '.join(texts)}", width) if texts else []
    return lines


def write_symbol(each: Symbol) -> str:
    """Write what a symbol stands for and its number: `c = channels = 256`, or `r = 4`."""
    if each.symbol == each.parameter:
        return f"{each.symbol} = {each.value}"
    return f"{each.symbol} = {each.parameter} = {each.value}"


def _table(explanation: Explanation, width: int | None) -> list[Text]:
    """Draw the lines as a table or, where that is too wide, with each formula on lines of its own."""
    name, operation, formula, numbers, result = _columns(explanation)
    if width is None or width_of_columns([name, operation, formula, numbers, result]) <= width:
        return draw([name, operation, formula, numbers, result])
    return list(_stacked(explanation, fit([[name, operation, result], [name, result]], width), width))


def _stacked(explanation: Explanation, columns: Sequence[Column], width: int) -> Iterator[Text]:
    drawn = draw(columns)
    yield from drawn[:2]
    for row, each in zip(drawn[2:], (*explanation.lines, None), strict=True):
        yield row
        if each is not None and each.formula is not None:
            written = dict.fromkeys((each.formula.symbols, each.formula.numbers))
            yield from paragraph(f"{_times(each)}{' = '.join(written)}", width, "cyan", _INDENT * (each.depth + 1))


def _times(each: Line) -> str:
    return f"{each.times} × " if each.times > 1 else ""


def _columns(explanation: Explanation) -> tuple[Column, Column, Column, Column, Column]:
    lines, whole = explanation.lines, explanation.total.closed.result
    symbols = [_times(each) + each.formula.symbols if each.formula else "" for each in lines]
    numbers = [_times(each) + each.formula.numbers if each.formula else "" for each in lines]
    return (
        Column("layer", (*[_name(each) for each in lines], "sum"), left=True),
        Column("operation", (*[each.operation for each in lines], ""), left=True),
        Column("formula", (*symbols, ""), left=True, style="cyan"),
        Column("in numbers", (*numbers, ""), left=True),
        Column(figure_name(explanation), (*[exact(each.result) for each in lines], exact(whole))),
    )


def figure_name(explanation: Explanation) -> str:
    """Give what people call the figure."""
    return FIGURES[explanation.figure][1]


def _name(each: Line) -> str:
    return f"{_INDENT * each.depth}{each.name}" + (f" × {each.folded}" if each.folded > 1 else "")


def draw_total(explanation: Explanation, width: int | None) -> list[Text]:
    """Draw the sum in its forms, and the conditions under which it holds."""
    total, what = explanation.total, figure_name(explanation)
    lines: list[Text] = []
    for form in (*written_forms(total), exact(total.closed.result)):
        lines += draw_equal("" if lines else what, form, len(what), width)
    if explanation.conditions and not total.obstacle:
        lines += paragraph(f"It holds where {listed(explanation.conditions)}.", width)
    elif explanation.conditions:
        lines += paragraph(f"The formulas hold where {listed(explanation.conditions)}.", width)
    return [*lines, *(paragraph(total.obstacle, width) if total.obstacle else [])]


def written_forms(total: Sum) -> list[str]:
    """Give the forms of a sum that say something beside the others and the result."""
    closed = total.closed
    forms = dict.fromkeys((total.expanded, closed.symbols, total.fraction, closed.numbers))
    return [form for form in forms if form not in ("", str(closed.result))]


def draw_equal(lead: str, form: str, room: int, width: int | None) -> list[Text]:
    """Draw `lead = form`, broken at blanks; `room` is how far the equals sign stands from the left."""
    first, *others = paragraph(form, None if width is None else width - room - 3, "cyan")
    lines = [line(f"{lead:>{room}} = ").append_text(first)]
    return [*lines, *[Text(" " * (room + 3)).append_text(other) for other in others]]


def _notes(explained: Explained) -> list[str]:
    explanation = explained.explanation
    folded = [FOLDED] if any(each.folded > 1 for each in explanation.lines) else []
    what = figure_name(explanation)
    left_out = [f"Left out: {counted(explanation.left_out, 'layer')} without {what}."] if explanation.left_out else []
    return [*folded, *left_out, figure_note(explanation.figure, explained.figures)]


def figure_note(figure: str, figures: Figures) -> str:
    """Say what a figure is."""
    notes = {
        "params": "params: what is learned: weights, biases, the factors and offsets of batch norm.",
        "macs": f"{MACS} Figures are for one image.",
        "access": "accesses: elements read and written, inputs, weights and outputs of all nodes, for one image.",
    }
    return notes.get(figure) or convention_note([figures])
