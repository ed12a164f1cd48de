"""What is told of a model that cnnx did not build: how it was counted, by whom else, and what is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.text import Text

from cnnx.report.crosscheck import COUNTERS
from cnnx.report.document import Object
from cnnx.report.numbers import counted as number_of
from cnnx.report.numbers import exact
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import listed, paragraph

if TYPE_CHECKING:  # a comparison of specs alone need not wait for what models bring
    from cnnx.analysis.models.figures import ModelCount, UnknownOperator
    from cnnx.analysis.records import CounterResult

PLACES_SHOWN = 3  # the modules that call an unknown operator most


def model_notes(model: ModelCount) -> list[str]:
    """Say how the figures of a model came about."""
    where = "on the meta device, without data" if model.device == "meta" else "on the CPU"
    return [
        f"Operators are counted as torch dispatches them, {where}. MACs: those of matrix products and attention too.",
        *[f"{note[:1].upper()}{note[1:]}." for note in model.notes],
        *_counter_notes(model),
    ]


def labelled_notes(models: Mapping[str, ModelCount]) -> list[str]:
    """Say it of several models, by their labels; what holds for more than one is said once."""
    by_note: dict[str, list[str]] = {}
    for label, model in models.items():
        for note in model_notes(model):
            by_note.setdefault(note, []).append(label)
    return [f"{listed(labels)}: {note}" for note, labels in by_note.items()]


def _counter_notes(model: ModelCount) -> Iterator[str]:
    same = [COUNTERS[each.counter] for each in model.others if each.macs == model.figures.macs]
    if same:
        yield f"{listed(same)} {'count' if len(same) > 1 else 'counts'} the same MACs."
    for each in model.others:
        if each.macs != model.figures.macs:
            yield _other(each)


def _other(counter: CounterResult) -> str:
    name = COUNTERS[counter.counter]
    if counter.macs is None:
        return f"{name} {counter.note}."
    return f"{name} counts {exact(counter.macs)} MACs" + (f": {counter.note}." if counter.note else ".")


def draw_unknown(model: ModelCount, width: int | None, label: str = "") -> list[Text]:
    """Draw the operators that nothing is known about, with how often and where they are called; nothing for none.

    `label` names the model where there are others.
    """
    if not model.unknown:
        return []
    of = f" of {label}" if label else ""
    told = (
        f"{number_of(len(model.unknown), 'operator')}{of} of unknown cost, in no figure but the latency "
        "(--strict makes this an error):"
    )
    lead = Column("operator", tuple(each.name for each in model.unknown), left=True, style="bold")
    columns = [
        Column("calls", tuple(exact(each.calls) for each in model.unknown)),
        Column("in", tuple(_places(each) for each in model.unknown), left=True),
    ]
    return [*paragraph(told, width, "yellow"), *draw_folded(lead, [columns], width), Text()]


def _places(operator: UnknownOperator) -> str:
    from cnnx.analysis.models.parts import WHOLE

    by_calls = sorted(operator.calls_by_module.items(), key=lambda place: -place[1])
    shown = [f"{path or WHOLE} ×{calls}" if calls > 1 else path or WHOLE for path, calls in by_calls[:PLACES_SHOWN]]
    rest = len(by_calls) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def model_object(model: ModelCount) -> Object:
    """Give how a model was counted, by whom else, and what is unknown with all its places."""
    return {
        "counted_on": model.device,
        "unknown_operators": [
            {"name": each.name, "calls": each.calls, "calls_by_module": dict(each.calls_by_module)}
            for each in model.unknown
        ],
        "notes": list(model.notes),
    }


def counters_object(model: ModelCount) -> Object:
    """Give the multiply–adds as others counted them, as a cross-check of a spec has them."""
    seen = {each.counter: each.macs for each in model.others}
    return {
        "hooks": None,
        **seen,
        "params": model.figures.params,
        "agree": all(macs in (None, model.figures.macs) for macs in seen.values()),
        "notes": {each.counter: each.note for each in model.others if each.note},
        "disagreements": [],
    }
