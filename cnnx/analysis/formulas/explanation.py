"""Where a figure comes from: every layer's formula in symbols and in numbers, the sum, and its closed form.

The formulas are not written anywhere: they come out of the rules of the operations, run on pairs of a number and an
expression (`cnnx.analysis.formulas.pairs`). The records hold text and integers only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cnnx.analysis.formulas.carrying import expression_of, plain
from cnnx.analysis.formulas.closed_forms import close
from cnnx.analysis.formulas.conditions import Condition
from cnnx.analysis.formulas.derivation import Derivation
from cnnx.analysis.formulas.notation import Names, Writer, short_names
from cnnx.analysis.formulas.polynomial import Call, Polynomial, add_up, constant
from cnnx.analysis.formulas.workings import write_numbers, write_working
from cnnx.analysis.tree import Layer, layers
from cnnx.errors import UsageError, brief, nearest

MOST_TERMS = 40  # a longer sum is no formula that anybody reads
MOST_EXTRA = 8  # by how many characters a fraction may be longer than the simplest form to be worth showing

# The figures that have formulas: as they are asked for, the field of a node's figures, and what they are called.
FIGURES: Mapping[str, tuple[str, str]] = {
    "params": ("params", "params"),
    "macs": ("macs", "MACs"),
    "flops": ("flops", "FLOPs"),
    "access": ("memory_access_elements", "accesses"),
}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol of the formulas: the parameter that it stands for, and its number here."""

    symbol: str
    parameter: str
    value: int


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in symbols, with numbers in their place, and what comes out."""

    symbols: str
    numbers: str
    latex: str
    result: int


@dataclass(frozen=True, slots=True)
class Line:
    """A layer of the tree: its name, how deep it stands, how many equal ones it folds, and its formula.

    `times` counts with those that the layers above it fold. `formula` is that of one such layer, None for a group;
    `result` is that of all of them.
    """

    name: str
    depth: int
    folded: int
    times: int
    operation: str
    formula: Formula | None
    result: int
    kind: int | None = None  # which of the derivation's kinds of nodes


@dataclass(frozen=True, slots=True)
class Sum:
    """All layers together: like terms added, the simplest form, and over one denominator where there is one.

    Forms that would say the same again are empty. `obstacle` says in a sentence why there is no closed form or no
    polynomial; where the form would be too long to read, its texts are empty too.
    """

    expanded: str
    closed: Formula
    fraction: str
    obstacle: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One figure of one spec, explained."""

    name: str
    title: str
    figure: str  # a key of `FIGURES`
    input: str
    symbols: tuple[Symbol, ...]
    derived: Mapping[str, str]  # parameters that are computed from symbols
    fixed: Mapping[str, object]  # parameters that stay as they are
    lines: tuple[Line, ...]
    left_out: int  # layers whose figure is 0
    total: Sum
    conditions: tuple[str, ...]


def check_figure(word: str) -> str:
    """Check the name of a figure. Raises `UsageError` with the nearest one."""
    if word not in FIGURES:
        hint = nearest(word, FIGURES) or f"{', '.join(FIGURES)} can be explained"
        raise UsageError(f"no figure is named `{brief(word, 60)}`", hint=hint)
    return word


def symbol_names(*derivations: Derivation) -> dict[str, str]:
    """Give every symbol the shortest name that tells it from the others: `c` for `channels`."""
    symbols = {symbol: name for each in derivations for name, symbol in each.symbols.items()}
    short = short_names(list(dict.fromkeys(symbols.values())))
    return {symbol: short[name] + symbol.removeprefix(name) for symbol, name in symbols.items()}


def explain(derivation: Derivation, figure: str, title: str = "", names: Names | None = None) -> Explanation:
    """Explain one figure of a spec; `names` are what is written for the symbols.

    Raises `UsageError` for a figure that is none of `FIGURES`.
    """
    field = FIGURES[check_figure(figure)][0]
    names = symbol_names(derivation) if names is None else names
    writer = Writer(names)
    formulas = [_formula(getattr(kind, field), names) for kind in derivation.carried]
    tree = layers(derivation.figures, marks=derivation.kinds)
    return Explanation(
        name=derivation.graph.name,
        title=title,
        figure=figure,
        input=" + ".join("×".join(map(str, shape)) for shape in derivation.graph.inputs.values()),
        symbols=tuple([Symbol(names[symbol], symbol, value) for symbol, value in derivation.values.items()]),
        derived={name: writer.polynomial(expression)[0] for name, expression in derivation.derived.items()},
        fixed=derivation.fixed,
        lines=tuple(_lines(tree, formulas, 0, 1)),
        left_out=sum(formulas[kind].result == 0 for kind in derivation.kinds.values()),
        total=_sum(derivation, field, names),
        conditions=tuple([write_condition(condition) for condition in derivation.conditions]),
    )


def _formula(figure: int, names: Names) -> Formula:
    return Formula(
        symbols=write_working(figure, Writer(names)),
        numbers=write_numbers(figure, Writer({})),
        latex=write_working(figure, Writer(names, latex=True)),
        result=plain(figure),
    )


def _lines(tree: Sequence[Layer], formulas: Sequence[Formula], depth: int, before: int) -> Iterator[Line]:
    """Give the lines of layers and of all below them; what comes to 0 is left out."""
    for layer in tree:
        times = before * layer.times
        below = list(_lines(layer.children, formulas, depth + 1, times))
        own = None if layer.mark is None else formulas[layer.mark]
        if own is not None and own.result == 0:
            own = None
        inner = sum(line.result for line in below if line.depth == depth + 1)
        result = inner + (0 if own is None else own.result * times)
        if result:
            yield Line(layer.name, depth, layer.times, times, layer.operation, own, result, layer.mark)
            yield from below


def total_of(derivation: Derivation, field: str) -> Polynomial:
    """Add a figure up over all nodes, as an expression."""
    counts = Counter(derivation.kinds.values())
    figures = [(times, getattr(derivation.carried[kind], field)) for kind, times in counts.items()]
    return add_up([constant(times) * expression_of(figure) for times, figure in figures])


def _sum(derivation: Derivation, field: str, names: Names) -> Sum:
    whole, result = total_of(derivation, field), getattr(derivation.figures, field)
    obstacle = _obstacle(derivation, whole, Writer(names))
    if len(whole.terms) > MOST_TERMS:
        return Sum("", Formula("", "", "", result), "", obstacle)
    writer, numbers = Writer(names), Writer({symbol: str(value) for symbol, value in derivation.values.items()})
    form = close(whole, writer)
    simplest, fraction = form.write(form.simplest, writer), form.write(form.fraction, writer)
    expanded = writer.polynomial(whole)[0]
    latex = form.write(form.simplest, Writer(names, latex=True))
    return Sum(
        expanded=expanded if expanded != simplest else "",
        closed=Formula(simplest, form.write(form.simplest, numbers), latex, result),
        fraction=fraction if fraction != simplest and len(fraction) <= len(simplest) + MOST_EXTRA else "",
        obstacle=obstacle,
    )


def _obstacle(derivation: Derivation, whole: Polynomial, writer: Writer) -> str:
    """Say why a sum has no closed form; empty where it has one."""
    if not derivation.symbols:
        return "There is no closed form: no parameter of this spec is an integer that reaches a number of channels."
    if whole.number is not None:
        return "The figure is the same for all values of the symbols."
    if len(whole.terms) > MOST_TERMS:
        return f"There is no closed form to read: the sum has {len(whole.terms)} different terms."
    calls = sorted(writer.atom(atom)[0] for atom in whole.atoms if isinstance(atom, Call))
    if not calls:
        return ""
    shown = ", ".join(calls[:3]) + (" …" if len(calls) > 3 else "")
    return (
        f"There is no polynomial: {shown} {'rounds' if len(calls) == 1 else 'round'}, and what rounds stays as it is."
    )


_RELATIONS = {"==": "=", "!=": "≠", "<": "<", "<=": "≤"}
_TURNED = {"==": "=", "!=": "≠", "<": ">", "<=": "≥"}


def write_condition(condition: Condition) -> str:
    """Write a condition with the names of parameters: `r divides channels`, `expansion ≠ 1`, `channels > 4`."""
    left, right = (Writer({}).polynomial(side)[0] for side in (condition.left, condition.right))
    if condition.relation == "divides":
        return f"{left} divides {right}"
    if condition.left.number is not None:
        return f"{right} {_TURNED[condition.relation]} {left}"
    return f"{left} {_RELATIONS[condition.relation]} {right}"
