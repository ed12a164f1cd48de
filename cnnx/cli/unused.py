"""Options that could change nothing of the answer, because of another: they are refused, not ignored."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from cnnx.errors import UsageError

if TYPE_CHECKING:
    import typer


def check_used(context: typer.Context, beside: str, unused: Collection[str], why: str) -> None:
    """Check that none of the parameters that are `unused` beside an option was given. Raises `UsageError`."""
    for parameter in context.command.params:
        if parameter.name in unused and is_given(context, parameter.name):
            raise UsageError(f"{beside} and {parameter.opts[0]}: one of them; {why}")


def is_given(context: typer.Context, name: str) -> bool:
    """Say whether a parameter was written on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
