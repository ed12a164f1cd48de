"""Every error of every file, and the figures that do not come out."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnx.analysis.claims.validation import Validation, validate_files
from cnnx.spec.library import Library

GOOD = "input: [8, 4, 4]\nlayers: [{conv: {out: 8, kernel: 3}}]\nworked: [{params: 576, working: 8·3·3·8}]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def validate(*names: str) -> tuple[Validation, ...]:
    return validate_files(names, Library())


def test_a_file_that_is_right_has_no_problem_and_its_figures_hold(folder: Path) -> None:
    (folder / "mine.yaml").write_text(GOOD, "utf-8")
    (found,) = validate("mine.yaml")
    assert (found.names, found.problems, found.wrong) == (("mine",), (), ())
    assert len(found.checks) == 2  # the figure and its working


def test_every_error_of_every_file_is_told(folder: Path) -> None:
    (folder / "one.yaml").write_text(
        "input: [8, 4, 4]\nlayers:\n  - conv: {out: 8, kernal: 3}\n  - relux\n  - maxpool: {kernel: 0}\n", "utf-8"
    )
    (folder / "two.yaml").write_text("input: [8, 4\n", "utf-8")
    one, two = validate("one.yaml", "./two.yaml")
    assert [problem.line for problem in one.problems] == [3, 4, 5]
    assert len(two.problems) == 1
    assert one.names == two.names == ()


def test_every_variant_is_expanded(folder: Path) -> None:
    (folder / "mine.yaml").write_text(
        "parameters: {g: 1}\ninput: [8, 4, 4]\nvariants: {a: {g: 2}, b: {g: 3}, c: {g: 5}, default: a}\n"
        "layers: [{conv: {out: 8, kernel: 3, groups: g}}]\n",
        "utf-8",
    )
    (found,) = validate("mine.yaml")
    assert found.names == ("mine", "a", "b", "c")
    told = [problem.message for problem in found.problems]
    assert [message for message in told if "groups=3" in message]
    assert [message for message in told if "groups=5" in message]


def test_a_figure_that_does_not_come_out_is_told(folder: Path) -> None:
    (folder / "mine.yaml").write_text(GOOD.replace("576", "577"), "utf-8")
    (found,) = validate("mine.yaml")
    assert found.problems == ()
    assert [(check.expected, check.computed) for check in found.wrong] == [("577", "576"), ("577", "576")]


def test_files_are_found_with_and_without_folder_suffix_or_existence(folder: Path) -> None:
    (folder / "mine").write_text(GOOD, "utf-8")
    plain, named, missing, of_a_folder = validate("mine", "bottleneck", "none.yaml", ".")
    assert plain.names == ("mine",)
    assert named.names == ("bottleneck",)
    assert [str(problem) for problem in missing.problems] == ["none.yaml: no such file"]
    assert "folder" in of_a_folder.problems[0].message
