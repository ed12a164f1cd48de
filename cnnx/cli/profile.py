"""`cnnx profile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnx.cli import options
from cnnx.cli.invocation import command_line
from cnnx.cli.output import Output, choose_output, warn
from cnnx.cli.profiling import Wanted, profile_runs

if TYPE_CHECKING:
    from cnnx.analysis.profiling.profile import Profile

EXAMPLES = """\b
Examples:
  cnnx profile mobilenetv3
  cnnx profile mobilenetv3_small --batch 1,8,32 --threads 1
  cnnx profile resnet50 --by operation --top 5
  cnnx profile resnet50 --by memory
  cnnx profile mobilenetv3 --train --optimizer adam --batch 8
  cnnx profile mobilenetv3 --device cuda --dtype float16 --channels-last --cuda-graph
  cnnx profile mobilenetv3 --device cpu,cuda -o profile.json
  cnnx profile torchvision.models:resnet50 --input 3x224x224
  cnnx profile my_models.py:make_net --arg width=2 --input 77x512 --input int64:77
"""


def profile(
    name: options.AnyName,
    set_: options.Set = None,
    arg: options.Arguments = None,
    input_: options.Inputs = None,
    batch: options.Batches = "1",
    device: options.Device = "cpu",
    dtype: options.Dtype = "float32",
    threads: options.Threads = None,
    channels_last: options.ChannelsLast = False,
    compile_: options.Compile = False,
    cuda_graph: options.CudaGraph = False,
    by: options.By = "block",
    top: options.Top = None,
    rounds: options.Rounds = 60,
    max_time: options.MaxTime = 10.0,
    train: options.Train = False,
    optimizer: options.Optimizer = None,
    remeasure: options.Remeasure = False,
    strict: options.Strict = False,
    convention: options.Convention = "cnnx",
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Show where a network spends time, arithmetic, bytes and memory.

    A summary with latency and the share of this machine's own limits, then a table by part: time, FLOPs, bytes, and on
    which side of the roofline it lies. One run for each device and batch; one that fails is marked, and the others go
    on.

    A name with a colon, such as torchvision.models:resnet50 or nets.py:Net, is a model in Python, a class, a function
    that makes one, or an instance: its code is imported and run, as `python` would. The current folder is searched
    first.
    """
    output = choose_output(form, json, file)

    from cnnx.analysis.conventions.presets import find_convention
    from cnnx.cli.given import Given
    from cnnx.cli.measuring import check_devices, read_batches
    from cnnx.cli.models import check_known
    from cnnx.cli.subjects import open_subject
    from cnnx.cli.training import read_optimizer
    from cnnx.pytorch.devices import resolve_devices
    from cnnx.pytorch.settings import Settings

    chosen, batches, trained_by = find_convention(convention), read_batches(batch), read_optimizer(optimizer, train)
    settings = [
        Settings(
            device=each,
            dtype=dtype,
            batch=images,
            threads=threads,
            rounds=rounds,
            max_time=max_time / 2 if train else max_time,  # inference and training share it
            channels_last=channels_last,
            compile=compile_,
            cuda_graph=cuda_graph,
        )
        for each in resolve_devices(device)
        for images in batches
    ]
    subject = open_subject(name, Given(set_, arg, input_), dtype, chosen)
    check_devices(settings)

    from cnnx.analysis.environment import static_environment
    from cnnx.analysis.profiling.profile import Profile

    runs = profile_runs(subject, settings, Wanted(by, top, remeasure, trained_by))
    environment, model = static_environment(command_line()), subject.counted
    _answer(
        output, Profile(subject.label, subject.title, subject.figures, by, tuple(runs.done), environment, top, model)
    )
    runs.check()
    if strict and model is not None:
        check_known([model])


def _answer(output: Output, found: Profile) -> None:
    from cnnx.report.profile import draw_profile
    from cnnx.report.profile_formats import profile_document, profile_grid
    from cnnx.report.profile_summary import failure_notes

    output.write(
        lambda width: draw_profile(found, width),
        lambda: profile_document(found),
        lambda: profile_grid(found),
    )
    if output.form != "table" or output.path is not None:  # a table in sight says it itself
        warn(failure_notes(found.runs))
