"""What is told of models in Python, from counts made by hand."""

from __future__ import annotations

from dataclasses import replace

import cnnx
from cnnx.analysis.models.figures import Dispatched, ModelCount, UnknownOperator
from cnnx.analysis.records import CounterResult
from cnnx.graph.operation import Category
from cnnx.report.model import counters_object, draw_unknown, labelled_notes, model_notes, model_object

FIGURES = cnnx.count(cnnx.load("bottleneck"))
SAME = CounterResult("torch", FIGURES.macs)
PLACES = {"": 1, "a": 12, "b.0": 2, "b.1": 3, "c": 1}
UNKNOWN = (UnknownOperator("aten::_fft_c2c", PLACES), UnknownOperator("mine::twist", {"a": 1}))
COUNT = ModelCount(FIGURES, others=(SAME, CounterResult("fvcore", FIGURES.macs)))


def test_others_that_count_the_same_are_told_together() -> None:
    assert model_notes(COUNT) == [
        "Operators are counted as torch dispatches them, on the meta device, without data. MACs: those of matrix "
        "products and attention too.",
        "FlopCounterMode and fvcore count the same MACs.",
    ]


def test_others_that_count_otherwise_or_not_at_all() -> None:
    fewer = CounterResult("fvcore", 1234, note="does not know aten::lstm")
    assert model_notes(replace(COUNT, others=(SAME, fewer)))[1:] == [
        "FlopCounterMode counts the same MACs.",
        "fvcore counts 1,234 MACs: does not know aten::lstm.",
    ]
    none = CounterResult("fvcore", None, note="left out: it traces modules that take tensors only")
    assert model_notes(replace(COUNT, others=(none,)))[1:] == [
        "fvcore left out: it traces modules that take tensors only."
    ]


def test_notes_of_the_counting_itself() -> None:
    noted = replace(COUNT, device="cpu", notes=("counted on the CPU, as it asks",), others=())
    assert model_notes(noted)[0].startswith("Operators are counted as torch dispatches them, on the CPU. MACs")
    assert model_notes(noted)[1] == "Counted on the CPU, as it asks."


def test_what_holds_for_several_is_said_once() -> None:
    found = labelled_notes({"one": COUNT, "two": replace(COUNT, notes=("seen",)), "three": COUNT})
    assert found == [
        f"one, two and three: {model_notes(COUNT)[0]}",
        "one, two and three: FlopCounterMode and fvcore count the same MACs.",
        "two: Seen.",
    ]


def test_unknown_operators_with_their_places() -> None:
    assert draw_unknown(COUNT, 80) == []
    lines = [line.plain.rstrip() for line in draw_unknown(replace(COUNT, unknown=UNKNOWN), None, "net")]
    assert lines == [
        "2 operators of net of unknown cost, in no figure but the latency (--strict makes this an error):",
        "operator        calls  in",
        "───────────────────────────────────────────────────────",
        "aten::_fft_c2c     19  a ×12, b.1 ×3, b.0 ×2 and 2 more",
        "mine::twist         1  a",
        "",
    ]


def test_objects() -> None:
    told = model_object(replace(COUNT, unknown=UNKNOWN, notes=("seen",)))
    assert told["unknown_operators"][0] == {"name": "aten::_fft_c2c", "calls": 19, "calls_by_module": PLACES}
    assert (told["counted_on"], told["notes"]) == ("meta", ["seen"])
    failed = CounterResult("fvcore", None, note="failed: RuntimeError")
    assert counters_object(replace(COUNT, others=(SAME, failed))) == {
        "hooks": None,
        "torch": FIGURES.macs,
        "fvcore": None,
        "params": FIGURES.params,
        "agree": True,
        "notes": {"fvcore": "failed: RuntimeError"},
        "disagreements": [],
    }
    assert not counters_object(replace(COUNT, others=(CounterResult("fvcore", 1),)))["agree"]


def test_an_operator_stands_where_an_operation_does() -> None:
    op = Dispatched("convolution", Category.CONV, 3, "layer1.0.conv1", 9)
    assert (op.word, op.category, op.describe()) == ("convolution", Category.CONV, "×3")
    assert replace(op, calls=1).describe() == ""
