"""Why one spec costs so many times another: each layer of the one as a part of the whole of the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cnnx.analysis.formulas.carrying import expression_of
from cnnx.analysis.formulas.closed_forms import close_quotient
from cnnx.analysis.formulas.derivation import Derivation
from cnnx.analysis.formulas.explanation import FIGURES, Explanation, explain, symbol_names, total_of
from cnnx.analysis.formulas.notation import Names, Writer
from cnnx.analysis.formulas.polynomial import Polynomial, constant
from cnnx.spec.values import Value


@dataclass(frozen=True, slots=True)
class Part:
    """A layer of the second spec over the whole of the first; `times` equal layers are one part."""

    name: str
    times: int
    own: str  # the layer's own formula
    formula: str  # that over the whole of the first; empty where it would be too long to read
    result: int  # of the layer
    ratio: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure of the second spec over that of the first, term by term and as a whole; formulas may be empty."""

    figure: str
    first: Explanation
    second: Explanation
    parts: tuple[Part, ...]
    formula: str
    numbers: str
    latex: str

    @property
    def ratio(self) -> float | None:
        """How many times as much; None where the first has none."""
        below = self.first.total.closed.result
        return self.second.total.closed.result / below if below else None


def renamed_in_second(first: Mapping[str, Value], second: Mapping[str, Value]) -> dict[str, str]:
    """Give the parameters of the second that need a symbol of their own: their value in the first is another."""
    return {name: f"{name}′" for name, value in second.items() if name in first and first[name] != value}


def explain_ratio(first: Derivation, second: Derivation, figure: str, titles: tuple[str, str] = ("", "")) -> Ratio:
    """Explain a figure of two specs, and the ratio of the second to the first.

    Symbols of one name are one: derive the second with `renamed_in_second`. Raises `UsageError` for a figure that
    is none of `FIGURES`.
    """
    names = symbol_names(first, second)
    one, two = (explain(each, figure, title, names) for each, title in zip((first, second), titles, strict=True))
    field = FIGURES[figure][0]
    below = total_of(first, field)
    form = close_quotient(total_of(second, field), below)
    values = {symbol: str(value) for each in (first, second) for symbol, value in each.values.items()}
    writers = (Writer(names), Writer(values), Writer(names, latex=True))
    formula, numbers, latex = ("" if form is None else form.write(form.simplest, writer) for writer in writers)
    parts = tuple(_parts(two, one.total.closed.result, second, below, names))
    return Ratio(figure, one, two, parts, formula, numbers, latex)


def _parts(explained: Explanation, whole: int, second: Derivation, below: Polynomial, names: Names) -> Iterator[Part]:
    """Give the layers that have some of the figure themselves, each by its whole name."""
    field = FIGURES[explained.figure][0]
    path: list[str] = []
    for line in explained.lines:
        path[line.depth :] = [line.name]
        if line.formula is None or line.kind is None or not whole:
            continue
        above = constant(line.times) * expression_of(getattr(second.carried[line.kind], field))
        form = close_quotient(above, below)
        formula = "" if form is None else form.write(form.simplest, Writer(names))
        result = line.times * line.formula.result
        own = f"{line.times} × {line.formula.symbols}" if line.times > 1 else line.formula.symbols
        yield Part(".".join(path), line.times, own, formula, result, result / whole)
