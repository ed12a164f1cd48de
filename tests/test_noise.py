"""The noise floor: what intervals around 1 would have shown, and `compare --aa`."""

from __future__ import annotations

import json

import pytest

from cnnx.analysis.noise import smallest_difference
from cnnx.analysis.records import LatencyRatio
from cnnx.cli.app import run


def _ratio(low: float, high: float) -> LatencyRatio:
    return LatencyRatio(1.0, (low, high), False)


def test_a_perfect_machine_shows_what_is_beyond_the_margin() -> None:
    assert smallest_difference([_ratio(1.0, 1.0)], 0.01) == pytest.approx(0.01)


def test_the_interval_must_leave_the_margin() -> None:
    # 1.01/0.98 = 1.0306 for the interval, 1.01·1.01 = 1.0201 for its mirror image
    assert smallest_difference([_ratio(0.98, 1.01)], 0.01) == pytest.approx(1.01 / 0.98 - 1)


def test_nine_of_ten_must_show_it() -> None:
    good, bad = [_ratio(0.99, 1 / 0.99)] * 9, [_ratio(0.5, 2.0)]
    assert smallest_difference([*good, *bad], 0.01) == pytest.approx(1.01 / 0.99 - 1)  # 18 of 20 are good
    assert smallest_difference([*good[:8], *bad], 0.01) == pytest.approx(
        1.01 / 0.5 - 1
    )  # 16 of 18 are fewer than 9 of 10


def test_nothing_tells_nothing() -> None:
    with pytest.raises(ValueError, match="no comparisons"):
        smallest_difference([], 0.01)


SMALL = ["compare", "plain3x3", "--input", "8x8x8", "--aa", "--threads", "1", "--max-time", "1.5", "--rounds", "8"]


def test_aa_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SMALL, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["results"]
    assert found["comparisons"] == len(found["ratios"]) >= 1
    assert found["claimed"] == sum(ratio["difference_shown"] for ratio in found["ratios"])
    # On a busy machine there may be too few rounds to show any.
    assert found["smallest_difference"] is None or found["smallest_difference"] >= 0.01
    assert found["seconds"] * found["comparisons"] < 10


def test_aa_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(SMALL) == 0
    told = capsys.readouterr().out
    assert "plain3x3 against itself" in told
    assert "at least 9 of 10" in told


def test_too_few_rounds_show_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SMALL[:-1], "2", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["results"]
    assert found["smallest_difference"] is None


def test_aa_measures(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "bottleneck", "--aa", "--static"]) == 2
    assert "--aa and --static: one of them" in capsys.readouterr().err
