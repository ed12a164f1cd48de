"""`cnnx profile` and `cnnx compare` with models in Python, as they are written on the command line."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.conftest import CommandLine
from tests.records import LIMITS

QUICK = ("--rounds", "2", "--threads", "1", "--max-time", "1")
MODELS = """
    import torch
    from torch import nn

    print("imported")

    class Net(nn.Module):
        def __init__(self, width=4, act="relu", spectral=False):
            super().__init__()
            self.stem = nn.Conv2d(3, width, 3, padding=1)
            self.head = nn.Linear(width, 10)
            self.act, self.spectral = getattr(torch, act), spectral

        def forward(self, x):
            x = self.act(self.stem(x))
            if self.spectral:
                x = torch.fft.fft(x).real
            return self.head(x.mean((2, 3)))

    class Text(nn.Module):
        def __init__(self, size=8):
            super().__init__()
            self.table, self.out = nn.Embedding(50, size), nn.Linear(size, 3)

        def forward(self, tokens, weights):
            return self.out(self.table(tokens) * weights.unsqueeze(-1))
"""
STEM = 16 * 16 * 3 * 3 * 3  # multiply–adds for one channel of the stem's output


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with models in it, and limits that are not measured."""
    (tmp_path / "models_on_the_line.py").write_text(dedent(MODELS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr("cnnx.pytorch.limits.measure_limits", lambda settings, progress: LIMITS)
    monkeypatch.setattr("cnnx.analysis.profiling.limits_store.kept_limits", lambda environment: None)
    monkeypatch.setattr("cnnx.analysis.profiling.limits_store.keep_limits", lambda limits: None)
    yield tmp_path
    sys.modules.pop("models_on_the_line", None)


def results(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)["results"]
    assert isinstance(found, list)
    return found


def test_a_profile(command_line: CommandLine) -> None:
    answer = command_line("profile", "models_on_the_line:Net", "--arg", "width=6", "--input", "3x16x16", *QUICK)
    assert answer.code == 0
    assert "imported" in answer.err  # what a model prints is no part of the answer
    lines = answer.out.splitlines()
    assert lines[:3] == [
        "models_on_the_line:Net",
        "shapes        3×16×16 → 10",
        f"params        {3 * 9 * 6 + 6 + 6 * 10 + 10}",
    ]
    assert f"MACs          {6 * STEM + 60:,}" in lines
    rows = [line.split()[0] for line in lines if line.startswith(("stem", "head", "(itself)", "all"))]
    assert rows == ["stem", "(itself)", "head", "all"]
    assert "Operators are counted as torch dispatches them, on the meta device, without data." in answer.out
    assert "FlopCounterMode and fvcore count the same MACs." in answer.out
    assert "by a clock read wherever another module begins to run" in answer.out
    assert "as nothing was said" not in answer.out


def test_a_profile_for_programs(command_line: CommandLine) -> None:
    name = "models_on_the_line.py:Net@width=6,act=sigmoid"
    answer = command_line("profile", name, "--batch", "1,2", "--input", "3x16x16", "--json", *QUICK)
    one, two = results(answer.out)
    assert (one["name"], one["label"]) == ("models_on_the_line.py:Net", name)
    assert one["parameters"] == {"width": 6, "act": "sigmoid"}
    assert (one["input"], one["output"]) == ({"input": [3, 16, 16]}, {"output": [10]})
    assert one["macs"] == two["macs"] == 6 * STEM + 60
    assert one["flops_by_category"] == {
        "conv": 2 * 6 * STEM + 6 * 256, "activation": 6 * 256, "pool": 6 * 256, "linear": 2 * 60 + 10,
    }  # fmt: skip
    assert (
        2 * one["observed_peak_inference_bytes"] == two["observed_peak_inference_bytes"] == two["peak_inference_bytes"]
    )
    assert one["crosscheck"]["torch"] == one["crosscheck"]["fvcore"] == one["macs"]
    assert one["crosscheck"]["agree"]
    assert one["model"] == {"counted_on": "meta", "unknown_operators": [], "notes": []}
    assert {part["name"]: part["macs"] for part in one["parts"]} == {"stem": 6 * STEM, "(itself)": 0, "head": 60}
    assert set(one["time_by_node_ms"]) == {"stem", "(itself)", "head"}


def test_several_inputs(command_line: CommandLine) -> None:
    answer = command_line("profile", "models_on_the_line:Text", "--input", "int64:7", "--input", "7", "--json", *QUICK)
    (found,) = results(answer.out)
    assert found["input"] == {"input1": [7], "input2": [7]}
    assert (found["macs"], found["output"]) == (7 * 8 * 3, {"output": [7, 3]})


@pytest.mark.parametrize(
    ("by", "names"), [("operation", {"Conv2d", "Linear", "Net"}), ("layer", {"stem", "head", "(itself)"})]
)
def test_other_rows(by: str, names: set[str], command_line: CommandLine) -> None:
    line = ("profile", "models_on_the_line:Net", "--input", "3x16x16", "--by", by, "--format", "csv", *QUICK)
    assert {row["part"] for row in csv.DictReader(io.StringIO(command_line(*line).out))} == names


def test_unknown_operators_are_told_and_with_strict_fail(command_line: CommandLine) -> None:
    line = ("profile", "models_on_the_line:Net", "--arg", "spectral=true", "--input", "3x16x16", *QUICK)
    lax, strict = command_line(*line), command_line(*line, "--strict")
    assert (lax.code, strict.code) == (0, 1)
    assert "1 operator of unknown cost, in no figure but the latency (--strict makes this an error):" in lax.out
    assert "aten::_fft_r2c" in lax.out.replace("_fft_c2c", "_fft_r2c")
    assert strict.err.splitlines()[-1].startswith("error: --strict: cnnx does not know what aten::_fft_")


def test_an_image_where_nothing_is_said(command_line: CommandLine) -> None:
    answer = command_line("profile", "models_on_the_line:Net", *QUICK)
    assert "The input is 3×224×224, as nothing was said; --input gives another." in answer.out


def test_a_comparison_with_specs(command_line: CommandLine) -> None:
    name = "models_on_the_line:Net"
    answer = command_line("compare", "lenet5", f"{name}@width=2", name, "--input", "3x16x16", "--json", *QUICK)
    assert answer.code == 0, answer.err
    spec, narrow, wide = results(answer.out)
    assert (spec["model"], spec["crosscheck"]["agree"]) == (None, True)
    assert (narrow["macs"], wide["macs"]) == (2 * STEM + 20, 4 * STEM + 40)
    assert narrow["ratio_to_first"]["params"] == narrow["params"] / spec["params"]
    assert narrow["peak_inference_bytes"] == 4 * (3 + 2 + 2) * 256  # the image, and a map before and behind the relu
    assert wide["latency_ms"]["median"] > 0
    assert wide["model"]["counted_on"] == "meta"


def test_what_is_said_of_models_that_are_compared(command_line: CommandLine) -> None:
    name = "models_on_the_line:Net"
    answer = command_line("compare", "stem.yaml", f"{name}@width=2", f"{name}@spectral=true", *QUICK)
    assert answer.code == 2
    Path("stem.yaml").write_text("input: [3, 16, 16]\nlayers: [{conv: {out: 4, kernel: 3}}]\n")
    answer = command_line("compare", "./stem.yaml", f"{name}@width=2", f"{name}@spectral=true", *QUICK)
    assert answer.code == 0, answer.err
    both = f"{name}@width=2 and {name}@spectral=true"
    assert f"{both}: The input is 3×16×16, that of the specs; --input gives another." in answer.out
    assert f"{both}: FlopCounterMode and fvcore count the same MACs." in answer.out
    assert f"1 operator of {name}@spectral=true of unknown cost" in answer.out
    assert command_line("compare", f"{name}@spectral=true", "--strict", *QUICK).code == 1


NET = "models_on_the_line:Net"
ERRORS: list[tuple[tuple[str, ...], str]] = [
    (("compare", "bottleneck", NET, "--static"), f"--static: `{NET}` is a model in Python, and to count it, torch must import and run it"),
    (("compare", NET, "--aa"), f"--aa: `{NET}` is a model in Python; a spec is measured against itself"),
    (("compare", "bottleneck", "--arg", "r=8"), "--arg r=8: `bottleneck` is a spec and takes no arguments; --set sets a parameter"),
    (("profile", NET, "--set", "r=8"), f"--set r=8: `{NET}` is a model in Python and has no parameters; --arg gives an argument"),
    (("profile", "bottleneck", "--input", "1x2x3", "--input", "4"), "--input is given 2 times; `bottleneck`, a spec, takes it once"),
    (("profile", NET, "--convention", "fvcore"), f"--convention fvcore: `{NET}` is counted by cnnx's own convention alone"),
    (("profile", NET, "--arg", "width"), "--arg width: an argument is written k=v, such as width=2"),
    (("profile", NET, "--arg", "wide=3"), f"`{NET}` takes no argument `wide`; did you mean `width`?"),
    (("profile", NET, "--arg", "act=abs_or_so"), f"`{NET}(act='abs_or_so')` raised AttributeError: module 'torch' has no attribute"),
    (("profile", NET, "--input", "3x16"), "takes (x); --input gives the shape of each argument without the batch, once for each"),
    (("profile", "models_on_the_line:Text"), "and its forward takes (tokens, weights): missing a required argument: 'weights'; the input is 3×224×224, as nothing was said: --input 128, or --input int64:77 --input 64,"),
    (("profile", NET, "--input", "3x"), "--input 3x: a model's input is a shape without the batch"),
    (("profile", "models_on_the_lime:Net"), "there is no module `models_on_the_lime` (of `models_on_the_lime:Net`); did you mean `models_on_the_line`?"),
    (("show", NET), f"no spec is named `{NET}`; `cnnx profile`, `compare` and `check` take models in Python"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "told"), ERRORS, ids=[" ".join(line)[:60] for line, _ in ERRORS])
def test_errors(line: tuple[str, ...], told: str, command_line: CommandLine) -> None:
    answer = command_line(*line)
    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err
    assert "Traceback" not in answer.err


def test_debug_shows_where_a_models_code_raised(command_line: CommandLine) -> None:
    answer = command_line("profile", NET, "--arg", "act=abs_or_so", "--debug")
    assert "models_on_the_line.py" in answer.err
    assert "AttributeError" in answer.err


def test_the_backward_pass_of_a_model(command_line: CommandLine) -> None:
    line = ("profile", "models_on_the_line:Net", "--input", "3x16x16", "--train", *QUICK)
    (found,) = results(command_line(*line, "--json").out)
    # the image needs no gradient: the stem's weights; both factors of the head
    assert found["training"]["backward_macs"] == 4 * STEM + 2 * 40
    # twice these; both biases' sums, relu, and the mean
    assert found["training"]["backward_flops"] == 2 * (4 * STEM + 2 * 40) + 4 * 256 + 10 + 4 * 256 + 4 * 256
    assert found["training"]["unknown_backward_operators"] == []
    answer = command_line(*line).out
    assert f"backward MACs {4 * STEM + 80:,}; {2 * (4 * STEM + 80) + 3 * 4 * 256 + 10:,} FLOPs" in answer.splitlines()
    assert "The backward pass is counted as torch dispatches it" in answer


def test_a_backward_pass_with_an_unknown_operator_has_no_flops(command_line: CommandLine) -> None:
    line = ("profile", "models_on_the_line:Net", "--arg", "spectral=true", "--input", "3x16x16", "--train", *QUICK)
    (found,) = results(command_line(*line, "--json").out)
    assert found["training"]["backward_macs"] == 4 * STEM + 2 * 40
    assert found["training"]["backward_flops"] is None
    assert found["training"]["unknown_backward_operators"] == ["aten::_fft_c2c"]
    told = " ".join(command_line(*line).out.split())
    assert "Nothing is known of what aten::_fft_c2c costs in it: there are no backward FLOPs" in told
