"""What `reproduce` draws: each claim with its verdict; in full, the figures that it is about and the working too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby

from rich.text import Text

from cnnx.analysis.claims.claim_figures import FigureOfSpec
from cnnx.analysis.claims.claims import ClaimCheck, ValueCheck
from cnnx.analysis.environment import Environment
from cnnx.report.document import Object, document
from cnnx.report.grid import Cell, Grid, Series
from cnnx.report.notes import draw_notes
from cnnx.report.numbers import counted, exact, value
from cnnx.report.text import listed, paragraph, side_by_side
from cnnx.spec.claims import VERDICTS, Verdict
from cnnx.spec.values import Value

INDENT = "  "
_STYLES = {"holds": "green", "holds rounded": "green", "does not hold": "yellow", "not a cost": "dim"}
_AGREEMENTS = {"exact": "", "rounded": ", which it rounds to", "none": ", which does not come out"}


def draw_claims(checks: Sequence[ClaimCheck], width: int | None, *, in_full: bool) -> list[Text]:
    """Draw the claims under their sources, then how many of them hold and whether all values are as recorded."""
    lines: list[Text] = []
    for source, group in groupby(checks, key=lambda check: check.source):
        lines += [*paragraph(source, width, "bold"), Text()]
        for check in group:
            lines += [*_draw_claim(check, width, in_full=in_full), Text()]
    return [*lines, *draw_notes(list(_notes(checks)), width)]


def _draw_claim(check: ClaimCheck, width: int | None, *, in_full: bool) -> Iterator[Text]:
    yield from side_by_side((check.name, "bold cyan"), (check.verdict, _STYLES[check.verdict]), width, INDENT)
    yield from paragraph(check.claim, width, indent=INDENT)
    if in_full:
        yield from paragraph(f"in {check.where}", width, "dim", INDENT)
        for figure in check.figures:
            yield from paragraph(_meaning(figure), width, "dim", INDENT * 2)
    # Without the whole working, the last value: it is what the claim comes to.
    for each in check.values if in_full else check.values[-1:]:
        yield from paragraph(_told(each), width, "" if in_full else "dim", INDENT)
    for each in check.differing:
        yield from paragraph(f"differs: {_difference(each)}", width, "bold red", INDENT)
    for text in (check.finding, check.instead and f"What holds: {check.instead}"):
        yield from paragraph(text, width, "dim" if text == check.finding else "", INDENT) if text else ()


def _meaning(figure: FigureOfSpec) -> str:
    """Write `plain = 589,824: params of plain3x3 (channels=256)`."""
    at = f" at {figure.at}" if figure.at else ""
    settings = f" ({figure.settings})" if figure.settings else ""
    return f"{figure.name} = {exact(figure.value)}: {figure.figure} of {figure.spec}{settings}{at}"


def _told(check: ValueCheck) -> str:
    """Write `weights: plain / thin = 589824 / 69632 = 8.47059; stated 9, which does not come out`."""
    what = f"{check.what}: " if check.what else ""
    steps = [check.expression, check.working, value(check.value)]
    distinct = [step for step, then in zip(steps, [*steps[1:], ""], strict=True) if _bare(step) != _bare(then)]
    stated = "" if check.stated is None else f"; stated {check.stated}{_AGREEMENTS[check.agreement or 'exact']}"
    return f"{what}{' = '.join(distinct)}{stated}"


def _bare(step: str) -> str:
    return step.replace(",", "").replace(" ", "")


def _difference(check: ValueCheck) -> str:
    return f"{check.recorded} recorded, {check.working} = {value(check.value)} computed"


def _notes(checks: Sequence[ClaimCheck]) -> Iterator[str]:
    verdicts: Counter[Verdict] = Counter(check.verdict for check in checks)
    told = [f"{verdicts[verdict]} {_plural(verdict, verdicts[verdict])}" for verdict in VERDICTS if verdicts[verdict]]
    yield f"{counted(len(checks), 'claim')}: {listed(told)}."
    differing = [check.name for check in checks if check.differing]
    values = sum(len(check.values) for check in checks)
    if differing:
        yield f"Values that are not what was recorded: in {listed(differing)}."
    else:
        yield f"{counted(values, 'value')} computed, all as recorded."


def _plural(verdict: Verdict, times: int) -> str:
    """Write a verdict for one claim or for several: `3 hold rounded`, `2 do not hold`."""
    if times == 1:
        return verdict if verdict != "not a cost" else "is not a cost"
    return {"holds": "hold", "holds rounded": "hold rounded", "does not hold": "do not hold"}.get(
        verdict, "are not costs"
    )


_COLUMNS = ("name", "source", "claim", "verdict", "what", "working", "value", "stated", "agreement", "as_recorded")


def claims_grid(checks: Sequence[ClaimCheck]) -> Grid:
    """Give a row for each value of each claim; a claim without values has one row."""
    rows = [row for check in checks for row in _rows(check)]
    series = [
        Series(name, name.replace("_", " "), tuple(row[number] for row in rows)) for number, name in enumerate(_COLUMNS)
    ]
    return Grid(tuple(series), tuple(_notes(checks)))


def _rows(check: ClaimCheck) -> Iterator[tuple[Cell, ...]]:
    head = (check.name, check.source, check.claim, check.verdict)
    for each in check.values:
        yield (*head, each.what, each.working, _cell(each.value), each.stated, each.agreement, each.as_recorded)
    if not check.values:
        yield (*head, *[None] * (len(_COLUMNS) - len(head)))


def _cell(found: Value) -> Cell:
    """Give a value as it is, a list as text."""
    return found if isinstance(found, (int, float, str)) else str(found)


def claims_document(checks: Sequence[ClaimCheck], environment: Environment) -> Object:
    """Give one result for each claim: what is claimed and where, the figures, the values, the verdict."""
    return document(environment, [_claim_object(check) for check in checks])


def _claim_object(check: ClaimCheck) -> Object:
    """Give a claim; what is not said of it is null."""
    found = _without_blanks(asdict(check))
    found["figures"] = [_without_blanks(asdict(figure)) for figure in check.figures]
    found["values"] = [_without_blanks(asdict(each)) for each in check.values]
    return {**found, "as_recorded": not check.differing}


def _without_blanks(record: Object) -> Object:
    return {name: None if each == "" else each for name, each in record.items()}
