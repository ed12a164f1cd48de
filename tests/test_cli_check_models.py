"""`cnnx check` with models in Python, and where in somebody's code their layers stand."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from torch import nn

from cnnx.analysis.models.names import ModelName
from cnnx.pytorch.foreign.source_lines import find_line
from tests.conftest import CommandLine

NETS = """\
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.conv = nn.Conv2d(3, width, 3, padding=1)
            self.norm: nn.Module = nn.BatchNorm2d(width)

        def forward(self, x):
            return self.norm(self.conv(x))

    class Net(nn.Module):
        def __init__(self, width=4, spectral=False):
            super().__init__()
            self.block, self.spectral = Block(width), spectral

        def forward(self, x):
            x = self.block(x)
            return torch.fft.fft(x).real if self.spectral else x

    def plain(width=4):
        return nn.Sequential(nn.Conv2d(3, width, 1))

    instance = plain()
"""
# The weights of the convolution and of the norm behind it, and what the convolution multiplies at 8×8.
PARAMS, MACS = 4 * 3 * 3 * 3 + 4 + 2 * 4, 4 * 3 * 3 * 3 * 8 * 8
ASK = ("check", "nets_to_check:Net", "--input", "3x8x8")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with models in it."""
    (tmp_path / "nets_to_check.py").write_text(dedent(NETS), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    sys.modules.pop("nets_to_check", None)


def test_budgets_of_a_model(command_line: CommandLine) -> None:
    answer = command_line(*ASK, "--max-params", str(PARAMS), "--max-macs", "1", "--max-peak", "1MiB", "--json")
    assert answer.code == 1
    (result,) = json.loads(answer.out)["results"]
    assert (result["name"], result["params"], result["macs"]) == ("nets_to_check:Net", PARAMS, MACS)
    assert [budget["holds"] for budget in result["budgets"]] == [True, False, True]
    assert result["model"] == {"counted_on": "meta", "unknown_operators": [], "notes": []}
    assert answer.err.endswith(
        f"nets_to_check:Net: {MACS:,} MACs, {MACS - 1:,} over 1; block.conv has the most ({MACS:,} MACs)\n"
    )


def test_a_baseline_of_a_model(command_line: CommandLine) -> None:
    assert command_line(*ASK, "--arg", "width=4", "--write-baseline", "old.json").code == 0
    kept = json.loads(Path("old.json").read_text("utf-8"))["results"][0]
    assert (kept["settings"], kept["given_inputs"]) == ({"width": 4}, ["3×8×8"])
    same = (*ASK, "--arg", "width=4", "--baseline", "old.json")
    assert command_line(*same).code == 0
    answer = command_line(*ASK, "--baseline", "old.json")
    assert answer.code == 2
    assert "old.json has `nets_to_check:Net` with width=4, and here without settings; ask in the same" in answer.err
    code = Path("nets_to_check.py").read_text("utf-8")
    Path("nets_to_check.py").write_text(code.replace("3, padding=1", "5, padding=2"), encoding="utf-8")
    sys.modules.pop("nets_to_check")
    answer = command_line(*same, "--annotate", "github")
    assert answer.code == 1
    assert "block.conv  convolution  112 → 304  6,912 → 19,200\n" in answer.out  # 4·3·3·3 + 4, and 4·3·5·5 + 4
    assert "\n::error file=nets_to_check.py,line=7,title=cnnx%3A params over budget::" in answer.out


def test_unknown_operators_are_told_and_with_strict_fail(command_line: CommandLine) -> None:
    unknown = (*ASK, "--arg", "spectral=true", "--max-params", "1K")
    answer = command_line(*unknown)
    assert answer.code == 0
    assert "1 operator of nets_to_check:Net of unknown cost" in answer.out
    answer = command_line(*unknown, "--strict", "--write-baseline", "old.json")
    assert answer.code == 1
    assert answer.err.startswith("warning: old.json was not written\nerror: --strict: cnnx does not know what aten::_")
    assert not Path("old.json").exists()


def test_specs_and_models_side_by_side(command_line: CommandLine) -> None:
    answer = command_line("check", "bottleneck", "nets_to_check:plain", "--max-params", "100K", "--set", "r=8")
    assert answer.code == 0
    assert "nets_to_check:plain: The input is 3×224×224, as nothing was said; --input gives another.\n" in answer.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nets_to_check:Nett",), "`nets_to_check` has no `Nett`; did you mean `Net`?"),
        (("nets_to_check:Net", "--convention", "thop"), "--convention thop: `nets_to_check:Net` is counted by cnnx's"),
        (("nets_to_check:Net", "--set", "width=3"), "--set width=3: `nets_to_check:Net` is a model in Python"),
        (("bottleneck", "--arg", "r=8"), "--arg r=8: `bottleneck` is a spec and takes no arguments"),
    ],
)
def test_wrong_input(arguments: tuple[str, ...], told: str, command_line: CommandLine) -> None:
    answer = command_line("check", *arguments, "--max-params", "1K")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {told}"), answer.err


@pytest.mark.parametrize(
    ("attribute", "layer", "line"),
    [
        ("Net", "block.conv", 7),  # where the attribute is set
        ("Net", "block.norm.native_batch_norm", 8),
        ("Net", "block", 4),  # in the class of the layer itself
        ("Net", "_fft_c2c", 13),  # what the model does itself: its class
        ("plain", "0", 22),  # nothing but torch's own: what was named
        ("instance", "0", 1),
    ],
)
def test_the_line_of_a_layer(attribute: str, layer: str, line: int, folder: Path) -> None:
    from cnnx.pytorch.foreign.importing import import_named

    name = ModelName("nets_to_check", attribute)
    found = import_named(name)
    model = found if isinstance(found, nn.Module) else found()
    assert find_line(model, name, layer) == (folder / "nets_to_check.py", line)


def test_without_a_module_it_is_the_file(folder: Path) -> None:
    assert find_line(None, ModelName("elsewhere.py", "make"), "conv") == (Path("elsewhere.py"), 1)
