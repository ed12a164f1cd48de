"""Comparisons: ratios to the first, what was measured put to its row, sorting."""

from __future__ import annotations

from dataclasses import replace

import cnnx
from cnnx.analysis.comparison import SORT_KEYS, Comparison, ComparisonRow, compare, sort_rows
from cnnx.analysis.environment import Environment
from cnnx.analysis.figures import Figures
from cnnx.analysis.memory.inference import predict_memory
from cnnx.analysis.records import CounterResult, CrossCheck, Disagreement, Latency, LatencyRatio, Measurement

HERE = Environment(cnnx="0.1.0", python="3.11.7", platform="Linux", command="cnnx compare")


def figures(name: str) -> Figures:
    return cnnx.count(cnnx.load(name))


def row(name: str, batch: int = 1) -> ComparisonRow:
    return ComparisonRow(name, "", figures(name), predict_memory(cnnx.load(name), batch=batch))


def latency(median: float, device: str = "cpu") -> Latency:
    return Latency(device, median, median * 0.99, median * 1.01, 60, (median * 0.995, median * 1.005), 10)


def compared(*names: str) -> Comparison:
    return compare([row(name) for name in names], HERE)


def test_ratios_are_to_the_first() -> None:
    bottleneck, plain = compared("bottleneck", "plain3x3").rows
    assert (bottleneck.params_ratio, bottleneck.macs_ratio) == (1.0, 1.0)
    assert plain.params_ratio == 256 * 3 * 3 * 256 / (256 * 64 + 64 * 3 * 3 * 64 + 64 * 256)
    assert plain.macs_ratio == plain.params_ratio  # the same map everywhere


def test_there_is_no_ratio_to_nothing() -> None:
    some = row("bottleneck")
    nothing = replace(some, figures=replace(some.figures, params=0, macs=0))
    rows = compare([nothing, some], HERE).rows
    assert [(row.params_ratio, row.macs_ratio) for row in rows] == [(None, None), (None, None)]


def test_inputs_that_differ_are_noticed() -> None:
    assert not compared("bottleneck", "plain3x3").inputs_differ
    assert compared("bottleneck", "shuffle_v2_unit").inputs_differ


def test_what_was_measured_stands_in_its_row_by_device() -> None:
    ratio = LatencyRatio(2.0, (1.9, 2.1), shown=True)
    measured = {
        "cpu": (Measurement((latency(1.0), latency(2.0)), (None, ratio), ("slow",)), HERE),
        "cuda": (Measurement((latency(0.1, "cuda"), latency(0.1, "cuda")), (None, None), ("slow",)), HERE),
    }
    comparison = compare([row("bottleneck", batch=8), row("plain3x3", batch=8)], HERE, measured=measured)
    assert comparison.devices == ("cpu", "cuda")
    assert comparison.warnings == ("slow",)
    assert comparison.batch == 8
    assert comparison.rows[1].latency["cpu"].median == 2.0
    assert comparison.rows[1].latency_ratio == {"cpu": ratio, "cuda": None}


def test_counters_agree_where_none_saw_anything_else() -> None:
    one = row("bottleneck")
    right = CrossCheck(one.figures.params, (CounterResult("hooks", one.figures.macs),), ())
    wrong = CrossCheck(
        one.figures.params, (CounterResult("hooks", 1),), (Disagreement("hooks", "conv1", "macs", "2", "1"),)
    )
    assert compared("bottleneck").agrees
    assert compare([one], HERE, crosschecks=[right]).agrees
    assert not compare([one, one], HERE, crosschecks=[right, wrong]).agrees


def test_rows_are_sorted_and_the_first_named_stays_the_first() -> None:
    comparison = compared("stacked3x3", "bottleneck", "plain3x3")
    assert [row.label for row in sort_rows(comparison, "params").rows] == ["bottleneck", "plain3x3", "stacked3x3"]
    downwards = sort_rows(comparison, "params", descending=True)
    assert [row.label for row in downwards.rows] == ["stacked3x3", "plain3x3", "bottleneck"]
    assert downwards.first == "stacked3x3"


def test_rows_without_a_value_come_last_in_both_directions() -> None:
    comparison = compared("mobilenetv3_small", "bottleneck")  # a network sees everything: it has no field
    for descending in (False, True):
        rows = sort_rows(comparison, "receptive_field", descending=descending).rows
        assert [row.label for row in rows] == ["bottleneck", "mobilenetv3_small"]


def test_everything_can_be_sorted_by() -> None:
    comparison = compared("bottleneck", "plain3x3")
    for column in SORT_KEYS:
        assert len(sort_rows(comparison, column).rows) == 2


def test_intensity_is_flops_for_each_byte_that_is_moved() -> None:
    # One 3×3 convolution, 256 to 256 channels on 56×56, in float32: input, weights and output are moved once.
    moved = 4 * (256 * 56 * 56 + 256 * 3 * 3 * 256 + 256 * 56 * 56)
    assert figures("plain3x3").flops_per_byte == 2 * 256 * 3 * 3 * 256 * 56 * 56 / moved
