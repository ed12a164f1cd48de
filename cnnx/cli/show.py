"""`cnnx show`."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnx.cli import options
from cnnx.cli.output import choose_output

EXAMPLES = """\b
Examples:
  cnnx show bottleneck
  cnnx show bottleneck --set r=8 --input 128x28x28
  cnnx show mobilenetv3 --memory            the peak, and what is alive there
  cnnx show bottleneck --yaml > mine.yaml   to start a spec of one's own
"""

Expand = Annotated[bool, typer.Option("--expand", help="Show every layer; fold none.")]
Memory = Annotated[bool, typer.Option("--memory", help="Show the peak of memory, and what is alive there.")]
Yaml = Annotated[bool, typer.Option("--yaml", help="Print the spec's text.")]


def show(
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
    output = choose_output(form, json, file)

    from cnnx.analysis.about import about
    from cnnx.analysis.conventions import find_convention
    from cnnx.analysis.environment import static_environment
    from cnnx.analysis.figures import count
    from cnnx.analysis.memory import predict_memory
    from cnnx.analysis.tree import layers
    from cnnx.cli.invocation import command_line
    from cnnx.cli.names import load, read_input, read_settings, split_name
    from cnnx.report.grids import memory_grid, structure_grid
    from cnnx.report.memory import draw_memory
    from cnnx.report.structure import draw_head, draw_structure, structure_document
    from cnnx.spec.library import Library

    chosen, library = find_convention(convention), Library()
    if yaml:
        output.write_text(library.open(split_name(name)[0]).file.text.text)
        return
    loaded = load(name, library, read_settings(set_ or ()), read_input(input_))
    figures = chosen.apply(count(loaded.graph))
    told, environment = about(loaded.target), static_environment(command_line())
    tree, needed = layers(figures, fold=not expand), predict_memory(loaded.graph)
    output.write(
        lambda width: (
            draw_memory(draw_head(told, figures, width), needed, width)
            if memory
            else draw_structure(told, figures, tree, width)
        ),
        lambda: structure_document(told, figures, needed, environment),
        lambda: memory_grid(needed) if memory else structure_grid(figures),
    )
