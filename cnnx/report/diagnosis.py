"""What `doctor` draws: the machine, what is installed, what is found, and what would work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.text import Text

from cnnx.analysis.diagnosis import Diagnosis
from cnnx.report.document import SCHEMA, Object
from cnnx.report.grid import Grid, Series
from cnnx.report.numbers import counted
from cnnx.report.text import line, paragraph

_INDENT = "  "
_YES, _NO = ("yes", "green"), ("no", "bold red")


def draw_diagnosis(found: Diagnosis, width: int | None) -> list[Text]:
    """Draw a section for each, and what would work at the end."""
    lines: list[Text] = []
    for head, rows in _sections(found).items():
        lines += [line((head, "bold")), *_rows(rows, width), Text()]
    for problem in found.problems:
        lines += paragraph(problem.split("\n")[0], width, "yellow", _INDENT)
    return [*lines, *([Text()] if found.problems else []), line(("what works here", "bold")), *_abilities(found, width)]


def _sections(found: Diagnosis) -> dict[str, list[tuple[str, str]]]:
    """Give what is told of each thing, by section."""
    folders = [(counted(each.files, "file"), each.path) for each in found.folders]
    return {
        "machine": _machine(found),
        "packages": [(each.name, each.version or f"not installed ({each.purpose})") for each in found.packages],
        "devices": [(each.name, _device(each.usable, each.about)) for each in found.torch.devices],
        "specs": [*folders, ("names", str(found.names))],
    }


def _device(usable: bool, about: str) -> str:
    return about if usable else f"cannot be used: {about}"


def _machine(found: Diagnosis) -> list[tuple[str, str]]:
    environment, torch = found.environment, found.torch
    memory = "unknown" if found.available_bytes is None else f"{found.available_bytes / 2**30:.1f} GiB available"
    cuda = "" if torch.version is None else f", CUDA {torch.cuda}" if torch.cuda else ", built without CUDA"
    threads = "" if torch.threads is None else f"; torch uses {torch.threads} threads"
    return [
        ("cnnx", f"{environment.cnnx}, Python {environment.python}, {environment.platform}"),
        ("torch", torch.error or f"{torch.version}{cuda}"),
        ("processor", f"{environment.cpu or 'unknown'}"),
        ("cores", f"{environment.cores or 'unknown'}{threads}"),
        ("load", "unknown" if environment.load is None else f"{environment.load:.2f}"),
        ("memory", memory),
    ]


def _rows(rows: Sequence[tuple[str, str]], width: int | None) -> Iterable[Text]:
    room = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        first, *others = paragraph(text, None if width is None else width - room - 4)
        yield line(_INDENT, (f"{name:{room}}", "dim"), _INDENT) + first
        yield from (Text(" " * (room + 4)) + other for other in others)


def _abilities(found: Diagnosis, width: int | None) -> Iterable[Text]:
    for ability in found.abilities:
        word, blanks = (_YES, "  ") if ability.works else (_NO, "   ")
        first, *others = paragraph(ability.what, None if width is None else width - 7)
        yield line(_INDENT, word, blanks) + first
        yield from (Text(" " * 7) + other for other in others)
        if ability.why_not:
            yield from paragraph(ability.why_not, width, "dim", _INDENT * 4)


def diagnosis_grid(found: Diagnosis) -> Grid:
    """Give a row for each thing that is told, by section; what would work is said by yes and no, and why not."""
    rows: list[tuple[str, str, str, bool | None]]
    rows = [(section, name, about, None) for section, told in _sections(found).items() for name, about in told]
    rows += [("what works here", each.what, each.why_not, each.works) for each in found.abilities]
    return Grid(
        (
            Series("section", "section", tuple(row[0] for row in rows)),
            Series("name", "name", tuple(row[1] for row in rows)),
            Series("about", "about", tuple(row[2] for row in rows)),
            Series("works", "works", tuple(row[3] for row in rows)),
        ),
        found.problems,
    )


def diagnosis_document(found: Diagnosis) -> Object:
    """Give all of it as data."""
    return {
        "schema": SCHEMA,
        "cnnx": found.environment.cnnx,
        **asdict(found),
        "abilities": [asdict(ability) for ability in found.abilities],
    }
