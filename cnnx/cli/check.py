"""`cnnx check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cnnx.cli import options
from cnnx.cli.checking import Answer, read_rule
from cnnx.cli.output import choose_output

EXAMPLES = """\b
Examples:
  cnnx check mobilenetv3 --max-params 5.5M --max-macs 220M --max-peak 20MiB
  cnnx check mine.yaml --write-baseline mine.json     what it costs now
  cnnx check mine.yaml --baseline mine.json           whether it grew since
  cnnx check mine.yaml --baseline mine.json --tolerance 1% --annotate github
  cnnx check nets.py:Net --input 3x64x64 --max-macs 1.2G --strict

Amounts: K, M, G, T are powers of 1000, as are KB, MB, GB, TB of bytes; KiB, MiB, GiB, TiB are powers of 1024.
"""


def _amount(option: str, help_: str) -> typer.models.OptionInfo:
    """Declare a budget."""
    info: typer.models.OptionInfo = typer.Option(option, help=help_, metavar="AMOUNT", show_default=False)
    return info


MaxParams = Annotated[str | None, _amount("--max-params", "The most weights: 5.5M, 5_500_000.")]
MaxMacs = Annotated[str | None, _amount("--max-macs", "The most multiply–adds: 220M.")]
MaxFlops = Annotated[str | None, _amount("--max-flops", "The most FLOPs: 1.2G.")]
MaxWeightBytes = Annotated[str | None, _amount("--max-weight-bytes", "The most bytes of weights: 22MB, 20MiB.")]
MaxActivations = Annotated[str | None, _amount("--max-activations", "The most elements that layers put out: 5M.")]
MaxPeak = Annotated[str | None, _amount("--max-peak", "The highest peak of activation bytes at inference: 20MiB.")]
BaselineFile = Annotated[
    Path | None,
    typer.Option("--baseline", help="What it cost before; with no budget given, nothing may grow.", metavar="FILE"),
]
Tolerance = Annotated[
    str | None, typer.Option("--tolerance", help="By how much it may grow since: 1%.", metavar="SHARE")
]
WriteBaseline = Annotated[
    Path | None, typer.Option("--write-baseline", help="Keep what it costs now in this file.", metavar="FILE")
]
Batch = Annotated[
    int,
    typer.Option(
        "--batch", help="Images at once, for the peak of memory.", metavar="N", parser=options.count_of("--batch")
    ),
]
Annotate = Annotated[
    Literal["github"] | None, typer.Option("--annotate", help="Print what GitHub Actions shows at a line.")
]


def check(
    names: options.AnyNames,
    max_params: MaxParams = None,
    max_macs: MaxMacs = None,
    max_flops: MaxFlops = None,
    max_weight_bytes: MaxWeightBytes = None,
    max_activations: MaxActivations = None,
    max_peak: MaxPeak = None,
    baseline: BaselineFile = None,
    tolerance: Tolerance = None,
    write_baseline: WriteBaseline = None,
    annotate: Annotate = None,
    set_: options.Set = None,
    arg: options.Arguments = None,
    input_: options.Inputs = None,
    strict: options.Strict = False,
    batch: Batch = 1,
    dtype: options.Dtype = "float32",
    convention: options.Convention = "cnnx",
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Hold a model to budgets, and to what it cost before.

    For CI: the exit code is 1 where a figure is over its budget, or where weights, multiply–adds or the peak of memory
    grew since the baseline; the answer says by how much, and which layers changed. For specs, nothing is built and no
    torch is needed.

    A name with a colon, such as torchvision.models:resnet50 or nets.py:Net, is a model in Python: its code is imported
    and run, as `python` would. The current folder is searched first.
    """
    answer = Answer(choose_output(form, json, file), write_baseline, annotate == "github", strict)
    answer.check_possible()

    from cnnx.analysis.budgets.budgets import read_budgets
    from cnnx.analysis.budgets.snapshot import Asked
    from cnnx.analysis.conventions.presets import find_convention
    from cnnx.analysis.figures import check_dtype
    from cnnx.cli.given import Given
    from cnnx.cli.snapshots import obtain

    written = {
        "params": max_params,
        "macs": max_macs,
        "flops": max_flops,
        "weight_bytes": max_weight_bytes,
        "activation_elements": max_activations,
        "peak_inference_bytes": max_peak,
    }
    rule = read_rule(read_budgets(written), baseline, tolerance, writes=write_baseline is not None)
    answer.check_annotations(rule)
    check_dtype(dtype)
    asked = Asked({}, None, dtype, batch, find_convention(convention).name)
    models = obtain(names, Given(set_, arg, input_), asked)
    answer.give(models, [rule.check(model) for model in models], rule.file)
