"""`cnnx schema`."""

from __future__ import annotations

from cnnx.cli import options
from cnnx.cli.output import choose_output

EXAMPLES = """\b
Examples:
  cnnx schema -o cnnx.schema.json

Then an editor with the YAML language server knows every key, if a spec begins with

\b
  # yaml-language-server: $schema=cnnx.schema.json
"""


def schema(
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Print the JSON Schema of a spec file, for editors."""
    output = choose_output("json", False, file)

    from cnnx.report.document import write_json
    from cnnx.spec.schema import spec_schema

    output.write_text(write_json(spec_schema()))
