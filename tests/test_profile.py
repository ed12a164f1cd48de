"""Rows of a profile: what each takes of the whole."""

from __future__ import annotations

import pytest

from cnnx.analysis.figures import count
from cnnx.analysis.profiling.parts import Part, group_parts, parts_of
from cnnx.analysis.profiling.profile import profile_rows, whole_row
from tests.conftest import Expand
from tests.records import LIMITS, run_of
from tests.test_blocks import NETWORK


def part(name: str, flops: int = 0, operation: str = "relu", category: str = "activation") -> Part:
    return Part(name, operation, category, (1, 1, 1), 0, 0, flops, 2, 0)


def test_figures_and_times_add_up_by_block(expand_text: Expand) -> None:
    figures = count(expand_text(NETWORK))
    parts = parts_of(figures)
    found = profile_rows(parts, "block", None, "float32", 1, run_of([each.name for each in parts], 0.5), LIMITS)
    stem = found[0]
    assert (stem.name, stem.nodes, stem.output) == ("stem", 4, (8, 4, 4))
    assert stem.params == 8 * 3 * 3 * 3 + 2 * 8
    assert stem.macs == 8 * 3 * 3 * 3 * 4 * 4
    assert stem.milliseconds == 4 * 0.5
    assert sum(row.params for row in found) == figures.params
    assert sum(row.macs for row in found) == figures.macs
    assert sum(row.flops for row in found) == figures.flops
    assert sum(row.moved_bytes for row in found) == 4 * figures.memory_access_elements
    for shares in zip(*[(row.params_share, row.flops_share, row.moved_share, row.time_share) for row in found], strict=True):  # fmt: skip
        assert sum(share or 0 for share in shares) == pytest.approx(1)


def test_a_batch_reads_the_weights_once(expand_text: Expand) -> None:
    parts = parts_of(count(expand_text("input: [8, 4, 4]\nlayers: [{conv: {out: 16, kernel: 1}}]\n")))
    (row,) = profile_rows(parts, "layer", None, "float16", 3, None, LIMITS)
    weights, maps = 8 * 16, 8 * 4 * 4 + 16 * 4 * 4
    assert row.moved_bytes == 2 * (weights + 3 * maps)
    assert row.flops == 2 * 8 * 16 * 4 * 4  # for one image
    assert row.placement.flops_per_byte == pytest.approx(3 * row.flops / row.moved_bytes)


def test_the_whole_is_one_row_with_the_measured_latency(expand_text: Expand) -> None:
    parts = parts_of(count(expand_text(NETWORK)))
    run = run_of([each.name for each in parts], 0.5)
    whole = whole_row("mine", parts, "float32", 2, run, LIMITS)
    assert (whole.name, whole.nodes, whole.milliseconds) == ("mine", len(parts), run.latency.median)
    assert whole.placement.flops_per_second == pytest.approx(2 * whole.flops / (run.latency.median / 1e3))


def test_without_measurement_there_are_figures_alone() -> None:
    (row,) = profile_rows([part("a", flops=10)], "layer", None, "float32", 1, None, None)
    assert (row.milliseconds, row.time_share, row.flops_share) == (None, None, 1.0)
    assert (row.placement.bound, row.placement.roof_share) == (None, None)


def test_a_share_of_nothing_is_none() -> None:
    (row,) = profile_rows([part("a")], "layer", None, "float32", 1, run_of(["a"], 0.0), None)
    assert (row.params_share, row.macs_share, row.time_share) == (None, None, None)


def test_groups() -> None:
    parts = [part("a", operation="conv 3×3", category="conv"), part("b"), part("c.d"), part("c.e")]
    assert [(group.name, len(group.parts)) for group in group_parts(parts, "operation")] == [
        ("conv 3×3", 1),
        ("relu", 3),
    ]
    assert [(group.name, len(group.parts)) for group in group_parts(parts, "category")] == [
        ("conv", 1),
        ("activation", 3),
    ]
    assert [group.name for group in group_parts(parts, "block")] == ["a", "b", "c"]
    assert [(group.name, group.operation) for group in group_parts(parts, "layer")][:2] == [
        ("a", "conv 3×3"),
        ("b", "relu"),
    ]


def test_rows_without_an_order_go_by_time() -> None:
    parts = [part("a", operation="short"), part("b", operation="long"), part("c", operation="long")]
    found = profile_rows(parts, "operation", None, "float32", 1, run_of(["a", "b", "c"], 0.5), None)
    assert [row.name for row in found] == ["long", "short"]


def test_the_top_rows_and_all_others_in_one() -> None:
    parts = [part(name, flops) for name, flops in (("a", 1), ("b", 5), ("c", 2), ("d", 4))]
    found = profile_rows(parts, "layer", 2, "float32", 1, None, None)
    assert [(row.name, row.flops) for row in found] == [("b", 5), ("d", 4), ("2 others", 3)]
    assert [row.name for row in profile_rows(parts, "layer", 3, "float32", 1, None, None)] == ["b", "d", "c", "a"]
