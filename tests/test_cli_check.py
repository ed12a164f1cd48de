"""`cnnx check`, run as CI runs it, and what it draws and annotates."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from cnnx.analysis.budgets.budgets import LIMITED
from cnnx.report.annotations import github_error
from tests.conftest import CommandLine

SPEC = """\
input: [4, 6, 6]
parameters: {wide: 8}
layers:
  - conv: {out: wide, kernel: 3}
  - conv: {out: 4, kernel: 1}
"""
FIRST, SECOND = 4 * 8 * 3 * 3, 8 * 4
PARAMS = FIRST + SECOND
MACS = PARAMS * 6 * 6
PEAK = (4 + 8 + 4) * 6 * 6 * 4  # the input, what the second convolution reads, and what it writes

HOLDS = """\
mine  4×6×6 → 4×6×6
             value  budget     used  over by
────────────────────────────────────────────
params         320     320  100.0 %    holds
MACs        11,520  12,000   96.0 %    holds
peak bytes   2,304   2,304  100.0 %    holds

"""
GREW = """\
mine  4×6×6 → 4×6×6
             value  baseline     used  over by
──────────────────────────────────────────────
params         480       320  150.0 %      160
MACs        17,280    11,520  150.0 %    5,760
peak bytes   2,880     2,304  125.0 %      576

Changed since old.json: parameter wide 8 → 12; FLOPs 23,040 → 34,560; weight bytes 1,280 → 1,920; activations 432 → 576
layer  operation     params             MACs          output
────────────────────────────────────────────────────────────
conv1  conv 3×3   288 → 432  10,368 → 15,552  8×6×6 → 12×6×6
conv2  conv 1×1     32 → 48    1,152 → 1,728           4×6×6

"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a spec of its own."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mine.yaml").write_text(SPEC, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    return tmp_path


def widen(project: Path, old: str = "wide: 8", new: str = "wide: 12") -> None:
    path = project / "configs" / "mine.yaml"
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")


def test_budgets_that_hold(project: Path, command_line: CommandLine) -> None:
    answer = command_line("check", "mine", "--max-params", "320", "--max-macs", "12K", "--max-peak", "2.25KiB")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(HOLDS)


def test_a_budget_that_does_not_hold(project: Path, command_line: CommandLine) -> None:
    answer = command_line("check", "mine", "--max-params", "300", "--max-peak", "1KB", "--max-flops", "1M")
    assert answer.code == 1
    assert "params         320        300  106.7 %       20\n" in answer.out
    assert answer.err == (
        "error: 2 budgets do not hold\n"
        "mine: 320 params, 20 (6.7 %) over 300; conv1 has the most (288 params)\n"
        "mine: 2,304 peak bytes, 1,304 (130.4 %) over 1KB; the peak is at conv2\n"
    )


def test_every_figure_can_have_a_budget(project: Path, command_line: CommandLine) -> None:
    options = ["params", "macs", "flops", "weight-bytes", "activations", "peak"]
    answer = command_line("check", "mine", *[word for name in options for word in (f"--max-{name}", "0")], "--json")
    assert answer.code == 1
    (result,) = json.loads(answer.out)["results"]
    values = {budget["figure"]: budget["value"] for budget in result["budgets"]}
    assert values == {
        "params": PARAMS,
        "macs": MACS,
        "flops": 2 * MACS,
        "weight_bytes": 4 * PARAMS,
        "activation_elements": (8 + 4) * 6 * 6,
        "peak_inference_bytes": PEAK,
    }
    assert values == {name: result[name] for name in values}
    assert "mine: 1,280 weight bytes, 1,280 over 0; conv1 has the most (288 params)\n" in answer.err


def test_nothing_to_check(project: Path, command_line: CommandLine) -> None:
    answer = command_line("check", "mine")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "error: nothing to check: give a budget, such as --max-params 5.5M, or --baseline FILE; "
        "--write-baseline FILE writes one\n"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--max-params", "lots"], "--max-params: `lots` is not an amount; write a number with its unit"),
        (["--max-params", "-5"], "--max-params: `-5` is negative"),
        (["--max-macs", "NaN"], "--max-macs: `NaN` is not an amount"),
        (["--max-peak", "20M"], "--max-peak: `20M` does not say which bytes"),
        (["--tolerance", "1%"], "--tolerance is for growth since a baseline; give --baseline FILE too"),
        (["--baseline", "old.json"], "old.json: no such file"),
        (["--baseline", "configs/mine.yaml"], "configs/mine.yaml is not JSON"),
        (["--baseline", "configs"], "configs is a folder, not a baseline"),
        (["--max-params", "1", "--baseline", "old.json", "--tolerance", "x"], "--tolerance: `x` is not a tolerance"),
        (["--write-baseline", "none/old.json"], "--write-baseline none/old.json: there is no folder none"),
        (["--write-baseline", "configs"], "--write-baseline configs: a folder, not a file"),
        (["--max-params", "1", "--json", "--annotate", "github"], "--annotate and --format json both write to st"),
        (["--max-params", "1", "--dtype", "float31"], "unknown dtype `float31`; did you mean `float32`?"),
        (["--max-params", "1", "--convention", "fvcor"], "no convention is named `fvcor`; did you mean `fvcore`?"),
        (["--max-params", "1", "--batch", "0"], "--batch 0: an integer of at least 1 is needed"),
        (["--max-params", "1", "--set", "tall=3"], "`mine` has no parameter `tall`"),
        (["--max-params", "1", "-o", "none/a.json"], "-o none/a.json: there is no folder none"),
    ],
)
def test_wrong_input_is_refused(project: Path, options: list[str], told: str, command_line: CommandLine) -> None:
    answer = command_line("check", "mine", *options)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {told}"), answer.err
    assert sorted(path.name for path in project.rglob("*")) == ["configs", "mine.yaml"]


def test_growth_since_a_baseline(project: Path, command_line: CommandLine) -> None:
    written = command_line("check", "mine", "--write-baseline", "old.json")
    assert (written.code, written.err) == (0, "")
    assert written.out.endswith("\nBaseline written to old.json.\n")
    answer = command_line("check", "mine", "--baseline", "old.json")
    assert (answer.code, answer.err) == (0, "")
    assert "\nEvery layer is as in old.json.\n" in answer.out
    widen(project)
    answer = command_line("check", "mine", "--baseline", "old.json")
    assert answer.code == 1
    assert answer.out.startswith(GREW)
    assert answer.err == (
        "error: 3 budgets do not hold\n"
        "mine: 480 params, 160 (50.0 %) over the baseline of 320; conv1 grew most (288 → 432 params)\n"
        "mine: 17,280 MACs, 5,760 (50.0 %) over the baseline of 11,520; conv1 grew most (10,368 → 15,552 MACs)\n"
        "mine: 2,880 peak bytes, 576 (25.0 %) over the baseline of 2,304; the peak is at conv2\n"
    )


def test_a_tolerance(project: Path, command_line: CommandLine) -> None:
    assert command_line("check", "mine", "--write-baseline", "old.json").code == 0
    widen(project, "wide: 8", "wide: 9")  # 4·9·9 + 9·4 = 360 weights, an eighth more
    baseline = ["check", "mine", "--baseline", "old.json"]
    assert command_line(*baseline, "--tolerance", "12.5%").code == 0
    answer = command_line(*baseline, "--tolerance", "12%")
    assert answer.code == 1
    # 320·1.12 = 358.4, and 11520·1.12 = 12902.4
    assert "mine: 360 params, 2 (0.6 %) over the baseline + 12% of 358; conv1 grew most" in answer.err
    assert "mine: 12,960 MACs, 58 (0.4 %) over the baseline + 12% of 12,902;" in answer.err


def test_with_budgets_a_baseline_only_tells_what_changed(project: Path, command_line: CommandLine) -> None:
    assert command_line("check", "mine", "--write-baseline", "old.json").code == 0
    widen(project)
    with_budget = ["check", "mine", "--baseline", "old.json", "--max-params", "500"]
    answer = command_line(*with_budget)
    assert (answer.code, answer.err) == (0, "")
    assert "params    480       320     500  96.0 %    holds\n" in answer.out
    assert "conv1  conv 3×3   288 → 432" in answer.out
    answer = command_line(*with_budget, "--tolerance", "0")
    assert answer.code == 1
    assert answer.err.startswith("error: 3 budgets do not hold\n")


def test_a_baseline_is_not_replaced_by_what_fails(project: Path, command_line: CommandLine) -> None:
    both = ["check", "mine", "--baseline", "old.json", "--write-baseline", "old.json"]
    assert command_line("check", "mine", "--write-baseline", "old.json").code == 0
    old = Path("old.json").read_text("utf-8")
    widen(project)
    answer = command_line(*both)
    assert answer.code == 1
    assert answer.err.startswith("warning: old.json was not written\nerror: 3 budgets do not hold\n")
    assert Path("old.json").read_text("utf-8") == old
    widen(project, "wide: 12", "wide: 4")
    assert command_line(*both).code == 0
    assert '"params": 160,' in Path("old.json").read_text("utf-8")  # 4·4·9 + 4·4
    assert sorted(path.name for path in project.iterdir()) == ["configs", "old.json"]


def test_several_models_and_settings(project: Path, command_line: CommandLine) -> None:
    names = ["mine", "mine@wide=16", "bottleneck"]
    assert command_line("check", *names, "--write-baseline", "old.json").code == 0
    assert command_line("check", *names, "--baseline", "old.json").code == 0
    answer = command_line("check", "mine@wide=12", "--baseline", "old.json")
    assert answer.code == 2
    assert answer.err == (
        "error: old.json has `mine` without settings, and here with wide=12; ask in the same way, or write it anew\n"
    )
    answer = command_line("check", *names, "--max-params", "400")
    assert answer.code == 1
    assert "mine@wide=16: 640 params, 240 (60.0 %) over 400" in answer.err
    assert "bottleneck: 69,632 params, 69,232 over 400" in answer.err  # exceeded more than tenfold: no share


def test_a_baseline_of_another_command_has_figures_alone(project: Path, command_line: CommandLine) -> None:
    assert command_line("compare", "mine", "--static", "--json", "-o", "old.json").code == 0
    answer = command_line("check", "mine", "--baseline", "old.json")
    assert (answer.code, answer.err) == (0, "")
    assert "\nIts figures are as in old.json.\n" in answer.out
    (project / "configs" / "mine.yaml").write_text(SPEC + "  - relu6\n", encoding="utf-8")
    answer = command_line("check", "mine", "--baseline", "old.json", "--max-params", "300")
    assert answer.code == 1
    assert "There are no layers in old.json, so those that changed cannot be told.\n" in answer.out
    assert "conv1 has the most (288 params)" in answer.err


def test_added_and_removed_layers(project: Path, command_line: CommandLine) -> None:
    assert command_line("check", "mine", "--write-baseline", "old.json").code == 0
    repeated = "  - repeat:\n      times: 1\n      layers:\n        - conv: {out: 4, kernel: 1}\n        - relu6\n"
    (project / "configs" / "mine.yaml").write_text(
        SPEC.replace("  - conv: {out: 4, kernel: 1}\n", repeated), encoding="utf-8"
    )
    answer = command_line("check", "mine", "--baseline", "old.json")
    assert answer.code == 0
    assert "; peak at conv2 → repeat.0.conv\n" in answer.out
    assert "repeat  added 2 layers     – → 32   – → 1,152\n" in answer.out
    assert "conv2   removed conv 1×1   32 → –   1,152 → –\n" in answer.out


def test_only_the_weightiest_changes_are_drawn(project: Path, command_line: CommandLine) -> None:
    many = "\n".join(f"  - conv: {{out: wide * {number}, kernel: 1}}" for number in range(1, 21))
    (project / "configs" / "mine.yaml").write_text(f"{SPEC}{many}\n", encoding="utf-8")
    assert command_line("check", "mine", "--write-baseline", "old.json").code == 0
    widen(project)
    answer = command_line("check", "mine", "--baseline", "old.json", "-o", "told.txt")
    assert answer.code == 1
    told = Path("told.txt").read_text("utf-8")
    assert "\nand 10 more layers that changed; --json names all\n" in told  # 22 less 12
    layers = [line.split()[0] for line in told.splitlines() if line.startswith("conv")]
    assert layers[:2] == ["conv22", "conv21"]


def test_json_names_every_change(project: Path, command_line: CommandLine) -> None:
    assert command_line("check", "mine", "--write-baseline", "old.json").code == 0
    widen(project)
    document = json.loads(command_line("check", "mine", "--baseline", "old.json", "--json").out)
    assert (document["schema"], document["convention"], document["baseline"]) == ("cnnx/1", "cnnx", "old.json")
    assert (document["dtype"], document["batch"]) == ("float32", 1)
    (result,) = document["results"]
    assert (result["name"], result["label"], result["holds"]) == ("mine", "mine", False)
    assert result["budgets"][0] == {
        "figure": "params", "value": 480, "limit": 320, "written": "baseline", "baseline": 320, "used": 1.5,
        "over": 160, "holds": False, "layer": "conv1",
    }  # fmt: skip
    whole = result["changes"]["whole"]
    assert whole[0] == {"what": "parameter wide", "before": 8, "after": 12}
    assert [each["what"] for each in whole[1:]] == [*LIMITED]
    first, second = result["changes"]["layers"]
    assert (first["name"], first["change"], second["name"]) == ("conv1", "changed", "conv2")
    assert (first["before"]["params"], first["after"]["params"]) == (288, 432)
    assert (first["before"]["output"], first["after"]["output"]) == ([8, 6, 6], [12, 6, 6])


def test_csv_has_a_row_for_each_figure(project: Path, command_line: CommandLine) -> None:
    answer = command_line("check", "mine", "bottleneck", "--max-params", "400", "--max-macs", "1G", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert [(row["label"], row["figure"], row["holds"]) for row in rows] == [
        ("mine", "params", "true"),
        ("mine", "macs", "true"),
        ("bottleneck", "params", "false"),
        ("bottleneck", "macs", "true"),
    ]
    assert rows[2] == {
        "label": "bottleneck", "figure": "params", "value": "69632", "baseline": "", "limit": "400", "used": "174.08",
        "over": "69232", "holds": "false",
    }  # fmt: skip


@pytest.mark.parametrize("form", ["md", "latex"])
def test_other_formats(project: Path, form: str, command_line: CommandLine) -> None:
    answer = command_line("check", "mine", "--max-params", "400", "--format", form)
    assert answer.code == 0
    assert "params" in answer.out


def test_annotations_stand_at_the_line_to_look_at(project: Path, command_line: CommandLine) -> None:
    answer = command_line("check", "mine", "--max-params", "300", "--max-peak", "1KB", "--annotate", "github")
    assert answer.code == 1
    assert answer.out.splitlines()[-2:] == [
        "::error file=configs/mine.yaml,line=4,title=cnnx%3A params over budget::"
        "mine: 320 params, 20 (6.7 %25) over 300; conv1 has the most (288 params)",
        "::error file=configs/mine.yaml,line=5,title=cnnx%3A peak bytes over budget::"
        "mine: 2,304 peak bytes, 1,304 (130.4 %25) over 1KB; the peak is at conv2",
    ]
    answer = command_line("check", "mine", "--max-params", "320", "--annotate", "github")
    assert (answer.code, "::error" in answer.out) == (0, False)


def test_annotations_know_the_checkout(
    project: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project / "configs"))
    options = ["--max-params", "300", "--annotate", "github", "--json", "-o", "a.json"]
    assert command_line("check", "mine", *options).out.startswith("::error file=mine.yaml,line=4,title=")
    built_in = command_line("check", "bottleneck", *options).out
    assert built_in.startswith("::error file=/")
    assert "/configs/blocks/bottleneck.yaml,line=" in built_in


def test_annotations_are_escaped() -> None:
    assert github_error("100 %, a: b\r\nc", file="a,b:c%.yaml", line=3, title="x\ny") == (
        "::error file=a%2Cb%3Ac%25.yaml,line=3,title=x%0Ay::100 %25, a: b%0D%0Ac"
    )
