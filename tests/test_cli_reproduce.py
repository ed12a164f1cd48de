"""`cnnx reproduce`, run as a user runs it, and what it draws."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from cnnx.analysis.claims.claims import check_claims
from cnnx.cli.reproduce import complete_claim
from cnnx.report.claims import draw_claims
from cnnx.spec.claim_files import find_claims
from cnnx.spec.library import Library
from tests.conftest import CommandLine

SPEC = "input: [4, 5, 5]\nlayers:\n  - conv: {out: 8, kernel: 3}\n"
CLAIMS = """
source: {paper: On Claims, arxiv: "2001.00001", year: 2020}
claims:
  true_to_the_last:
    claim: The convolution has 288 weights.
    where: table 1
    figures:
      weights: {figure: params, of: mine}
    computed:
      - {what: weights, compute: weights, working: 4·3·3·8, value: 288, stated: 288}
    verdict: holds
  not_so:
    claim: It computes a third of what it computes.
    where: section 2
    figures:
      all: {figure: macs, of: mine, input: [4, 5, 5]}
    computed:
      - {compute: all // 3, value: 2400}
      - {what: share, compute: all / 7000, value: 1.03, stated: "0.33"}
    verdict: does not hold
    finding: It is 288·5·5.
    instead: It computes all of it.
  liked:
    claim: Everybody likes it.
    where: the abstract
    verdict: not a cost
"""
IN_FULL = """\
On Claims, 2020, arXiv:2001.00001

true_to_the_last  holds
  The convolution has 288 weights.
  in table 1
    weights = 288: params of mine
  weights: weights = 4·3·3·8 = 288; stated 288

not_so  does not hold
  It computes a third of what it computes.
  in section 2
    all = 7,200: macs of mine (input=4×5×5)
  all // 3 = 7200 // 3 = 2,400
  share: all / 7000 = 7200 / 7000 = 1.02857; stated 0.33, which does not come
  out
  It is 288·5·5.
  What holds: It computes all of it.

liked  not a cost
  Everybody likes it.
  in the abstract

3 claims: 1 holds, 1 does not hold and 1 is not a cost.
3 values computed, all as recorded.
"""
IN_BRIEF = """\
On Claims, 2020, arXiv:2001.00001

not_so  does not hold
  It computes a third of what it computes.
  share: all / 7000 = 7200 / 7000 = 1.02857; stated 0.33, which does not come
  out
  It is 288·5·5.
  What holds: It computes all of it.

1 claim: 1 does not hold.
2 values computed, all as recorded.
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a spec and claims about it."""
    (tmp_path / "configs" / "claims").mkdir(parents=True)
    (tmp_path / "configs" / "mine.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "configs" / "claims" / "papers.yaml").write_text(CLAIMS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drawn(folder: Path, *names: str, in_full: bool) -> str:
    configs = [folder / "configs"]
    checks = check_claims(find_claims(configs).choose(names), Library(configs))
    return "".join(f"{line.plain}\n" for line in draw_claims(checks, 80, in_full=in_full))


def test_claims_are_drawn_in_full_and_in_brief(project: Path) -> None:
    assert drawn(project, in_full=True) == IN_FULL
    assert drawn(project, "not_so", in_full=False) == IN_BRIEF


def test_what_is_drawn_fits_its_width(project: Path) -> None:
    assert max(map(len, drawn(project, in_full=True).splitlines())) <= 80


def test_a_claim_that_does_not_hold_is_no_failure(project: Path, command_line: CommandLine) -> None:
    answer = command_line("reproduce", "not_so")
    assert (answer.code, answer.err) == (0, "")
    assert "not_so  does not hold\n" in answer.out
    assert "in section 2\n" in answer.out


def test_every_claim_is_shown_without_names(project: Path, command_line: CommandLine) -> None:
    answer = command_line("reproduce")
    assert (answer.code, answer.err) == (0, "")
    assert "true_to_the_last  holds\n" in answer.out
    assert "bottleneck_ninth  holds rounded\n" in answer.out


def test_a_value_that_is_not_the_recorded_one_fails(project: Path, command_line: CommandLine) -> None:
    path = project / "configs" / "claims" / "papers.yaml"
    path.write_text(CLAIMS.replace("value: 288", "value: 287"), encoding="utf-8")
    answer = command_line("reproduce", "papers")
    assert answer.code == 1
    assert "  differs: 287 recorded, 4·3·3·8 = 288 computed\n" in answer.out
    assert "Values that are not what was recorded: in true_to_the_last.\n" in answer.out
    assert answer.err == "error: 1 of the values is not what was recorded\n"


def test_an_unknown_claim_offers_the_nearest(project: Path, command_line: CommandLine) -> None:
    answer = command_line("reproduce", "not_so_")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "error: no claim is named `not_so_`; did you mean `not_so`?\n"


def test_a_file_may_be_given_by_its_path(project: Path, command_line: CommandLine) -> None:
    (project / "others.yaml").write_text(CLAIMS.replace("not_so", "other"), encoding="utf-8")
    answer = command_line("reproduce", "others.yaml")
    assert answer.code == 0
    assert "other  does not hold\n" in answer.out
    assert command_line("reproduce", "nowhere.yaml").err == "error: nowhere.yaml: no such file\n"


def test_a_broken_file_is_an_error_where_all_are_asked_for_and_else_a_warning(
    project: Path, command_line: CommandLine
) -> None:
    (project / "configs" / "claims" / "broken.yaml").write_text("source: 1\n", encoding="utf-8")
    answer = command_line("reproduce")
    assert (answer.code, answer.out) == (2, "")
    assert "error: configs/claims/broken.yaml:1:1: the key `claims` is missing" in answer.err
    answer = command_line("reproduce", "liked")
    assert answer.code == 0
    assert answer.err.startswith("warning: configs/claims/broken.yaml:1:1:")


def test_the_json_has_a_result_for_each_claim(project: Path, command_line: CommandLine) -> None:
    document = json.loads(command_line("reproduce", "papers", "--json").out)
    assert document["schema"] == "cnnx/1"
    first, second, third = document["results"]
    assert (first["name"], first["verdict"], first["as_recorded"]) == ("true_to_the_last", "holds", True)
    assert first["source"] == "On Claims, 2020, arXiv:2001.00001"
    assert first["figures"] == [
        {"name": "weights", "figure": "params", "spec": "mine", "settings": None, "at": None, "value": 4 * 3 * 3 * 8}
    ]
    assert [value["value"] for value in second["values"]] == [2400, 7200 / 7000]
    assert (second["values"][1]["stated"], second["values"][1]["agreement"]) == ("0.33", "none")
    assert second["instead"] == "It computes all of it."
    assert (third["verdict"], third["values"], third["finding"]) == ("not a cost", [], None)


def test_csv_has_a_row_for_each_value(project: Path, command_line: CommandLine) -> None:
    answer = command_line("reproduce", "papers", "--format", "csv")
    assert answer.code == 0
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert [(row["name"], row["verdict"], row["value"], row["stated"], row["agreement"]) for row in rows] == [
        ("true_to_the_last", "holds", str(4 * 3 * 3 * 8), "288", "exact"),
        ("not_so", "does not hold", "2400", "", ""),
        ("not_so", "does not hold", str(7200 / 7000), "0.33", "none"),
        ("liked", "not a cost", "", "", ""),
    ]
    assert [row["as_recorded"] for row in rows] == ["true", "true", "true", ""]


@pytest.mark.parametrize(("suffix", "start"), [("md", "| name"), ("tex", "% needs \\usepackage{booktabs}")])
def test_the_suffix_of_a_file_says_the_format(
    suffix: str, start: str, project: Path, command_line: CommandLine
) -> None:
    assert command_line("reproduce", "papers", "-o", f"claims.{suffix}").code == 0
    told = (project / f"claims.{suffix}").read_text("utf-8")
    assert told.startswith(start)
    assert "3 claims: 1 holds, 1 does not hold and 1 is not a cost." in told


def test_a_value_that_is_a_list_is_text(project: Path, command_line: CommandLine) -> None:
    path = project / "configs" / "claims" / "papers.yaml"
    path.write_text(CLAIMS.replace("compute: all // 3, value: 2400", 'compute: "[all, 2]", value: [7200, 2]'), "utf-8")
    rows = list(csv.DictReader(io.StringIO(command_line("reproduce", "not_so", "--format", "csv").out)))
    assert rows[0]["value"] == "[7200, 2]"


def test_names_are_completed(project: Path) -> None:
    assert complete_claim("not_") == ["not_so"]
    assert complete_claim("pap") == ["papers"]
    assert complete_claim("./pap") == []


def test_it_can_be_written_to_a_file(project: Path, command_line: CommandLine) -> None:
    assert command_line("reproduce", "papers", "-o", "claims.txt").code == 0
    assert (
        (project / "claims.txt").read_text("utf-8").startswith("On Claims, 2020, arXiv:2001.00001\n\ntrue_to_the_last")
    )
