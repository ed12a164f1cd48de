"""The table of `compare` and its JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cnnx.analysis.claims.accuracy import Accuracy
from cnnx.analysis.comparison import SORT_KEYS, Comparison
from cnnx.errors import UsageError
from cnnx.report.columns import COLUMNS, LATENCY, read_columns, read_sort
from cnnx.report.comparison import draw_comparison
from cnnx.report.comparison_formats import comparison_document
from cnnx.report.document import write_json
from tests.records import agreeing, comparison_of, differing, figures_of, latency, measurement

STATIC_COLUMNS = ("params", "macs", "flops", "weight_bytes")


def drawn(comparison: Comparison, columns: tuple[str, ...] | None = None, width: int | None = None) -> str:
    return "\n".join(line.plain for line in draw_comparison(comparison, columns or read_columns(None), width))


def test_integers_are_whole_and_ratios_to_the_first() -> None:
    table = drawn(comparison_of(["bottleneck", "plain3x3"]))
    assert "bottleneck   69,632  1.00×    218,365,952  1.00×    436,731,904       278,528" in table
    assert "plain3x3    589,824  8.47×  1,849,688,064  8.47×  3,699,376,128     2,359,296" in table
    assert "Ratios are to bottleneck." in table
    assert "MACs: multiply–adds of convolutions and linear layers; FLOPs: 2·MACs" in table
    assert "A processor" in table


def test_one_alone_has_no_ratios() -> None:
    table = drawn(comparison_of(["bottleneck"], measured=True))
    assert "ratio" not in table
    assert "Ratios" not in table


@pytest.mark.parametrize(
    "names", [("bottleneck", "plain3x3"), ("residual_bottleneck", "mobilenetv3_bottleneck", "inverted_residual")]
)
@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_table_is_wider_than_its_terminal(names: tuple[str, ...], width: int) -> None:
    comparison = comparison_of(names, measured=True, crosschecks=[agreeing(figures_of(name)) for name in names])
    assert max(line.cell_len for line in draw_comparison(comparison, read_columns(None), width)) <= width


def test_what_is_piped_is_one_table() -> None:
    lines = draw_comparison(comparison_of(["bottleneck", "plain3x3"], measured=True), tuple(COLUMNS), None)
    assert sum(line.plain.startswith("bottleneck") for line in lines) == 1
    assert max(line.cell_len for line in lines) > 200


def test_inputs_that_differ_are_told() -> None:
    table = drawn(comparison_of(["bottleneck", "shuffle_v2_unit"]))
    assert "The inputs differ: bottleneck 256×56×56; shuffle_v2_unit 116×28×28." in table
    assert "differ" not in drawn(comparison_of(["bottleneck", "plain3x3"]))


def test_a_latency_has_median_quartiles_rounds_and_a_ratio_with_its_interval() -> None:
    table = drawn(comparison_of(["bottleneck", "plain3x3"], measured=True))
    # 1.234 · 2.345 = 2.894; quartiles 0.98 and 1.03 of it; the interval of the ratio 0.99 and 1.01 of it.
    assert "2.89  2.84–2.98  60  2.35× (2.32–2.37)" in table
    assert "cpu" in table
    assert "for the whole batch (1 image)" in table
    assert "load 0.25" in table
    assert "4 of 8 threads" in table


def test_a_difference_that_is_not_shown_is_not_claimed() -> None:
    two = comparison_of(["bottleneck", "bottleneck"], measured=True)
    assert "no difference shown" not in drawn(two)
    equal = measurement([1.0, 1.001])
    assert equal.ratios_to_first[1] is not None
    assert not equal.ratios_to_first[1].shown
    same = replace(two.rows[1], latency={"cpu": latency(1.001)}, latency_ratio={"cpu": equal.ratios_to_first[1]})
    told = drawn(replace(two, rows=(two.rows[0], same)))
    assert "no difference shown" in told
    assert "2.35×" not in told


def test_every_device_has_its_column_and_its_environment() -> None:
    comparison = comparison_of(["bottleneck", "plain3x3"], measured=True, devices=["cpu", "cuda"])
    table = drawn(comparison)
    assert "cpu" in table.splitlines()[0]
    assert "cuda" in table.splitlines()[0]
    assert "A graphics card" in table
    assert "TF32 off" in table
    assert table.count("Environment: ") == 2


def test_counters_that_agree_are_named() -> None:
    names = ["bottleneck", "plain3x3"]
    table = drawn(comparison_of(names, crosschecks=[agreeing(figures_of(name)) for name in names]))
    assert "forward hooks, fvcore and FlopCounterMode" in table
    assert "differ" not in table


def test_what_a_counter_saw_otherwise_is_shown_by_node() -> None:
    one, two = figures_of("bottleneck"), figures_of("plain3x3")
    table = drawn(comparison_of(["bottleneck", "plain3x3"], crosschecks=[differing(one), agreeing(two)]))
    assert "The counters differ from the static figures:" in table
    assert "bottleneck  conv2  macs    115605504        1  fvcore" in table
    assert "knows no such thing" in table


def test_columns_are_chosen_by_name() -> None:
    assert read_columns("macs, params,macs") == ("macs", "params")
    table = drawn(comparison_of(["bottleneck"]), ("receptive_field", "output"))
    assert "69,632" not in table
    assert "bottleneck          3  256×56×56" in table


def test_columns_are_added_to_the_usual_ones_and_taken_from_them() -> None:
    assert read_columns("+top1") == (*read_columns(None), "top1")
    assert read_columns("-flops, +top5,-latency", static=True) == ("params", "macs", "weight_bytes", "top5")
    assert read_columns("params,+top1,+params") == ("params", "top1")  # plain names stand in place of the usual ones
    assert read_columns("-top1") == read_columns(None)


def test_at_least_one_column_is_left() -> None:
    with pytest.raises(UsageError, match="no column is left"):
        read_columns("params,-params")


def test_an_accuracy_is_written_as_it_was_published_with_its_source_beneath() -> None:
    comparison = comparison_of(["bottleneck", "plain3x3", "se"])
    paper = Accuracy(82.8, None, "the paper, table 2", "classes=1001")
    rows = [replace(row, accuracy=paper if number else None) for number, row in enumerate(comparison.rows)]
    rows[2] = replace(rows[2], accuracy=Accuracy(76.135, 92.5, "a library", ""))
    table = drawn(replace(comparison, rows=tuple(rows)), ("top1", "top5"))
    assert [line.split()[1:] for line in table.splitlines()[2:5]] == [["–", "–"], ["82.8", "–"], ["76.135", "92.5"]]
    assert "plain3x3 (classes=1001): the paper, table 2; se: a library." in table
    assert "No accuracy is published of these." in drawn(comparison, ("top1",))
    assert "ccurac" not in drawn(comparison)


def test_json_has_an_accuracy_and_its_source() -> None:
    (row,) = comparison_of(["bottleneck"]).rows
    keys = ("top1", "top5", "accuracy_source", "accuracy_settings")
    for accuracy, told in (
        (None, (None, None, None, None)),
        (Accuracy(82.8, None, "the paper", "classes=1001"), (82.8, None, "the paper", "classes=1001")),
        (Accuracy(76.1, 92.5, "a library", ""), (76.1, 92.5, "a library", None)),
    ):
        comparison = replace(comparison_of(["bottleneck"]), rows=(replace(row, accuracy=accuracy),))
        (found,) = comparison_document(comparison)["results"]
        assert tuple(found[key] for key in keys) == told


@pytest.mark.parametrize("text", ["", "parms", "params,,macs", "MACs", "+", "-parms", "+parms"])
def test_an_unknown_column_is_an_error_that_names_the_nearest(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_columns(text)
    assert raised.value.hint
    if "parms" in text:
        assert raised.value.hint == "did you mean `params`?"


def test_latency_cannot_be_asked_for_where_nothing_is_measured() -> None:
    for read in (read_columns, read_sort):
        with pytest.raises(UsageError, match="--static"):
            read(LATENCY, static=True)


def test_an_order_may_be_turned_round() -> None:
    order = read_sort("-macs")
    assert order is not None
    assert (order.column, order.descending) == ("macs", True)
    assert read_sort(None) is None


def test_every_column_can_be_shown_and_sorted_by() -> None:
    assert set(COLUMNS) | {LATENCY} == set(SORT_KEYS)


def test_names_do_nothing_to_the_terminal() -> None:
    comparison = comparison_of(["bottleneck"])
    hostile = replace(comparison.rows[0], label="\x1b[31m[/x]")
    table = drawn(replace(comparison, rows=(hostile,), first=hostile.label))
    assert "\x1b" not in table
    assert "[31m[/x]" in table


def test_json_is_exact_and_null_where_nothing_was_asked_for() -> None:
    found = json.loads(write_json(comparison_document(comparison_of(["bottleneck", "plain3x3"]))))
    assert (found["schema"], found["cnnx"], found["convention"]) == ("cnnx/1", "0.1.0", "cnnx")
    assert found["environment"]["python"] == "3.11.7"
    plain = found["results"][1]
    assert (plain["name"], plain["params"], plain["macs"]) == ("plain3x3", 256 * 9 * 256, 256 * 9 * 256 * 56 * 56)
    assert plain["flops"] == sum(plain["flops_by_category"].values()) == 2 * plain["macs"]
    assert plain["input"] == {"input": [256, 56, 56]}
    assert plain["receptive_field"]["input"]["size"] == [3, 3]
    assert plain["parameters"]["channels"] == 256
    assert plain["crosscheck"] is plain["latency_ms"] is plain["latency_by_device"] is None
    assert plain["ratio_to_first"]["params"] == 589824 / 69632
    assert plain["ratio_to_first"]["latency"] is None


def test_json_has_latencies_by_device_and_what_the_counters_saw() -> None:
    names = ["bottleneck", "plain3x3"]
    checks = [agreeing(figures_of(name)) for name in names]
    comparison = comparison_of(names, measured=True, crosschecks=checks, devices=["cpu", "cuda"])
    found = json.loads(write_json(comparison_document(comparison)))
    first, plain = found["results"]
    assert plain["latency_ms"]["median"] == 1.234 * 2.345
    assert plain["latency_ms"] == plain["latency_by_device"]["cpu"]
    assert set(plain["latency_ms"]) >= {"median", "p25", "p75", "rounds", "ci95"}
    assert plain["latency_by_device"]["cuda"]["device"] == "cuda"
    assert plain["ratio_to_first"]["latency_ci95"] == [0.99 * 2.345, 1.01 * 2.345]
    assert plain["ratio_to_first"]["latency_difference_shown"] is True
    assert first["ratio_to_first"]["latency"] is None
    assert plain["crosscheck"] | {"notes": {}} == {
        "hooks": plain["macs"],
        "fvcore": plain["macs"],
        "torch": plain["macs"],
        "params": 589824,
        "agree": True,
        "notes": {},
        "disagreements": [],
    }
    assert set(found["environment_by_device"]) == {"cpu", "cuda"}


def test_json_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"results": [float("nan")]})
