"""An explanation for other programs: JSON, a grid of layers, LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from cnnx.analysis.environment import Environment
from cnnx.analysis.formulas.explanation import Explanation, Line
from cnnx.analysis.formulas.ratios import Ratio
from cnnx.report.coverage import coverage_object
from cnnx.report.document import Object, document, result
from cnnx.report.explain import Explained, figure_name, figure_note, write_symbol, written_forms
from cnnx.report.grid import Grid, Series
from cnnx.report.numbers import ratio
from cnnx.report.text import plain


def explanation_document(
    explained: Sequence[Explained], found: Ratio | None, environment: Environment, convention: str
) -> Object:
    """Give a result for each spec, with its explanation; the second has its ratio to the first."""
    results = [_result(each) for each in explained]
    if found is not None:
        results[1]["ratio_to_first"] = {found.figure: found.ratio}
        results[1]["explanation"]["ratio_to_first"] = _ratio(found)
    return document(environment, results, convention)


def _result(explained: Explained) -> Object:
    covered = explained.coverage
    return {
        **result(explained.figures),
        "name": explained.name,
        "label": explained.explanation.name,
        "title": explained.explanation.title,
        "explanation": _explanation(explained.explanation),
        "coverage": None if covered is None else [coverage_object(axis) for axis in covered],
    }


def _explanation(explanation: Explanation) -> Object:
    total = explanation.total
    return {
        "figure": explanation.figure,
        "symbols": [asdict(each) for each in explanation.symbols],
        "computed": dict(explanation.derived),
        "fixed": dict(explanation.fixed),
        "layers": [_layer(path, each) for path, each in with_paths(explanation.lines)],
        "layers_left_out": explanation.left_out,
        "expanded": total.expanded or total.closed.symbols,
        "closed_form": total.closed.symbols,
        "fraction": total.fraction or total.closed.symbols,
        "in_numbers": total.closed.numbers,
        "latex": total.closed.latex,
        "result": total.closed.result,
        "conditions": list(explanation.conditions),
        "obstacle": total.obstacle,
        "ratio_to_first": None,
    }


def _layer(path: str, each: Line) -> Object:
    formula = each.formula
    return {
        "name": path,
        "times": each.times,
        "operation": each.operation,
        "formula": None if formula is None else formula.symbols,
        "in_numbers": None if formula is None else formula.numbers,
        "latex": None if formula is None else formula.latex,
        "each": None if formula is None else formula.result,
        "result": each.result,
    }


def _ratio(found: Ratio) -> Object:
    return {
        "first": found.first.name,
        "formula": found.formula,
        "in_numbers": found.numbers,
        "latex": found.latex,
        "ratio": found.ratio,
        "parts": [asdict(part) for part in found.parts],
    }


def with_paths(lines: Sequence[Line]) -> Iterator[tuple[str, Line]]:
    """Give each line with its whole name."""
    path: list[str] = []
    for each in lines:
        path[each.depth :] = [each.name]
        yield ".".join(path), each


def explanation_grid(explained: Explained) -> Grid:
    """Give a row for each layer that has a formula; sum and conditions are notes."""
    explanation = explained.explanation
    rows = [(path, each, each.formula) for path, each in with_paths(explanation.lines) if each.formula is not None]
    total, what = explanation.total, figure_name(explanation)
    conditions = [f"Holds where {', '.join(explanation.conditions)}."] if explanation.conditions else []
    symbols = ", ".join(map(write_symbol, explanation.symbols))
    notes = [
        f"{what} = {' = '.join([*written_forms(total), str(total.closed.result)])}",
        *conditions,
        *([symbols] if symbols else []),
    ]
    return Grid(
        (
            Series("name", "layer", tuple(path for path, _, _ in rows)),
            Series("times", "times", tuple(each.times for _, each, _ in rows)),
            Series("operation", "operation", tuple(each.operation for _, each, _ in rows)),
            Series("formula", "formula", tuple(formula.symbols for _, _, formula in rows)),
            Series("in_numbers", "in numbers", tuple(formula.numbers for _, _, formula in rows)),
            Series(explanation.figure, what, tuple(each.result for _, each, _ in rows)),
        ),
        (*notes, *([total.obstacle] if total.obstacle else []), figure_note(explanation.figure, explained.figures)),
    )


def ratio_grid(found: Ratio) -> Grid:
    """Give a row for each layer of the second spec, over the whole of the first; the ratio as a whole is a note."""
    parts, what = found.parts, figure_name(found.second)
    forms = [text for text in (found.formula, found.numbers) if text]
    head = f"{found.second.name} to {found.first.name}, {what}"
    return Grid(
        (
            Series("name", "layer", tuple(part.name for part in parts)),
            Series("times", "times", tuple(part.times for part in parts)),
            Series("formula", "formula", tuple(part.own for part in parts)),
            Series("over_first", f"over {found.first.name}", tuple(part.formula or None for part in parts)),
            Series(found.figure, what, tuple(part.result for part in parts)),
            Series("ratio", "ratio", tuple(part.ratio for part in parts)),
        ),
        (f"{head}: {' = '.join([*forms, ratio(found.ratio)])}",),
    )


def explanation_latex(explained: Sequence[Explained], found: Ratio | None) -> str:
    """Write each layer and the sum as equations of LaTeX, and the ratio where there is one."""
    lines = ["% needs \\usepackage{amsmath}"]
    for each in explained:
        lines += _equations(each.explanation)
    if found is not None and found.latex:
        what = f"{_word(figure_name(found.second))} / {_word(figure_name(found.first))}"
        lines += [f"% {plain(found.second.name)} to {plain(found.first.name)}", "\\begin{align*}"]
        lines += [f"{what} &= {found.latex} \\approx {found.ratio:.4g}", "\\end{align*}"]
    return "\n".join([*lines, ""])


def _equations(explanation: Explanation) -> Iterator[str]:
    yield f"% {plain(explanation.name)}: {figure_name(explanation)}"
    for condition in explanation.conditions:
        yield f"% where {plain(condition)}"
    yield "\\begin{align*}"
    for path, each in with_paths(explanation.lines):
        if each.formula is not None:
            times = f"{each.times} \\cdot \\left({each.formula.latex}\\right)" if each.times > 1 else each.formula.latex
            yield f"{_word(path)} &: & {times} &= {each.result} \\\\"
    total = explanation.total.closed
    closed = f"{total.latex} &= {total.result}" if total.latex else f"& {total.result}"
    yield f"{_word(figure_name(explanation))} &: & {closed}"
    yield "\\end{align*}"


def _word(text: str) -> str:
    escaped = text.replace("_", r"\_").replace("–", "--")
    return rf"\text{{{escaped}}}"
