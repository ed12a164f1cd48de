"""`cnnx verify`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from cnnx.analysis.claims.verification import checks_of
from cnnx.analysis.claims.verification import verify as put_together
from cnnx.analysis.claims.worked import check_figures
from cnnx.analysis.differences import explain_difference
from cnnx.analysis.environment import static_environment
from cnnx.analysis.figures import Figures, count
from cnnx.analysis.records import CrossCheck, Disagreement
from cnnx.cli.app import run
from cnnx.graph.graph import Graph
from cnnx.pytorch.counters import crosscheck as counters
from cnnx.report.verification import draw_verifications
from cnnx.spec.library import Library, Target

CONV, NORM, LAST = 3 * 3 * 4 * 4, 2 * 4, 4 * 2 + 2  # weights
MACS = CONV * 6 * 6 + 4 * 2 * 6 * 6
LAYERS = """
input: [4, 6, 6]
layers:
  - conv: {out: 4, kernel: 3, norm: batchnorm, act: relu}
  - conv: {out: 2, kernel: 1, bias: true}
"""
RIGHT = f"""{LAYERS}
worked:
  - {{params: {CONV + NORM + LAST}, working: 4·4·3·3 + 2·4 + 4·2 + 2}}
published:
  - {{params: 0.16K, macs: {MACS}, source: a paper}}
"""
WRONG = f"""{LAYERS}
published:
  - {{params: {CONV + LAST}, source: a paper that leaves batch norm out}}
  - {{macs: {MACS + 1}, source: another}}
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, and keep no catalogue."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNX_CACHE", "")


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return f"./{name}"


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    run([*arguments, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_what_agrees_has_a_row_and_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", write("right.yaml", RIGHT), "bottleneck"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    table = out.split("\n\n")[0].splitlines()
    assert table == [
        "              params         MACs  counters  stated",
        "───────────────────────────────────────────────────",
        f"./right.yaml     {CONV + NORM + LAST}        {MACS:,}  3 agree   4 of 4",
        "bottleneck    69,632  218,365,952  3 agree   7 of 7",
    ]
    assert "2 specs verified: all agree." in out


def test_a_wrong_stated_figure_exits_1_and_is_named_with_both_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", write("wrong.yaml", WRONG)]) == 1
    out, err = capsys.readouterr()
    assert err == (
        "error: 2 figures disagree\n"
        f"./wrong.yaml: wrong, published 1: params: {CONV + LAST} stated, {CONV + NORM + LAST} computed\n"
        f"./wrong.yaml: wrong, published 2: macs: {MACS + 1} stated, {MACS} computed\n"
    )
    assert f"stated {NORM} less than computed, as much as every batchnorm and `conv1_norm`" in out
    assert "stated 1 more than computed\n" in out
    by_node = [row.split() for row in out.splitlines() if row.startswith(("conv1", "conv2", "all "))]
    assert by_node[:4] == [
        ["conv1", "conv", str(CONV)],
        ["conv2", "conv", str(LAST)],
        ["conv1_norm", "batchnorm", str(NORM)],
        ["all", str(CONV + NORM + LAST)],
    ]
    assert "1 spec verified: ./wrong.yaml disagrees." in out


def test_validate_tells_a_wrong_figure_in_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    path = write("wrong.yaml", WRONG)
    assert run(["verify", path]) == run(["validate", path]) == 1
    verified, validated = capsys.readouterr().out.split("file          verdict")
    told = verified[verified.index("./wrong.yaml: wrong, published 1") : verified.index("1 spec verified")]
    assert told.count(" stated, ") == 2
    assert told in validated


def test_the_largest_nodes_are_shown_and_the_others_added_up(capsys: pytest.CaptureFixture[str]) -> None:
    layers = "".join(f"  - conv: {{out: {2 + step}, kernel: 1}}\n" for step in range(14))
    deep = write("deep.yaml", f"input: [1, 2, 2]\nlayers:\n{layers}published: [{{params: 1, source: a}}]\n")
    assert run(["verify", deep]) == 1
    rows = [row.split() for row in capsys.readouterr().out.splitlines()]
    # weights (1·2), (2·3), (3·4) … (14·15); twelve are shown
    assert ["the", "others", "2", "nodes", str(1 * 2 + 2 * 3)] in rows
    assert ["all", f"{sum(step * (step + 1) for step in range(1, 15)):,}"] in rows


def test_a_rounded_figure_has_no_exact_difference(capsys: pytest.CaptureFixture[str]) -> None:
    write("rounded.yaml", f"{LAYERS}published: [{{params: 2K, source: a paper}}]\n")
    library = Library()
    (check,) = check_figures(library.open("./rounded.yaml").file, library)
    assert explain_difference(check) is None
    assert explain_difference(dataclasses.replace(check, expected="1", shares=())) is None


def test_a_counter_that_disagrees_exits_1_and_names_the_node(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(graph: Graph, figures: Figures) -> CrossCheck:
        found = real(graph, figures)
        seen = [
            dataclasses.replace(each, reported=None if each.reported is None else each.reported + 7)
            for each in found.counters
        ]
        return CrossCheck(found.params, tuple(seen), (Disagreement("hooks", "conv1", "macs", "64", "65"),))

    real = counters.crosscheck
    monkeypatch.setattr(counters, "crosscheck", other)
    assert run(["verify", write("right.yaml", RIGHT)]) == 1
    out, err = capsys.readouterr()
    fvcore = MACS + 2 * 4 * 36
    assert err.splitlines() == [
        "error: 3 figures disagree",
        "./right.yaml: macs of conv1: 64 static, 65 by hooks",
        f"./right.yaml: flops of total: {2 * MACS} static, {2 * MACS + 7} by torch",
        f"./right.yaml: flops of total: {fvcore} static, {fvcore + 7} by fvcore",
    ]
    assert "hooks, torch and fvcore differ" in out
    assert "The counters differ from the static figures:" in out


def test_what_is_stated_is_checked_before_anything_is_built(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*given: object) -> CrossCheck:
        raise AssertionError("built")

    monkeypatch.setattr(counters, "crosscheck", never)
    pool = "input: [4, 6, 6]\nlayers: [{maxpool: {kernel: 3}}]\n"
    bad = write("bad.yaml", f"{pool}published: [{{input: [4, 2, 2], macs: 1, source: a}}]\n")
    assert run(["verify", "bottleneck", bad]) == 2
    assert "a kernel of 3 does not fit into the height of 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name what to verify, or give --all for every spec"),
        (["bottleneck", "--all"], "name what to verify, or give --all for every spec; not both"),
        (["botleneck"], "no spec is named `botleneck`; did you mean `bottleneck`?"),
        (["bottleneck", "-o", "nowhere/found.json"], "there is no folder nowhere"),
    ],
)
def test_a_wrong_command_line_exits_2(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert run(["verify", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err


def test_rows_of_a_family_belong_to_their_variants(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        "family.yaml",
        "parameters: {out: 4}\ninput: [1, 2, 2]\nlayers: [{conv: {out: out, kernel: 1}}]\n"
        "variants: {small: {out: 2}, large: {out: 8}, default: small}\n"
        "published:\n  - {params: 2, source: a}\n  - {of: large, params: 8, source: b}\n  - {of: small, macs: 8, source: c}\n",
    )
    library = Library()
    checks = check_figures(library.open("./family.yaml").file, library)
    family = library.open("./family.yaml")
    stated = {
        name: [(check.figure, check.expected) for check in checks_of(Target(name, family.file, name), checks)]
        for name in ("small", "large")
    }
    assert stated == {"small": [("params", "2"), ("macs", "8")], "large": [("params", "8")]}
    (result,) = answer(capsys, "verify", "./family.yaml")["results"]
    assert [(check["figure"], check["expected"]) for check in result["stated"]] == stated["small"]


def test_all_verifies_every_spec_and_variant(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("configs").mkdir()
    monkeypatch.setattr("cnnx.spec.folders.built_in_folder", lambda: Path("configs"))
    write("configs/right.yaml", RIGHT)
    write(
        "configs/family.yaml",
        f"parameters: {{r: 1}}\n{LAYERS}variants: {{one: {{r: 1}}, two: {{r: 2}}, default: two}}\nworked: [{{of: one, macs: {MACS}}}]\n",
    )
    found = answer(capsys, "verify", "--all")
    assert [each["label"] for each in found["results"]] == ["one", "two", "right"]
    assert [len(each["stated"]) for each in found["results"]] == [1, 0, 4]
    assert all(each["agrees"] for each in found["results"])
    write("configs/broken.yaml", "layers: 1\n")
    assert run(["verify", "--all"]) == 0
    assert "warning: " in capsys.readouterr().err


def test_json_has_what_was_seen_and_stated(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "verify", write("wrong.yaml", WRONG), "--explain")
    assert found["schema"] == "cnnx/1"
    assert found["convention"] == "cnnx"
    assert found["environment"]["torch"]
    (result,) = found["results"]
    assert result["agrees"] is False
    assert result["disagreements"] == []
    assert {name: result["crosscheck"][name] for name in ("hooks", "fvcore", "torch", "agree")} == {
        "hooks": MACS, "fvcore": MACS, "torch": MACS, "agree": True,
    }  # fmt: skip
    assert [(check["figure"], check["holds"]) for check in result["stated"]] == [("params", False), ("macs", False)]
    assert result["stated"][1]["shares"] == [
        {"node": "conv1", "operation": "conv", "amount": CONV * 36},
        {"node": "conv2", "operation": "conv", "amount": 4 * 2 * 36},
    ]
    fvcore = result["conventions"]["fvcore"]
    assert fvcore["total"] == MACS + 2 * 4 * 36
    assert fvcore["terms"] == [
        {"part": "conv and linear", "quantity": "multiply–adds", "factor": 1, "amount": MACS, "gives": MACS},
        {"part": "batchnorm", "quantity": "input elements", "factor": 2, "amount": 4 * 36, "gives": 2 * 4 * 36},
    ]
    assert answer(capsys, "verify", "./wrong.yaml")["results"][0]["conventions"] is None


def test_explain_shows_the_bridge_the_sources_and_every_stated_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", write("right.yaml", RIGHT), "--explain"]) == 0
    told = capsys.readouterr().out
    rows = [" ".join(row.split()) for row in told.splitlines()]
    assert f"conv and linear, multiply–adds {MACS:,}" in rows
    start = rows.index(f"torchinfo: mult-adds {MACS + 2 * 36 + 2 * 4:,}")
    assert rows[start + 1 : start + 4] == [
        f"conv and linear, multiply–adds 1 × {MACS:,} {MACS:,}",
        "conv and linear, biased output elements 1 × 72 72",
        "batchnorm, weights 1 × 8 8",
    ]
    assert "torchinfo: the mult-adds of torchinfo 1.8.0 (LayerInfo.calculate_macs: torchinfo/layer_info.py)." in told
    assert f"right, published 1: macs: {MACS} stated, {MACS} computed (a paper)" in told


def test_the_table_is_folded_for_a_narrow_terminal(expand_text: Callable[..., Graph]) -> None:
    graph = expand_text(RIGHT)
    figures = count(graph)
    found = put_together("a_spec_of_a_long_name", figures, counters.crosscheck(graph, figures), ())
    lines = [drawn.plain for drawn in draw_verifications([found], static_environment("cnnx verify"), 40)]
    table = lines[: lines.index("1 spec verified: all agree.")]
    assert max(map(len, table)) <= 40
    assert [line.split()[0] for line in table if line and line[0] == "a"] == ["a_spec_of_a_long_name"] * 2


def test_csv_has_a_row_a_spec_and_with_explain_a_row_an_addend(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", write("right.yaml", RIGHT), "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "name,params,macs,disagreements,stated,stated_wrong,agrees",
        f"./right.yaml,{CONV + NORM + LAST},{MACS},0,4,0,true",
    ]
    assert run(["verify", "./right.yaml", "--explain", "--format", "csv"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "name,convention,total,part,quantity,factor,amount,gives"
    assert f"./right.yaml,torch,{2 * MACS},conv and linear,multiply–adds,2,{MACS},{2 * MACS}" in rows


def test_one_convention_is_explained_alone(capsys: pytest.CaptureFixture[str]) -> None:
    right = write("right.yaml", RIGHT)
    (result,) = answer(capsys, "verify", right, "--convention", "torchinfo")["results"]
    assert {name: found["total"] for name, found in result["conventions"].items()} == {
        "torchinfo": MACS + 2 * 36 + 2 * 4  # biased outputs and batch norm's weights
    }
    assert run(["verify", right, "--convention", "torchinfo"]) == 0
    told = capsys.readouterr().out
    assert f"torchinfo: mult-adds {MACS + 2 * 36 + 2 * 4:,}" in " ".join(told.split())
    assert "thop" not in told


@pytest.mark.slow
def test_everything_agrees_within_ten_minutes(capsys: pytest.CaptureFixture[str]) -> None:
    start = perf_counter()
    found = answer(capsys, "verify", "--all")
    assert [each["label"] for each in found["results"] if not each["agrees"]] == []
    assert len(found["results"]) > 100
    assert perf_counter() - start < 600
