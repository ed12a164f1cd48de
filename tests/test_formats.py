"""CSV, Markdown and LaTeX: exact figures, formats by suffix, and no markup from the text of a spec."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from cnnx.cli.app import run
from cnnx.report.grid import Grid, Series, write_csv, write_latex, write_markdown

NASTY = "a|b_c*d <script> & $x$ \\end{tabular} [l](u) % #1 ~^\x1b[31m"


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _grid(*texts: str) -> Grid:
    return Grid((Series("name", "name", texts), Series("macs", "MACs", tuple(range(len(texts))))), ("A note: 50 %_",))


def test_compare_as_csv_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "bottleneck", "plain3x3", "--static", "--format", "csv"]) == 0
    first, second = _rows(capsys.readouterr().out)
    assert first["label"] == "bottleneck"
    assert int(second["params"]) == 256 * 256 * 3 * 3
    assert int(second["macs"]) == 256 * 256 * 3 * 3 * 56 * 56
    assert float(second["params_ratio"]) == pytest.approx(589_824 / 69_632)


@pytest.mark.parametrize("form", ["csv", "md", "latex"])
@pytest.mark.parametrize(
    "command",
    [["list", "bottleneck"], ["show", "bottleneck"], ["show", "bottleneck", "--memory"], ["validate", "bottleneck"],
     ["compare", "bottleneck", "--static", "--columns", "input,output,intensity,receptive_field,training_bytes"]],
)  # fmt: skip
def test_every_static_command_has_every_format(
    command: list[str], form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "--format", form]) == 0
    told = capsys.readouterr().out
    starts: dict[str, str | tuple[str, ...]] = {
        "csv": ("name,", "alive,", "file,", "label,"),
        "md": "| ",
        "latex": "% needs \\usepackage{booktabs}",
    }
    assert told.startswith(starts[form])


def test_nodes_of_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "bottleneck", "--format", "csv"]) == 0
    rows = _rows(capsys.readouterr().out)
    assert [int(row["params"]) for row in rows] == [256 * 64, 64 * 64 * 9, 64 * 256]
    assert rows[0]["input"] == "256×56×56"


def test_measured_formats(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--input", "8x4x4", "--rounds", "2", "--threads", "1", "--format", "csv"]
    assert run(["compare", "plain3x3", "plain5x5", *small]) == 0
    first, second = _rows(capsys.readouterr().out)
    assert float(first["cpu_median_ms"]) > 0
    assert first["cpu_difference_shown"] == ""
    assert second["cpu_difference_shown"] == "false"  # two rounds show none
    assert run(["profile", "plain3x3", *small]) == 0
    (row,) = _rows(capsys.readouterr().out)
    assert int(row["params"]) == 8 * 8 * 9
    assert float(row["time_share"]) == 1.0


@pytest.mark.parametrize(
    ("name", "start"), [("a.json", "{"), ("a.csv", "label,"), ("a.MD", "| "), ("a.tex", "%"), ("a.txt", " ")]
)
def test_the_suffix_settles_the_format(name: str, start: str, tmp_path: Path) -> None:
    target = tmp_path / name
    assert run(["compare", "bottleneck", "--static", "-o", str(target)]) == 0
    assert target.read_text(encoding="utf-8").startswith(start)


def test_a_given_format_wins_over_the_suffix(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    assert run(["compare", "bottleneck", "--static", "-o", str(target), "--format", "md"]) == 0
    assert target.read_text(encoding="utf-8").startswith("| ")


def test_two_formats_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--json", "--format", "csv"]) == 2
    assert "one of them" in capsys.readouterr().err


def test_csv_quotes_and_runs_no_formula() -> None:
    text = write_csv(_grid('=HYPERLINK("x")', "a,b\nc", "@x"))
    rows = _rows(text)
    assert [row["name"] for row in rows] == ['\'=HYPERLINK("x")', "a,b c", "'@x"]
    assert text.count("\n") == 4


def test_markdown_escapes_markup() -> None:
    head, rule, row, blank, note = write_markdown(_grid(NASTY)).rstrip("\n").split("\n")
    assert "<" not in row
    assert "\x1b" not in row
    assert r"a\|b\_c\*d &lt;script&gt; &amp; \$x\$ \\end\{tabular\} \[l\](u) % \#1 \~^\[31m" in row
    assert len(head) == len(rule)
    assert (blank, note) == ("", r"A note: 50 %\_")


def test_latex_escapes_markup() -> None:
    lines = write_latex(_grid(NASTY, "[1] × 2")).split("\n")
    assert lines[1] == "% A note: 50 %_"
    assert lines[6].startswith(
        r"a\textbar{}b\_c{*}d \textless{}script\textgreater{} \& \$x\$ \textbackslash{}end\{tabular\}"
    )
    assert lines[6].endswith(r"\% \#1 \textasciitilde{}\textasciicircum{}{[}31m & 0 \\")
    assert lines[7] == r"{[}1{]} $\times$ 2 & 1 \\"


def test_a_note_cannot_leave_its_comment() -> None:
    text = write_latex(Grid((Series("a", "a", ("b",)),), ("one\n\\input{two}",)))
    assert "% one \\input{two}" in text.split("\n")
