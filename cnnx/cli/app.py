"""The application: its commands, and the way in."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Annotated, NoReturn

import typer

from cnnx.cli import completion
from cnnx.cli.failures import Told
from cnnx.cli.help import Command, Group
from cnnx.version import __version__

EXAMPLES = """\b
Examples:
  cnnx list
  cnnx show bottleneck
  cnnx compare bottleneck plain3x3
  cnnx profile mobilenetv3
  cnnx check mobilenetv3 --max-params 5.5M
  cnnx validate mine.yaml
  cnnx verify resnet50 --explain

A name may also be a path to a YAML file: cnnx compare ./mine.yaml bottleneck
"""

# Imports make many objects and no garbage: looking for it after every 700, as Python does, is a sixth of a run.
GARBAGE_THRESHOLD = 50_000

# Each command's function, in a module of its own, which is imported only where it is needed.
COMMANDS: Mapping[str, str] = {
    "list": "list:list_specs",
    "show": "show:show",
    "compare": "compare:compare",
    "explain": "explain:explain",
    "profile": "profile:profile",
    "check": "check:check",
    "doctor": "doctor:doctor",
    "schema": "schema:schema",
    "validate": "validate:validate",
    "verify": "verify:verify",
    "reproduce": "reproduce:reproduce",
}


def cnnx(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """What a convolutional block or network costs, and why: weights, multiply–adds, bytes, milliseconds."""
    if version:
        typer.echo(f"cnnx {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def make_app(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Make the application with some commands: what a run does not need costs it time to start."""
    # Typer's plain help: its rich one takes a fifth of a second to import, and colours where it should not.
    app = typer.Typer(
        name="cnnx",
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog=EXAMPLES,
        cls=Group,
    )
    app.callback(invoke_without_command=True)(cnnx)
    for name in names:
        module_name, _, function = COMMANDS[name].partition(":")
        module = import_module(f"cnnx.cli.{module_name}")
        command = getattr(module, function)
        summary = (command.__doc__ or "").partition("\n")[0]
        app.command(name, short_help=summary, epilog=module.EXAMPLES, cls=Command)(command)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run a command line, tell what goes wrong, and give the exit code."""
    with Told(debug="--debug" in arguments) as told:
        named = arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS
        command = typer.main.get_command(make_app(named))
        with command.make_context("cnnx", [*arguments]) as context:
            command.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, so that a reader that went away is noticed here
    return told.exit_code


def main() -> NoReturn:
    """Run the command line that the process was started with."""
    if completion.VARIABLE in os.environ:
        with Told(debug=False) as told:
            told.exit_code = completion.answer(make_app())
            sys.stdout.flush()
        sys.exit(told.exit_code)
    gc.set_threshold(GARBAGE_THRESHOLD)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # searching all packages for some takes time
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that knows no × shows a question mark
    sys.exit(run(sys.argv[1:]))
