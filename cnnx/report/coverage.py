"""The coverage of a chain of dilated convolutions, drawn layer by layer: what reaches the output, and what does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from cnnx.analysis.coverage import AxisCoverage, Reach, Tooth, verdict
from cnnx.report.document import Object
from cnnx.report.notes import draw_notes
from cnnx.report.numbers import exact
from cnnx.report.receptive_field import signed
from cnnx.report.table import GAP, Column, draw, width_of_columns
from cnnx.report.text import line, paragraph

REACHED, MISSED = "█", "·"
MOST_GAPS = 12  # so many are named
MOST_DRAWN = 4_000  # positions; a longer picture is left out
_NARROWEST = 24  # positions that a line of a long picture has at least

NOTE = (
    f"{REACHED} a position that reaches output position 0 through the layers from this one on, {MISSED} one that does "
    "not. distance: the largest between neighbours that are reached; M: the rule's bound of it (hybrid dilated "
    "convolution, arXiv:1702.08502), worked out for the whole chain."
)


def draw_coverage(axes: Sequence[AxisCoverage], width: int | None) -> list[Text]:
    """Draw the counts, the picture layer by layer, the rule's working and what comes of it, for each axis."""
    lines = [line(("Coverage", "bold"))]
    if len(axes) > 1 or axes[0].axis == "height and width":
        lines += paragraph(_area(axes), width)
    for covered in axes:
        lines += [Text(), *_axis(covered, width)]
    return [*lines, Text(), *draw_notes([NOTE], width)]


def _area(axes: Sequence[AxisCoverage]) -> str:
    height, width = axes[0].whole, axes[-1].whole
    reached, span = height.reached * width.reached, height.span * width.span
    return f"{exact(reached)} of {exact(span)} positions of the plane: the product of both axes"


def _axis(covered: AxisCoverage, width: int | None) -> list[Text]:
    whole = covered.whole
    head = f"{covered.axis}: {exact(whole.reached)} of {exact(whole.span)} positions reach the output"
    columns = _columns(covered)
    picture = Column("", tuple([_centred(reach, whole.span) for reach in covered.reaches]), left=True)
    beside = whole.span <= MOST_DRAWN and (width is None or width_of_columns(columns) + GAP + whole.span <= width)
    return [
        *paragraph(head, width, "bold"),
        *draw([*columns, picture] if beside else columns),
        *([] if beside or width is None else _long_picture(covered, width)),
        *draw_notes(_findings(covered), width),
    ]


def _columns(covered: AxisCoverage) -> list[Column]:
    reaches = covered.reaches
    return [
        Column("layer", tuple([reach.step.name for reach in reaches]), left=True),
        Column("rate", tuple([exact(reach.step.rate) for reach in reaches])),
        Column("M", tuple([exact(reach.bound) for reach in reaches])),
        Column("distance", tuple([exact(reach.distance) for reach in reaches])),
        Column("reached", tuple([f"{exact(reach.reached)} of {exact(reach.span)}" for reach in reaches])),
    ]


def _picture(reach: Reach) -> str:
    return reach.positions.replace("1", REACHED).replace("0", MISSED)


def _centred(reach: Reach, span: int) -> str:
    return " " * ((span - reach.span) // 2) + _picture(reach)


def _long_picture(covered: AxisCoverage, width: int) -> Iterator[Text]:
    """Draw what the whole chain reaches in several lines, each with the position that it begins at."""
    if covered.whole.span > MOST_DRAWN:
        return
    picture = _picture(covered.whole)
    label = max(len(signed(covered.low)), len(signed(covered.low + len(picture))))
    room = max(_NARROWEST, width - label - 1)
    for start in range(0, len(picture), room):
        yield line((f"{signed(covered.low + start):>{label}} ", "dim"), picture[start : start + room])


def _findings(covered: AxisCoverage) -> list[str]:
    gaps = [f"Missed: {_named(covered.gaps)}."] if covered.gaps else ["No position is missed."]
    return [*gaps, *dict.fromkeys(map(_working, covered.teeth)), verdict(covered)]


def _named(gaps: Sequence[int]) -> str:
    shown = ", ".join(map(signed, gaps[:MOST_GAPS]))
    return shown if len(gaps) <= MOST_GAPS else f"{shown} and {exact(len(gaps) - MOST_GAPS)} more"


def _working(tooth: Tooth) -> str:
    """Write the rule's working on one tooth, from the last layer to the first."""
    numbered = list(enumerate(tooth.bounds, start=1))
    bounds = ", ".join(f"M_{number} = {bound}" for number, bound in reversed(numbered))
    common = f"the rates have the common factor {tooth.common}" if tooth.common > 1 else "no common factor"
    sign = "≤" if tooth.second <= tooth.kernel else ">"
    second = f"M_2 {sign} {tooth.kernel}" if len(tooth.rates) > 1 else "one layer has no M_2"
    rates = ", ".join(map(str, tooth.rates))
    return f"Rule for rates {rates}: {bounds}; {second}, {common}: {'passed' if tooth.passes else 'not passed'}."


def coverage_object(covered: AxisCoverage) -> Object:
    """Give the coverage along one axis."""
    return {
        "axis": covered.axis,
        "reached": covered.whole.reached,
        "span": covered.whole.span,
        "low": covered.low,
        "positions": covered.whole.positions,
        "gaps": list(covered.gaps),
        "layers": [
            {
                "name": reach.step.name,
                "taps": reach.step.taps,
                "rate": reach.step.rate,
                "m": reach.bound,
                "distance": reach.distance,
                "reached": reach.reached,
                "span": reach.span,
            }
            for reach in reversed(covered.reaches)
        ],
        "rule": [
            {"rates": list(tooth.rates), "m": list(tooth.bounds), "common_factor": tooth.common, "passes": tooth.passes}
            for tooth in covered.teeth
        ],
        "rule_passes": covered.passes,
        "covered": covered.is_covered,
        "verdict": verdict(covered),
    }
