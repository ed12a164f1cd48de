"""What the counters say, in words and in a table."""

from __future__ import annotations

from dataclasses import replace

from cnnx.analysis.records import CrossCheck, Disagreement
from cnnx.report.crosscheck import MOST_SHOWN, crosscheck_notes, draw_differences
from tests.records import agreeing, comparison_of, differing, figures_of


def test_nothing_is_said_where_nothing_was_checked() -> None:
    assert crosscheck_notes(comparison_of(["bottleneck"])) == []
    assert draw_differences(comparison_of(["bottleneck"]), None) == []


def test_a_counter_that_was_left_out_is_not_said_to_agree() -> None:
    check = agreeing(figures_of("bottleneck"))
    hooks, fvcore, torch = check.counters
    left_out = replace(check, counters=(hooks, replace(fvcore, macs=None, note="left out above 2,000 nodes"), torch))
    agree, note = crosscheck_notes(comparison_of(["bottleneck"], crosschecks=[left_out]))
    assert agree.startswith("Cross-check: forward hooks and FlopCounterMode saw the same")
    assert note == "bottleneck, fvcore: left out above 2,000 nodes."


def test_differences_are_counted_where_there_are_too_many_to_show() -> None:
    figures = figures_of("bottleneck")
    many = tuple(Disagreement("hooks", f"conv{number}", "macs", "1", "2") for number in range(MOST_SHOWN + 5))
    check = CrossCheck(figures.params, differing(figures).counters, many)
    lines = [line.plain for line in draw_differences(comparison_of(["bottleneck"], crosschecks=[check]), None)]
    assert "and 5 more; --json has all" in lines
    assert sum(line.startswith("bottleneck") for line in lines) == MOST_SHOWN
