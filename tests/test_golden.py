"""Golden drawings: what the commands draw at 80 and 120 columns, some at 40, without colour.

`CNNX_GOLDEN=write` (`make golden`) draws them anew; read the difference before you commit it. What depends on the
machine is fixed: the environment, and everything that is measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.text import Text

from cnnx.analysis.catalogue.entries import choose
from cnnx.analysis.catalogue.reading import read_catalogue
from cnnx.analysis.memory.training import Optimizer
from cnnx.report.catalogue import draw_catalogue
from cnnx.report.columns import read_columns
from cnnx.report.comparison import draw_comparison
from cnnx.report.profile import draw_profile
from cnnx.spec.library import Library
from tests.conftest import CommandLine
from tests.profiles import profile_of
from tests.records import STATIC, agreeing, comparison_of, differing, figures_of

GOLDEN = Path(__file__).parent / "golden"
WIDTHS = (80, 120)
NARROW = (40, 60)
ALSO_NARROW = ("compare_static", "explain_bottleneck", "help_show", "list", "show_bottleneck", "show_mobilenetv3_small")


@dataclass(frozen=True, slots=True)
class Drawing:
    """The name of a golden file, and what draws it at a width."""

    name: str
    draw: Callable[[int], list[Text]]


def _measured(width: int) -> list[Text]:
    names = ["bottleneck", "plain3x3"]
    checks = [agreeing(figures_of(name)) for name in names]
    return draw_comparison(comparison_of(names, measured=True, crosschecks=checks), read_columns(None), width)


def _three_on_two_devices(width: int) -> list[Text]:
    names = ["residual_bottleneck", "naive_inception", "shuffle_v2_unit"]
    return draw_comparison(
        comparison_of(names, measured=True, devices=["cpu", "cuda"], batch=8), read_columns(None), width
    )


def _differing(width: int) -> list[Text]:
    checks = [differing(figures_of("bottleneck"))]
    return draw_comparison(comparison_of(["bottleneck"], crosschecks=checks), read_columns("params,macs"), width)


def _list(width: int) -> list[Text]:
    folders = [GOLDEN / "configs"]
    return draw_catalogue(choose(read_catalogue(Library(folders))), width)


def _profile(width: int) -> list[Text]:
    return draw_profile(profile_of("mobilenetv3_small"), width)


def _profile_of_two_batches(width: int) -> list[Text]:
    return draw_profile(profile_of("mobilenetv3_small", batches=(1, 8, 4096), by="category"), width)


def _profile_of_memory(width: int) -> list[Text]:
    return draw_profile(profile_of("bottleneck", by="memory"), width)


def _profile_of_training(width: int) -> list[Text]:
    return draw_profile(profile_of("mobilenetv3_small", optimizer=Optimizer.ADAM), width)


def _profile_of_training_in_batches(width: int) -> list[Text]:
    profiled = profile_of("bottleneck", batches=(1, 8, 4096), by="memory", top=4, optimizer=Optimizer.MOMENTUM)
    return draw_profile(profiled, width)


DRAWINGS = (
    Drawing("compare_measured", _measured),
    Drawing("compare_three_on_two_devices", _three_on_two_devices),
    Drawing("compare_differing", _differing),
    Drawing("list", _list),
    Drawing("profile", _profile),
    Drawing("profile_batches", _profile_of_two_batches),
    Drawing("profile_memory", _profile_of_memory),
    Drawing("profile_train", _profile_of_training),
    Drawing("profile_train_batches", _profile_of_training_in_batches),
)
COMMANDS = {
    "check": ["check", "bottleneck", "se", "--max-params", "70K", "--max-macs", "0.3G", "--max-peak", "10MiB"],
    "compare_static": ["compare", "bottleneck", "plain3x3", "--static"],
    "compare_accuracies": [
        *("compare", "resnet50", "resnext50_32x4d", "se_resnet50", "densenet121", "mobilenetv3", "efficientnet_b0"),
        *("--static", "--columns", "+top1"),
    ],
    "show_bottleneck": ["show", "bottleneck"],
    "show_dense_block": ["show", "dense_block"],
    "show_mobilenetv3_small": ["show", "mobilenetv3_small"],
    "explain_bottleneck": ["explain", "bottleneck"],
    "explain_hdc": ["explain", "hdc", "--set", "rates=[2,3,5]"],
    "explain_inverted_residual": ["explain", "inverted_residual", "--figure", "flops"],
    "explain_ratio": ["explain", "plain3x3", "bottleneck"],
    "help": ["--help"],
    "help_check": ["check", "--help"],
    "help_list": ["list", "--help"],
    "help_show": ["show", "--help"],
    "help_compare": ["compare", "--help"],
    "help_explain": ["explain", "--help"],
    "help_profile": ["profile", "--help"],
    "help_validate": ["validate", "--help"],
}


def check(name: str, width: int, drawn: str) -> None:
    """Hold a drawing against its golden file, or write that; of most there is none for narrow terminals."""
    words = [line for line in drawn.splitlines() if len(line) > width]  # an address is left whole
    assert [line for line in words if " " in line.strip()] == []
    if width in NARROW and (width != NARROW[0] or name not in ALSO_NARROW):
        return
    file = GOLDEN / f"{name}_{width}.txt"
    if os.environ.get("CNNX_GOLDEN") == "write":
        file.write_text(drawn, "utf-8")
    assert drawn == file.read_text("utf-8")


@pytest.mark.parametrize("width", [*NARROW, *WIDTHS])
@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.name)
def test_a_drawing_is_golden(drawing: Drawing, width: int) -> None:
    check(drawing.name, width, "".join(f"{line.plain}\n" for line in drawing.draw(width)))


@pytest.mark.parametrize("width", [*NARROW, *WIDTHS])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_draws_what_is_golden(
    name: str, width: int, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cnnx.analysis.environment.static_environment", lambda command: STATIC)
    monkeypatch.setattr("cnnx.report.console.width_of", lambda stream: width)
    monkeypatch.setenv("COLUMNS", str(width))
    answer = command_line(*COMMANDS[name])
    assert (answer.code, answer.err) == (0, "")
    check(name, width, answer.out)
