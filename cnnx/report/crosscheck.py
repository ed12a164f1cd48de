"""What three counters on the built module say to the static figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.text import Text

from cnnx.analysis.comparison import Comparison
from cnnx.report.document import Object
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import listed, paragraph

if TYPE_CHECKING:
    from cnnx.analysis.records import CounterResult, CrossCheck, Disagreement

COUNTERS = {"hooks": "forward hooks", "fvcore": "fvcore", "torch": "FlopCounterMode"}
MOST_SHOWN = 40


def crosscheck_notes(comparison: Comparison) -> list[str]:
    """Say which counters ran on the built modules and whether they agree, and which did not and why."""
    checked = [(row.label, row.crosscheck) for row in comparison.rows if row.crosscheck is not None]
    if not checked:
        return []
    ran = {counter.counter for _, check in checked for counter in check.counters if counter.macs is not None}
    told = listed([name for counter, name in COUNTERS.items() if counter in ran])
    if comparison.agrees:
        notes = [f"Cross-check: {told} saw the same weights and MACs on the built modules, node by node."]
    else:
        wrong = [label for label, check in checked if not check.agree]
        notes = [f"Cross-check: {told} differ from the static figures in {listed(wrong)}, as shown above."]
    return notes + [_remark(label, counter) for label, check in checked for counter in check.counters if counter.note]


def _remark(label: str, counter: CounterResult) -> str:
    return f"{label}, {COUNTERS.get(counter.counter, counter.counter)}: {counter.note}."


def draw_differences(comparison: Comparison, width: int | None) -> list[Text]:
    """Draw each difference between a counter and the static figures, by node; nothing where all agree."""
    rows = [(row.label, row.crosscheck) for row in comparison.rows]
    return draw_disagreements([(label, each) for label, check in rows if check for each in check.disagreements], width)


def draw_disagreements(found: Sequence[tuple[str, Disagreement]], width: int | None) -> list[Text]:
    """Draw a line for each disagreement, with the label of what it is about; nothing where there is none."""
    if not found:
        return []
    label, *columns = _columns(found[:MOST_SHOWN])
    lines = draw_folded(label, [columns], width)
    if len(found) > MOST_SHOWN:
        lines.append(Text(f"and {len(found) - MOST_SHOWN:,} more; --json has all", "dim"))
    return [*paragraph("The counters differ from the static figures:", width, "bold red"), *lines, Text()]


def _columns(found: Sequence[tuple[str, Disagreement]]) -> list[Column]:
    return [
        Column("", tuple(label for label, _ in found), left=True, style="bold"),
        Column("node", tuple(each.node for _, each in found), left=True),
        Column("figure", tuple(each.figure for _, each in found), left=True),
        Column("static", tuple(each.static for _, each in found)),
        Column("counted", tuple(each.seen for _, each in found)),
        Column("by", tuple(COUNTERS.get(each.counter, each.counter) for _, each in found), left=True),
    ]


def crosscheck_object(check: CrossCheck) -> Object:
    """Give the conv and linear MACs as each counter saw them, and where they differ from the static figures."""
    return {
        **{counter.counter: counter.macs for counter in check.counters},
        "params": check.params,
        "agree": check.agree,
        "notes": {counter.counter: counter.note for counter in check.counters if counter.note},
        "disagreements": [asdict(difference) for difference in check.disagreements],
    }
