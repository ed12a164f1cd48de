from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Answer, CommandLine


def results(answer: Answer) -> list[dict[str, Any]]:
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)["results"]
    assert isinstance(found, list)
    return found


def test_a_table_ends_in_the_sum_the_closed_form_and_its_conditions(command_line: CommandLine) -> None:
    answer = command_line("explain", "bottleneck")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert "conv2  conv 3×3   (c/r)²·3²  64²·3²      36,864" in lines
    assert lines.index("params = 2·c²/r + 9·c²/r²") + 1 == lines.index("       = c²·(2/r + 9/r²)")
    assert "       = 69,632" in lines
    assert "It holds where r divides channels." in lines
    assert "Receptive field: 3×3, from −1 to 1 for output position 0; each step moves it by 1." in lines


def test_json_has_the_layers_the_forms_and_the_figures(command_line: CommandLine) -> None:
    (found,) = results(command_line("explain", "bottleneck", "--figure", "macs", "--json"))
    explanation = found["explanation"]
    assert (found["macs"], explanation["result"]) == (218365952, 218365952)
    assert (explanation["figure"], explanation["closed_form"]) == ("macs", "3136·c²·(2/r + 9/r²)")
    assert explanation["fraction"] == "3136·c²·(2·r + 9)/r²"
    assert explanation["conditions"] == ["r divides channels"]
    assert explanation["symbols"][1] == {"symbol": "r", "parameter": "r", "value": 4}
    assert [layer["result"] for layer in explanation["layers"]] == [
        256 * 64 * 56 * 56, 64 * 3 * 3 * 64 * 56 * 56, 64 * 256 * 56 * 56
    ]  # fmt: skip
    assert explanation["layers"][0]["latex"] == r"c \cdot \frac{c}{r} \cdot 56^{2}"
    assert (found["coverage"], explanation["obstacle"]) == (None, "")


def test_two_names_explain_a_ratio(command_line: CommandLine) -> None:
    answer = command_line("explain", "plain3x3", "bottleneck")
    assert "bottleneck to plain3x3" in answer.out
    assert "params = (2·r + 9)/(9·r²)" in answer.out
    assert "= 0.118×, one part in 8.47" in answer.out
    assert "over 9·c²" in answer.out
    first, second = results(command_line("explain", "plain3x3", "bottleneck", "--json"))
    assert first["ratio_to_first"] is None
    assert second["ratio_to_first"] == {"params": 69632 / 589824}
    assert [part["formula"] for part in second["explanation"]["ratio_to_first"]["parts"]] == [
        "1/(9·r)",
        "1/r²",
        "1/(9·r)",
    ]


def test_settings_of_each_name_and_of_all(command_line: CommandLine) -> None:
    answer = command_line("explain", "bottleneck", "bottleneck@r=8", "--set", "channels=128", "--input", "128x28x28")
    assert "symbols  c = channels = 128, r′ = 8" in answer.out
    assert "bottleneck@r=8 to bottleneck" in answer.out


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ("[1,2,5]", ["17 of 17 positions reach the output", "No position is missed.", "M_2 ≤ 3, no common factor: passed"]),
        ("[2,2,2]", ["7 of 13 positions", "Missed: −5, −3, −1, 1, 3, 5.", "the rates have the common factor 2: not passed"]),
        ("[1,2,9]", ["21 of 25 positions", "M_3 = 9, M_2 = 5, M_1 = 3; M_2 > 3"]),
        ("[2,3,5]", ["19 of 21 positions", "Rule and truth part", "█·█████████████████·█"]),
        ("[1,2,5,1,2,5]", ["33 of 33 positions", "M_2 of the whole chain would be 5"]),
    ],
)  # fmt: skip
def test_the_coverage_of_a_dilated_chain_is_drawn(rates: str, said: list[str], command_line: CommandLine) -> None:
    answer = command_line("explain", "hdc", "--set", f"rates={rates}")
    assert all(text in answer.out for text in said)
    by_at = command_line("explain", f"hdc@rates={rates}")
    assert by_at.out.partition("symbols")[2] == answer.out.partition("symbols")[2]


def test_the_coverage_in_json(command_line: CommandLine) -> None:
    (found,) = results(command_line("explain", "hdc", "--set", "rates=[2,3,5]", "--json"))
    (axis,) = found["coverage"]
    assert (axis["reached"], axis["span"], axis["gaps"], axis["rule_passes"]) == (19, 21, [-9, 9], True)
    assert axis["positions"] == "1" + "0" + "1" * 17 + "0" + "1"
    assert axis["rule"] == [{"rates": [2, 3, 5], "m": [2, 3, 5], "common_factor": 1, "passes": True}]


def test_a_chain_that_is_too_long_is_told(command_line: CommandLine) -> None:
    answer = command_line("explain", "hdc", "--set", "rates=[1,1000000000]")
    assert answer.code == 0
    assert "warning: the coverage of 2 layers over 2000000003 positions is too much to be worked out" in answer.err


def test_forty_columns_hold_everything(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnx.report.console.width_of", lambda stream: 40)
    for arguments in (
        ["explain", "bottleneck"],
        ["explain", "inception_keras"],
        ["explain", "mobilenetv3_large"],
        ["explain", "hdc"],
        ["explain", "hdc@rates=[2,4,8,16,32]"],
        ["explain", "plain3x3", "bottleneck"],
        ["explain", "shuffle_v2_unit", "mbconv", "--figure", "access"],
        ["show", "bottleneck", "--memory"],
        ["show", "mobilenetv3", "--memory"],
    ):
        answer = command_line(*arguments)
        assert answer.code == 0
        assert max(map(len, answer.out.splitlines())) <= 40, arguments


def test_latex(command_line: CommandLine) -> None:
    answer = command_line("explain", "bottleneck", "--latex")
    assert r"\text{conv2} &: & \left(\frac{c}{r}\right)^{2} \cdot 3^{2} &= 36864 \\" in answer.out
    assert r"c^{2} \cdot \left(\frac{2}{r} + \frac{9}{r^{2}}\right) &= 69632" in answer.out
    assert answer == command_line("explain", "bottleneck", "--format", "latex")
    ratio = command_line("explain", "plain3x3", "bottleneck", "--latex").out
    assert r"\text{params} / \text{params} &= \frac{2 \cdot r + 9}{9 \cdot r^{2}} \approx 0.1181" in ratio


def test_csv_and_markdown(command_line: CommandLine) -> None:
    rows = list(csv.DictReader(io.StringIO(command_line("explain", "bottleneck", "--format", "csv").out)))
    assert [(row["name"], row["formula"], row["params"]) for row in rows] == [
        ("conv1", "(c/r)·c", "16384"), ("conv2", "(c/r)²·3²", "36864"), ("conv3", "c·(c/r)", "16384")
    ]  # fmt: skip
    parts = list(csv.DictReader(io.StringIO(command_line("explain", "plain3x3", "bottleneck", "--format", "csv").out)))
    assert [part["over_first"] for part in parts] == ["1/(9·r)", "1/r²", "1/(9·r)"]
    told = command_line("explain", "bottleneck", "--format", "md").out
    assert "Holds where r divides channels." in told
    assert "c = channels = 256, r = 4" in told


def test_another_convention(command_line: CommandLine) -> None:
    (found,) = results(command_line("explain", "se_conv", "--figure", "flops", "--convention", "fvcore", "--json"))
    # 2·256·16 multiply–adds and 256·56·56 elements into the global pooling
    assert found["explanation"]["result"] == found["flops"] == 2 * 256 * 16 + 256 * 56 * 56
    assert found["explanation"]["closed_form"] == "2·c·(h + 1568)"


def test_without_a_closed_form_the_numbers_stand_and_why_is_said(tmp_path: Path, command_line: CommandLine) -> None:
    spec = tmp_path / "mine.yaml"
    spec.write_text("input: [3, 8, 8]\nlayers:\n- conv: {out: 64, kernel: 3}\n")
    lines = command_line("explain", str(spec)).out.splitlines()
    start = lines.index(f"params = {64 * 3 * 3 * 3:,}")
    assert lines[start + 1].startswith("There is no closed form: no parameter of this spec is an integer that reaches")
    assert any(line.split() == ["conv", "conv", "3×3", "64·3²·3", "64·3²·3", "1,728"] for line in lines)
    told = command_line("explain", str(spec), "--format", "md").out
    assert "params = 1728\n" in told
    assert "There is no closed form" in told


def test_unequal_jumps_are_named(tmp_path: Path, command_line: CommandLine) -> None:
    spec = tmp_path / "mine.yaml"
    spec.write_text(
        "input: [2, 32, 32]\nlayers:\n- name: both\n  add:\n"
        "  - {conv: {out: 2, kernel: 1, stride: 2}}\n  - {crop: {sides: [16, 0, 16, 0]}}\n"
    )
    said = "Receptive field: no single one, as `both` joins fields that move by 2 and by 1."
    for command in ("explain", "show"):
        assert said in command_line(command, str(spec)).out
    (found,) = results(command_line("explain", str(spec), "--json"))
    assert found["receptive_field"]["input"]["reason"] == "`both` joins fields that move by 2 and by 1"


def test_show_has_the_receptive_field(command_line: CommandLine) -> None:
    said = "Receptive field: 17×17, from −8 to 8 for output position 0; each step moves it by 1."
    assert said in command_line("show", "hdc").out
    assert "Receptive field: everything, as a global pooling" in command_line("show", "lenet5").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bottleneck", "--figure", "param"], "no figure is named `param`; did you mean `params`?"),
        (["bottlenek"], "no spec is named `bottlenek`; did you mean `bottleneck`?"),
        (["bottleneck", "plain3x4"], "no spec is named `plain3x4`; did you mean `plain3x3`?"),
        (["bottleneck", "--convention", "fvcor"], "no convention is named `fvcor`; did you mean `fvcore`?"),
        (["bottleneck", "--latex", "--json"], "--latex and another format: one of them"),
        (["bottleneck", "--latex", "--format", "csv"], "--latex and another format: one of them"),
        (["bottleneck", "-o", "no/such/folder/x.md"], "-o no/such/folder/x.md: there is no folder no/such/folder"),
        (["bottleneck", "--set", "q=3"], "`bottleneck` has no parameter `q`"),
        (["bottleneck", "--set", "r=0"], "division by zero"),
    ],
)
def test_what_is_wrong_is_told(arguments: list[str], said: str, command_line: CommandLine) -> None:
    answer = command_line("explain", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_a_file_is_written_as_its_suffix_says(tmp_path: Path, command_line: CommandLine) -> None:
    target = tmp_path / "bottleneck.tex"
    answer = command_line("explain", "bottleneck", "-o", str(target))
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert target.read_text("utf-8").startswith("% needs \\usepackage{amsmath}")


def test_shells_complete_figures() -> None:
    from cnnx.cli.completion import complete_figure

    assert complete_figure() == ["params", "macs", "flops", "access"]


def test_torch_is_not_imported() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from cnnx.cli.app import run; code = run(['explain', 'bottleneck']); "
        "sys.exit(code or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
