"""`cnnx explain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cnnx.cli import options
from cnnx.cli.completion import complete_figure, complete_name
from cnnx.cli.output import choose_output, warn
from cnnx.cli.unused import check_used
from cnnx.errors import RuleError, UsageError, brief

if TYPE_CHECKING:
    from cnnx.analysis.conventions.presets import Convention
    from cnnx.analysis.coverage import AxisCoverage
    from cnnx.analysis.formulas.derivation import Derivation
    from cnnx.analysis.formulas.explanation import Explanation
    from cnnx.analysis.formulas.ratios import Ratio
    from cnnx.graph.graph import Graph
    from cnnx.graph.operation import Shape
    from cnnx.report.explain import Explained
    from cnnx.spec.library import Library
    from cnnx.spec.values import Value

EXAMPLES = """\b
Examples:
  cnnx explain bottleneck
  cnnx explain dense_block --set bottleneck=true --set depth=6 --figure macs
  cnnx explain plain3x3 bottleneck            the ratio, term by term
  cnnx explain bottleneck bottleneck@r=8
  cnnx explain hdc --set 'rates=[2,2,2]'      which positions reach the output
"""

Other = Annotated[
    str | None,
    typer.Argument(
        help="Another, whose ratio to the first is explained.",
        metavar="OTHER",
        show_default=False,
        autocompletion=complete_name,
    ),
]
Figure = Annotated[
    str,
    typer.Option("--figure", help="params, macs, flops or access.", metavar="FIGURE", autocompletion=complete_figure),
]


def explain(
    context: typer.Context,
    name: options.Name,
    other: Other = None,
    figure: Figure = "params",
    latex: Annotated[bool, typer.Option("--latex", help="The same as --format latex: equations.")] = False,
    set_: options.Set = None,
    input_: options.Input = None,
    convention: options.Convention = "cnnx",
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Show where a figure comes from.

    The formula of every layer in symbols and in numbers, the sum, and its closed form with the conditions under which
    it holds. With two names, the ratio of the second to the first, term by term. For a chain of dilated convolutions,
    which positions of the input reach the output.
    """
    if latex and (json or form not in (None, "latex")):
        raise UsageError("--latex and another format: one of them")
    output = choose_output("latex" if latex else form, json, file)

    from cnnx.analysis.conventions.presets import find_convention
    from cnnx.analysis.environment import static_environment
    from cnnx.cli.invocation import command_line
    from cnnx.cli.names import read_input, read_settings
    from cnnx.report.explain import draw_explanation
    from cnnx.report.explain_formats import explanation_document, explanation_grid, explanation_latex, ratio_grid
    from cnnx.report.ratio import draw_ratio

    chosen = find_convention(convention)
    if figure != "flops":
        check_used(context, f"--figure {brief(figure, 40)}", ["convention"], "conventions are about --figure flops")
    asked = _Asked(figure, read_settings(set_ or ()), read_input(input_), chosen)
    explained, found = asked.explain([name] if other is None else [name, other])
    if output.form == "latex":
        output.write_text(explanation_latex(explained, found))
        return
    environment = static_environment(command_line())
    output.write(
        lambda width: draw_explanation(explained[0], width) if found is None else draw_ratio(found, explained, width),
        lambda: explanation_document(explained, found, environment, chosen.name),
        lambda: explanation_grid(explained[0]) if found is None else ratio_grid(found),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be explained of each spec, and with which settings."""

    figure: str
    shared: Mapping[str, Value]
    input_shape: Shape | None
    convention: Convention

    def explain(self, names: Sequence[str]) -> tuple[Sequence[Explained], Ratio | None]:
        """Explain one spec, or two and the ratio between them."""
        from cnnx.analysis.formulas.explanation import check_figure, explain
        from cnnx.analysis.formulas.ratios import explain_ratio, renamed_in_second
        from cnnx.cli.names import split_name
        from cnnx.spec.library import Library

        check_figure(self.figure)
        library = Library()
        own = [library.open(split_name(name)[0]).name for name in names]
        title, first = self.derive(names[0], library)
        if len(names) == 1:
            return [_beside(own[0], explain(first, self.figure, title), first)], None
        other, second = self.derive(names[1], library)
        renamed = renamed_in_second(first.graph.parameters, second.graph.parameters)
        if renamed:
            other, second = self.derive(names[1], library, renamed)
        found = explain_ratio(first, second, self.figure, (title, other))
        return [_beside(own[0], found.first, first), _beside(own[1], found.second, second)], found

    def derive(self, name: str, library: Library, renamed: Mapping[str, str] | None = None) -> tuple[str, Derivation]:
        """Give a spec's title and its figures with their formulas, by the convention."""
        from cnnx.analysis.formulas.derivation import by_convention, derive
        from cnnx.cli.names import split_name

        bare, own = split_name(name)
        target = library.open(bare)
        derivation = derive(target, library, {**self.shared, **own}, self.input_shape, renamed, label=name)
        return target.file.spec.title or "", by_convention(derivation, self.convention)


def _beside(name: str, explanation: Explanation, derivation: Derivation) -> Explained:
    from cnnx.report.explain import Explained

    return Explained(name, explanation, derivation.figures, _coverage(derivation.graph))


def _coverage(graph: Graph) -> tuple[AxisCoverage, ...] | None:
    """Give the coverage of a dilated chain; one that is too long is told."""
    from cnnx.analysis.coverage import coverage

    try:
        return coverage(graph)
    except RuleError as error:
        warn([error.message])
        return None
