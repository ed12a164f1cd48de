"""Budgets: which hold, by how much one does not, which layer is to be looked at; and what changed by layer."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from cnnx.analysis.budgets.budgets import GROWTH, LIMITED, Budget, Responsible, check, growth_budgets, read_budgets
from cnnx.analysis.budgets.changes import find_changes
from cnnx.analysis.budgets.snapshot import Asked, LayerCost, Snapshot, take_snapshot
from cnnx.analysis.figures import count
from cnnx.analysis.memory.inference import predict_memory
from cnnx.errors import UsageError
from tests.conftest import Expand

SPEC = "input: [4, 6, 6]\nlayers:\n  - conv: {out: 8, kernel: 3}\n  - conv: {out: 4, kernel: 1, norm: batchnorm}\n"
PARAMS = 4 * 8 * 3 * 3 + 8 * 4 + 2 * 4
MACS = (4 * 8 * 3 * 3 + 8 * 4) * 6 * 6


@pytest.fixture
def snapshot(expand_text: Expand) -> Snapshot:
    graph = expand_text(SPEC)
    return take_snapshot(count(graph), predict_memory(graph), Asked({}))


def without_layer(snapshot: Snapshot, name: str) -> Snapshot:
    assert snapshot.layers is not None
    return replace(snapshot, layers=tuple([layer for layer in snapshot.layers if layer.name != name]))


def with_layers(snapshot: Snapshot, *names: str) -> Snapshot:
    """The same model with further layers of 10 weights, 20 MACs and 40 FLOPs."""
    more = [LayerCost(name, "conv 1×1", (2, 5, 5), 10, 20, 40, 50) for name in names]
    return replace(snapshot, layers=(*(snapshot.layers or ()), *more))


def test_a_snapshot_has_the_figures_and_the_layers(snapshot: Snapshot) -> None:
    # The peak is at the second convolution: what it reads and writes, and the input, which the caller holds.
    assert snapshot.figures == {
        "params": PARAMS,
        "macs": MACS,
        "flops": 2 * MACS + 2 * 4 * 6 * 6,
        "weight_bytes": 4 * PARAMS,
        "activation_elements": (8 + 4 + 4) * 6 * 6,
        "peak_inference_bytes": (4 + 8 + 4) * 6 * 6 * 4,
    }
    assert snapshot.peak_node == "conv2"
    assert snapshot.layers is not None
    assert snapshot.layers[0] == LayerCost(
        "conv1", "conv 3×3", (8, 6, 6), 4 * 8 * 9, 4 * 8 * 9 * 36, 2 * 4 * 8 * 9 * 36, 8 * 36
    )


def test_without_a_prediction_there_is_no_peak(expand_text: Expand) -> None:
    found = take_snapshot(count(expand_text(SPEC)), None, Asked({}))
    assert "peak_inference_bytes" not in found.figures
    assert found.peak_node == ""


def test_a_budget_holds_up_to_its_limit(snapshot: Snapshot) -> None:
    at, below = Budget("params", PARAMS, "328"), Budget("params", PARAMS - 1, "327")
    (holds,) = check("mine", snapshot, [at]).rows
    (fails,) = check("mine", snapshot, [below]).rows
    assert (holds.over, holds.used) == (0, 1.0)
    assert (fails.over, fails.used) == (1, PARAMS / (PARAMS - 1))
    assert check("mine", snapshot, [at]).failing == ()
    assert check("mine", snapshot, [at, below]).failing == (fails,)


def test_a_budget_of_nothing_has_no_share(snapshot: Snapshot) -> None:
    (row,) = check("mine", snapshot, [Budget("macs", 0, "0")]).rows
    assert (row.over, row.used) == (MACS, None)


def test_figures_stand_in_one_order_and_without_budgets_those_of_growth(snapshot: Snapshot) -> None:
    budgets = [Budget(name, 1, "1") for name in reversed([*LIMITED])]
    assert [row.figure for row in check("mine", snapshot, budgets).rows] == [*LIMITED]
    assert [row.figure for row in check("mine", snapshot, []).rows] == [*GROWTH]


def test_a_figure_that_is_not_known_has_no_budget(snapshot: Snapshot) -> None:
    less = replace(snapshot, figures={"params": PARAMS, "macs": MACS})
    with pytest.raises(UsageError, match="--max-peak: the peak bytes of `mine` are not known"):
        check("mine", less, [Budget("peak_inference_bytes", 1, "1")])
    assert [row.figure for row in check("mine", less, []).rows] == ["params", "macs"]
    assert [budget.figure for budget in growth_budgets(less, snapshot, Fraction(0))] == ["params", "macs"]


def test_budgets_are_read_by_their_options() -> None:
    assert read_budgets({"params": " 5.5M", "macs": None, "peak_inference_bytes": "1KiB"}) == (
        Budget("params", 5_500_000, "5.5M"),
        Budget("peak_inference_bytes", 1024, "1KiB"),
    )
    with pytest.raises(UsageError, match="--max-macs: `x` is not an amount; write a number"):
        read_budgets({"macs": "x"})


@pytest.mark.parametrize(
    ("tolerance", "limit", "written"),
    [
        (Fraction(0), 328, "baseline"),
        (Fraction(1, 100), 331, "baseline + 1%"),  # 331.28
        (Fraction(1, 200), 329, "baseline + 0.5%"),  # 329.64
        (Fraction(2), 984, "baseline + 200%"),
    ],
)
def test_growth_is_forbidden_up_to_a_tolerance(
    snapshot: Snapshot, tolerance: Fraction, limit: int, written: str
) -> None:
    assert PARAMS == 328
    budgets = growth_budgets(snapshot, snapshot, tolerance)
    assert [budget.figure for budget in budgets] == [*GROWTH]
    assert budgets[0] == Budget("params", limit, written)


def test_the_layer_to_look_at_is_the_largest(snapshot: Snapshot) -> None:
    checked = check("mine", snapshot, [])
    assert checked.responsible("macs") == Responsible("conv1", None, 4 * 8 * 9 * 36)
    assert checked.responsible("weight_bytes") == Responsible("conv1", None, 4 * 8 * 9)
    assert checked.responsible("peak_inference_bytes") == Responsible("conv2", None, None)
    assert check("mine", replace(snapshot, layers=None, peak_node=""), []).responsible("macs") is None


def test_against_a_baseline_it_is_the_one_that_grew_most(snapshot: Snapshot) -> None:
    assert snapshot.layers is not None
    first, *others = snapshot.layers
    thinner = replace(snapshot, layers=(*others,))
    checked = check("mine", with_layers(snapshot, "conv3"), [], snapshot)
    assert checked.responsible("params") == Responsible("conv3", 0, 10)
    checked = check("mine", snapshot, [], replace(snapshot, layers=(replace(first, params=1), *others)))
    assert checked.responsible("params") == Responsible("conv1", 1, 4 * 8 * 9)
    assert checked.responsible("macs") == Responsible("conv1", None, 4 * 8 * 9 * 36)  # nothing grew
    assert check("mine", thinner, [], snapshot).responsible("params") == Responsible("conv2", None, 8 * 4)


def test_nothing_changed(snapshot: Snapshot) -> None:
    changes = find_changes(snapshot, snapshot)
    assert changes.nothing
    assert (changes.whole, changes.layers, changes.folded) == ((), (), ())


def test_layers_are_added_removed_and_changed(snapshot: Snapshot) -> None:
    assert snapshot.layers is not None
    first, *others = snapshot.layers
    before = with_layers(replace(snapshot, layers=(replace(first, output=(9, 6, 6)), *others)), "gone")
    changes = find_changes(before, with_layers(snapshot, "new"))
    assert changes.layers is not None
    assert [(change.kind, change.name) for change in changes.layers] == [
        ("changed", "conv1"),
        ("added", "new"),
        ("removed", "gone"),
    ]
    assert not changes.nothing


def test_what_is_of_the_whole(snapshot: Snapshot) -> None:
    after = replace(snapshot, parameters={"r": 4}, input={"input": (4, 7, 7)}, peak_node="conv1")
    before = replace(snapshot, parameters={"r": 8, "old": 1})
    told = [(each.what, each.before, each.after) for each in find_changes(before, after).whole]
    assert told == [
        ("parameter r", 8, 4),
        ("parameter old", 1, None),
        ("input", {"input": (4, 6, 6)}, {"input": (4, 7, 7)}),
        ("peak at", "conv2", "conv1"),
    ]


def test_without_layers_nothing_is_said_of_them(snapshot: Snapshot) -> None:
    changes = find_changes(replace(snapshot, layers=None), snapshot)
    assert changes.layers is None
    assert changes.nothing


def test_layers_that_came_together_are_folded(snapshot: Snapshot) -> None:
    before = with_layers(snapshot, "stage.0.conv")
    after = with_layers(before, "stage.1.conv", "stage.1.norm", "stage.0.act")
    changes = find_changes(before, after)
    block, single = changes.folded
    assert (block.name, block.kind, block.layers) == ("stage.1", "added", 2)
    assert block.after == LayerCost("stage.1", "2 layers", (2, 5, 5), 20, 40, 80, 100)
    assert (single.name, single.layers) == ("stage.0.act", 1)
    assert len(changes.layers or ()) == 3
    (block, _) = find_changes(after, before).folded
    assert (block.name, block.kind, block.after) == ("stage.1", "removed", None)
    assert find_changes(after, without_layer(after, "stage.1.norm")).folded[0].name == "stage.1.norm"
