"""The options that commands share, each written once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from cnnx.cli import completion
from cnnx.errors import UsageError, brief


def count_of(option: str) -> Callable[[str], int]:
    """Give what reads an option's integer of at least 1."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = 0
        if number < 1:
            raise UsageError(f"{option} {brief(text, 40)}: an integer of at least 1 is needed")
        return number

    return read


def _seconds(option: str) -> Callable[[str], float]:
    """Give what reads an option's seconds, more than 0."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        if not number > 0:  # nor is NaN
            raise UsageError(f"{option} {brief(text, 40)}: seconds, more than 0, are needed")
        return number

    return read


Name = Annotated[
    str,
    typer.Argument(
        help="A spec or variant by name, or a path to a YAML file.",
        metavar="NAME",
        show_default=False,
        autocompletion=completion.complete_name,
    ),
]
Names = Annotated[
    list[str],
    typer.Argument(
        help="Names or paths; NAME@r=8,channels=128 sets parameters for that one.",
        metavar="NAME",
        show_default=False,
        autocompletion=completion.complete_name,
    ),
]

AnyName = Annotated[
    str,
    typer.Argument(
        help="A spec by name or path, or a model in Python: module:name or file.py:name.",
        metavar="NAME",
        show_default=False,
        autocompletion=completion.complete_name,
    ),
]
AnyNames = Annotated[
    list[str],
    typer.Argument(
        help="Specs by name or path, models in Python as module:name; @k=v sets parameters or arguments.",
        metavar="NAME",
        show_default=False,
        autocompletion=completion.complete_name,
    ),
]

TableFormat = Annotated[
    Literal["table", "json", "csv", "md", "latex"] | None,
    typer.Option(
        "--format", help="How to answer; else the suffix of -o says: .txt .json .csv .md .tex.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
OutputFile = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead.", metavar="FILE", show_default=False)
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Set a parameter: r=8, act=relu, rates=[1,2,5].",
        metavar="K=V",
        show_default=False,
        autocompletion=completion.complete_setting,
    ),
]
Input = Annotated[
    str | None,
    typer.Option("--input", help="The input of one image: 256x56x56.", metavar="CxHxW", show_default=False),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        help="The input of one image: 256x56x56; of a model in Python each of its own: 128, int64:77.",
        metavar="CxHxW",
        show_default=False,
    ),
]
Arguments = Annotated[
    list[str] | None,
    typer.Option("--arg", help="Give an argument to a model in Python: width=2.", metavar="K=V", show_default=False),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 where a model calls an operator of unknown cost.")]
Convention = Annotated[
    str,
    typer.Option(
        "--convention",
        help="Whose FLOPs: cnnx, fvcore, torch, torchinfo, thop, ptflops, ptflops_aten, calflops, torchprofile.",
        metavar="NAME",
        autocompletion=completion.complete_convention,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        help="Where to measure: cpu, cuda, cuda:1, auto; several with commas.",
        metavar="DEVICE",
        autocompletion=completion.complete_device,
    ),
]
Batch = Annotated[
    int, typer.Option("--batch", help="Images in a measured call.", metavar="N", parser=count_of("--batch"))
]
Batches = Annotated[
    str, typer.Option("--batch", help="Images in a measured call; several with commas: 1,8,32.", metavar="N,N")
]
ChannelsLast = Annotated[
    bool, typer.Option("--channels-last", help="Lay maps out with the channels of a pixel side by side.")
]
Compile = Annotated[bool, typer.Option("--compile", help="Measure what torch.compile makes of it.")]
CudaGraph = Annotated[bool, typer.Option("--cuda-graph", help="Measure it recorded as a CUDA graph.")]
By = Annotated[
    Literal["block", "layer", "operation", "category", "memory"],
    typer.Option("--by", help="What the rows of the table are."),
]
Top = Annotated[
    int | None,
    typer.Option(
        "--top", help="Only the rows that take longest.", metavar="N", show_default=False, parser=count_of("--top")
    ),
]
Train = Annotated[bool, typer.Option("--train", help="Measure training too: forward, backward and update.")]
Optimizer = Annotated[
    Literal["sgd", "momentum", "adam"] | None,
    typer.Option("--optimizer", help="The optimizer of --train; sgd if not given.", show_default=False),
]
Remeasure = Annotated[
    bool, typer.Option("--remeasure", help="Measure the limits of the device anew; else they are kept.")
]
Dtype = Annotated[
    str,
    typer.Option(
        "--dtype",
        help="float32, float64, float16 or bfloat16.",
        metavar="DTYPE",
        autocompletion=completion.complete_dtype,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", help="Threads of torch; its own number if not given.", metavar="N", parser=count_of("--threads")
    ),
]
Rounds = Annotated[
    int, typer.Option("--rounds", help="Rounds to measure in.", metavar="N", parser=count_of("--rounds"))
]
MaxTime = Annotated[
    float,
    typer.Option(
        "--max-time",
        help="Seconds to measure on a device; fewer rounds are run then.",
        metavar="S",
        parser=_seconds("--max-time"),
    ),
]
