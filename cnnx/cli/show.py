"""`cnnx show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnx.cli import options
from cnnx.cli.output import Output, choose_output
from cnnx.cli.unused import check_used
from cnnx.errors import UsageError

if TYPE_CHECKING:
    from cnnx.analysis.conventions.presets import Convention
    from cnnx.cli.names import Loaded

EXAMPLES = """\b
Examples:
  cnnx show bottleneck
  cnnx show bottleneck --set r=8 --input 128x28x28
  cnnx show mobilenetv3 --memory            the peak, and what is alive there
  cnnx show bottleneck --yaml > mine.yaml   to start a spec of one's own
"""

_SETTLING = ("set_", "input_", "expand", "memory", "convention", "form", "json")
_AS_IT_STANDS = "--yaml prints the spec's text as it stands"

Expand = Annotated[bool, typer.Option("--expand", help="Show every layer; fold none.")]
Memory = Annotated[bool, typer.Option("--memory", help="Show the peak of memory, and what is alive there.")]
Yaml = Annotated[bool, typer.Option("--yaml", help="Print the spec's text, as it stands.")]


def show(
    context: typer.Context,
    name: options.Name,
    set_: options.Set = None,
    input_: options.Input = None,
    expand: Expand = False,
    memory: Memory = False,
    yaml: Yaml = False,
    convention: options.Convention = "cnnx",
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Show what a spec is, and its structure as a tree.

    The tree follows the names of the nodes, with output shapes, weights, multiply–adds and their share of the whole.
    Equal layers in a row are folded into one.
    """
    if yaml:
        check_used(context, "--yaml", _SETTLING, _AS_IT_STANDS)
        _print_text(name, file)
        return
    if memory:
        check_used(context, "--memory", ["expand"], "--memory shows the peak and no layers")
    output = choose_output(form, json, file)

    from cnnx.analysis.conventions.presets import find_convention
    from cnnx.cli.names import load, read_input, read_settings
    from cnnx.spec.library import Library

    chosen = find_convention(convention)
    loaded = load(name, Library(), read_settings(set_ or ()), read_input(input_))
    _answer(output, loaded, chosen, expand=expand, memory=memory)


def _answer(output: Output, loaded: Loaded, convention: Convention, *, expand: bool, memory: bool) -> None:
    """Count, and draw the tree or, if it is asked for, the peak of memory."""
    from cnnx.analysis.about import about
    from cnnx.analysis.environment import static_environment
    from cnnx.analysis.figures import count
    from cnnx.analysis.memory.inference import predict_memory
    from cnnx.analysis.tree import layers
    from cnnx.cli.invocation import command_line
    from cnnx.report.memory import draw_memory, memory_grid
    from cnnx.report.structure import draw_head, draw_structure, structure_document, structure_grid

    figures = convention.apply(count(loaded.graph))
    told, environment = about(loaded.target), static_environment(command_line())
    tree, needed = layers(figures, fold=not expand), predict_memory(loaded.graph)
    output.write(
        lambda width: (
            draw_memory(draw_head(told, figures, width), needed, width)
            if memory
            else draw_structure(told, figures, tree, width)
        ),
        lambda: structure_document(loaded.label, told, figures, needed, environment),
        lambda: memory_grid(needed) if memory else structure_grid(figures),
    )


def _print_text(name: str, file: Path | None) -> None:
    """Print a spec's text; raises `UsageError` for settings, which would not change it."""
    from cnnx.cli.names import split_name
    from cnnx.spec.library import Library

    bare, settings = split_name(name)
    if settings:
        raise UsageError(f"--yaml and @{next(iter(settings))}=…: one of them; {_AS_IT_STANDS}")
    choose_output("yaml", False, file).write_text(Library().open(bare).file.text.text)
