"""What `verify` draws: a row for each spec, what disagrees, and the bridge from one tool's answer to the next's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.text import Text

from cnnx.analysis.claims.verification import Verification
from cnnx.analysis.environment import Environment
from cnnx.report.bridge import bridge_grid, bridge_object, convention_source, draw_bridges
from cnnx.report.crosscheck import COUNTERS, crosscheck_object, draw_disagreements
from cnnx.report.document import Object, document, result
from cnnx.report.grid import Grid, Series
from cnnx.report.notes import CONVENTION, draw_notes, environment_note
from cnnx.report.numbers import NOTHING, counted, exact
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import listed
from cnnx.report.wrong_figures import draw_wrong


def draw_verifications(found: Sequence[Verification], environment: Environment, width: int | None) -> list[Text]:
    """Draw the table, what disagrees, what was asked to be explained, and the notes."""
    wrong = [(each.label, check) for each in found for check in each.wrong]
    disagreements = [(each.label, other) for each in found for other in each.disagreements]
    return [
        *draw_folded(_lead(found), _groups(found), width, ["" if each.agrees else "red" for each in found]),
        Text(),
        *draw_disagreements(disagreements, width),
        *[drawn for label, check in wrong for drawn in draw_wrong(label, check, width)],
        *[drawn for each in found if each.bridges for drawn in _draw_explained(each, width)],
        *draw_notes(list(_notes(found, environment)), width),
    ]


def _lead(found: Sequence[Verification]) -> Column:
    return Column("", tuple(each.label for each in found), left=True, style="bold")


def _groups(found: Sequence[Verification]) -> list[list[Column]]:
    return [
        [Column("params", tuple(exact(each.figures.params) for each in found))],
        [Column("MACs", tuple(exact(each.figures.macs) for each in found))],
        [Column("counters", tuple(map(_counters, found)), left=True)],
        [Column("stated", tuple(map(_stated, found)), left=True)],
    ]


def _counters(found: Verification) -> str:
    """Say how many counters agree, or which differ."""
    if found.disagreements:
        return f"{listed(list(dict.fromkeys(each.counter for each in found.disagreements)))} differ"
    return f"{len([each for each in found.crosscheck.counters if each.macs is not None])} agree"


def _stated(found: Verification) -> str:
    if not found.checks:
        return NOTHING
    return f"{len(found.checks) - len(found.wrong)} of {len(found.checks)}"


def _draw_explained(found: Verification, width: int | None) -> Iterator[Text]:
    """Draw the bridge to every convention, then every figure that is stated."""
    yield from draw_bridges(found.label, found.figures.macs, found.bridges, width)
    yield Text()
    yield from draw_notes([convention_source(bridge.convention) for bridge in found.bridges], width)
    yield Text()
    for check in found.checks:
        source = f" ({check.source})" if check.source else ""
        yield from draw_notes([f"{check}{source}"], width)
    yield from draw_notes(found.remarks, width)
    yield Text()


def _notes(found: Sequence[Verification], environment: Environment) -> Iterator[str]:
    wrong = [each.label for each in found if not each.agrees]
    disagree = f"{listed(wrong)} {'disagrees' if len(wrong) == 1 else 'disagree'}"
    yield f"{counted(len(found), 'spec')} verified: {disagree if wrong else 'all agree'}."
    yield (
        "Counters: forward hooks, fvcore and FlopCounterMode on the built module, each held against the weights, MACs "
        "and shapes of every node; and what fvcore and FlopCounterMode report as they come, against the conventions "
        "`fvcore` and `torch`."
    )
    yield "Stated: the figures of papers, implementations and texts in the spec, and how many of them come out."
    for each in found:
        for counter in each.crosscheck.counters:
            if counter.note:
                yield f"{each.label}, {COUNTERS[counter.counter]}: {counter.note}."
    yield CONVENTION
    yield f"Environment: {environment_note(environment)}."


def verification_grid(found: Sequence[Verification]) -> Grid:
    """Give a row for each spec; where the bridges were asked for, a row for each addend of each convention."""
    if any(each.bridges for each in found):
        return bridge_grid([(each.label, bridge) for each in found for bridge in each.bridges])
    return Grid(
        (
            Series("name", "name", tuple(each.label for each in found)),
            Series("params", "params", tuple(each.figures.params for each in found)),
            Series("macs", "MACs", tuple(each.figures.macs for each in found)),
            Series("disagreements", "counters disagree on", tuple(len(each.disagreements) for each in found)),
            Series("stated", "stated", tuple(len(each.checks) for each in found)),
            Series("stated_wrong", "stated wrong", tuple(len(each.wrong) for each in found)),
            Series("agrees", "agrees", tuple(each.agrees for each in found)),
        )
    )


def verification_document(found: Sequence[Verification], environment: Environment) -> Object:
    """Give one result for each spec: its figures, what each counter saw, what it states, and whether all agree."""
    return document(environment, [_verification(each) for each in found])


def _verification(found: Verification) -> Object:
    return {
        **result(found.figures),
        "label": found.label,
        "agrees": found.agrees,
        "crosscheck": crosscheck_object(found.crosscheck),
        "disagreements": [asdict(each) for each in found.disagreements],
        "stated": [asdict(check) for check in found.checks],
        "remarks": list(found.remarks),
        "conventions": {bridge.convention.name: bridge_object(bridge) for bridge in found.bridges} or None,
    }
