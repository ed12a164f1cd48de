"""What `check` draws: each figure beside its budget, and what changed since the baseline, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.text import Text

from cnnx.analysis.budgets.budgets import LIMITED, Checked, OfLayer, Row, growth
from cnnx.analysis.budgets.changes import Changes, LayerChange
from cnnx.analysis.budgets.snapshot import LayerCost
from cnnx.graph.operation import show_shape
from cnnx.report.model import draw_unknown, labelled_notes
from cnnx.report.notes import CONVENTION, MACS, draw_notes
from cnnx.report.numbers import NOTHING, counted, exact, percent, value
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import headline, paragraph, show_shapes

ARROW = " → "
MOST_LAYERS = 12
MOST_USED = 10  # a budget that is exceeded tenfold is said to be so by the numbers alone


def draw_checks(found: Sequence[Checked], baseline: str, width: int | None, written: str = "") -> list[Text]:
    """Draw every model with its figures, budgets and changes, then the notes.

    `baseline` and `written` are how the files of the baseline, and of the one that is written, are called.
    """
    lines: list[Text] = []
    for checked in found:
        streams = checked.snapshot.input.values(), checked.snapshot.output.values()
        lines += headline(checked.label, ARROW.join(map(show_shapes, streams)), width)
        styles = ["red" if row.over else "" for row in checked.rows]
        lines += [*draw_folded(_lead(checked.rows), _groups(checked.rows), width, styles), Text()]
        if checked.changes is not None:
            lines += [*_draw_changes(checked, checked.changes, baseline, width), Text()]
        if checked.counted is not None:
            lines += draw_unknown(checked.counted, width, checked.label)
    notes = [*check_notes(found), *([f"Baseline written to {written}."] if written else [])]
    return [*lines, *draw_notes(notes, width)]


def _lead(rows: Sequence[Row]) -> Column:
    return Column("", tuple(LIMITED[row.figure].called for row in rows), left=True)


def _groups(rows: Sequence[Row]) -> list[list[Column]]:
    values = [Column("value", tuple(exact(row.value) for row in rows))]
    known = any(row.baseline is not None for row in rows)
    before = [Column("baseline", tuple(NOTHING if row.baseline is None else exact(row.baseline) for row in rows))]
    if not any(row.budget for row in rows):
        return [values, *([before] if known else [])]
    over = [Column("used", tuple(percent(row.used) for row in rows)), Column("over by", tuple(map(_over, rows)))]
    if all(row.budget is not None and row.budget.limit == row.baseline for row in rows):
        return [values, before, over]
    limits = tuple(NOTHING if row.budget is None else exact(row.budget.limit) for row in rows)
    return [values, *([before] if known else []), [Column("budget", limits)], over]


def _over(row: Row) -> str:
    return NOTHING if row.budget is None else exact(row.over) if row.over else "holds"


def _draw_changes(checked: Checked, changes: Changes, baseline: str, width: int | None) -> Iterator[Text]:
    """Draw what is not as it was: of the whole, then the layers, those first that weigh most."""
    if changes.nothing:
        known = "Its figures are" if changes.layers is None else "Every layer is"
        yield from paragraph(f"{known} as in {baseline}.", width)
        return
    yield from paragraph(f"Changed since {baseline}: {_tell_whole(checked, changes)}".rstrip(": "), width)
    if changes.layers is None:
        yield from paragraph(f"There are no layers in {baseline}, so those that changed cannot be told.", width)
    elif changes.layers:
        shown = sorted(changes.folded, key=_weight(checked))[:MOST_LAYERS]
        lead = Column("layer", tuple(change.name for change in shown), left=True)
        yield from draw_folded(lead, _change_groups(shown), width)
        rest = len(changes.layers) - sum(change.layers for change in shown)
        if rest:
            yield from paragraph(f"and {counted(rest, 'more layer')} that changed; --json names all", width)


def _tell_whole(checked: Checked, changes: Changes) -> str:
    """Write `parameter r 4 → 2; FLOPs 100 → 200`; figures that stand in the table above are left out."""
    above = {row.figure for row in checked.rows}
    return "; ".join(
        f"{_called(each.what)} {_arrow(_show(each.before), _show(each.after))}"
        for each in changes.whole
        if each.what not in above
    )


def _called(what: str) -> str:
    return LIMITED[what].called if what in LIMITED else what


def _weight(checked: Checked) -> Callable[[LayerChange], tuple[int, ...]]:
    """Give the order of changes: by the growth of what is over its budget, then of MACs and weights; removals last."""
    figures = [*[row.figure for row in checked.failing], "macs", "params"]
    counts = [of_layer for name in figures if (of_layer := LIMITED[name].of_layer) is not None]
    return lambda change: tuple([-growth(change, of_layer) for of_layer in counts])


def _change_groups(changes: Sequence[LayerChange]) -> list[list[Column]]:
    groups = [
        [Column("operation", tuple(map(_what, changes)), left=True)],
        [Column("params", tuple(_counts(change, lambda layer: layer.params) for change in changes))],
        [Column("MACs", tuple(_counts(change, lambda layer: layer.macs) for change in changes))],
    ]
    outputs = tuple(map(_outputs, changes))
    return [*groups, [Column("output", outputs)]] if any(ARROW in output for output in outputs) else groups


def _what(change: LayerChange) -> str:
    """Write `conv 3×3 → conv 5×5`, `added conv 3×3`, `removed 9 layers`, or the operation that is as it was."""
    before, after = change.before, change.after
    if before is None or after is None:
        layer = before or after
        return change.kind if layer is None else f"{change.kind} {layer.operation}"
    return _arrow(before.operation, after.operation)


def _counts(change: LayerChange, of_layer: OfLayer) -> str:
    return _arrow(*[_count(layer, of_layer) for layer in (change.before, change.after)])


def _count(layer: LayerCost | None, of_layer: OfLayer) -> str:
    return NOTHING if layer is None else exact(of_layer(layer))


def _outputs(change: LayerChange) -> str:
    shapes = [show_shape(layer.output) for layer in (change.before, change.after) if layer is not None]
    return _arrow(shapes[0], shapes[-1])


def _arrow(before: str, after: str) -> str:
    """Write what was and what is; only once where both are the same."""
    return after if before == after else f"{before}{ARROW}{after}"


def _show(what: object) -> str:
    """Write a parameter's value, the shapes of streams, or nothing."""
    if what is None:
        return NOTHING
    if isinstance(what, Mapping):
        return show_shapes(what.values())
    if isinstance(what, list) and what and isinstance(what[0], tuple):
        return show_shapes(what)
    return value(what)


def tell_failures(checked: Checked) -> list[str]:
    """Say of each figure that is over its budget by how much, and which layer to look at."""
    return [f"{checked.label}: {tell_failure(checked, row)}" for row in checked.failing]


def tell_failure(checked: Checked, row: Row) -> str:
    """Write `69,632 params, 4,632 (7.1 %) over 65K; conv2 has most of them (36,864)`."""
    limit = "" if row.budget is None else row.budget.written
    written = f"the {limit} of {exact(row.budget.limit)}" if row.budget and limit.startswith("baseline") else limit
    share = "" if row.used is None or row.used > MOST_USED else f" ({percent(row.used - 1)})"
    found = f"{exact(row.value)} {LIMITED[row.figure].called}, {exact(row.over)}{share} over {written}"
    return f"{found}{_tell_responsible(checked, row)}"


def _tell_responsible(checked: Checked, row: Row) -> str:
    layer = checked.responsible(row.figure)
    if layer is None:
        return ""
    if layer.after is None:
        return f"; the peak is at {layer.layer}"
    unit = LIMITED[row.figure].in_layers
    if layer.before is None:
        return f"; {layer.layer} has the most ({exact(layer.after)} {unit})"
    return f"; {layer.layer} grew most ({exact(layer.before)} → {exact(layer.after)} {unit})"


def check_notes(found: Sequence[Checked]) -> list[str]:
    """Say what the figures rest on."""
    asked = found[0].snapshot.asked
    other = f"{MACS} FLOPs by the convention `{asked.convention}`. Figures are for one image."
    notes = [CONVENTION if asked.convention == "cnnx" else other]
    figures = {row.figure for checked in found for row in checked.rows}
    if figures & {"peak_inference_bytes", "weight_bytes"}:
        notes.append(f"Bytes: {asked.dtype}.")
    if "peak_inference_bytes" in figures:
        notes[-1] += (
            f" Peak bytes: the most input and activation bytes that live at once at inference, for "
            f"{counted(asked.batch, 'image')}; weights and the workspace of kernels are not included."
        )
    return notes + labelled_notes({each.label: each.counted for each in found if each.counted is not None})
