"""`cnnx doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnx.cli import options
from cnnx.cli.output import choose_output

if TYPE_CHECKING:
    from cnnx.analysis.diagnosis import Diagnosis

EXAMPLES = """\b
Examples:
  cnnx doctor
  cnnx doctor -o machine.md      to go with a report of an error
"""


def doctor(
    form: options.TableFormat = None,
    json: options.Json = False,
    file: options.OutputFile = None,
    _debug: options.Debug = False,
) -> None:
    """Show what is installed and found, and what would work here.

    Versions, torch's build, devices and why one cannot be used, cores and memory, the folders of specs with what is
    hidden or broken in them. The exit code is 0 whatever is found.
    """
    output = choose_output(form, json, file)

    from cnnx.report.diagnosis import diagnosis_document, diagnosis_grid, draw_diagnosis

    found = _diagnose()
    output.write(
        lambda width: draw_diagnosis(found, width), lambda: diagnosis_document(found), lambda: diagnosis_grid(found)
    )


def _diagnose() -> Diagnosis:
    from cnnx.analysis.catalogue.store import open_catalogue
    from cnnx.analysis.diagnosis import Diagnosis, SearchFolder, installed_packages
    from cnnx.analysis.environment import static_environment
    from cnnx.cli.invocation import command_line
    from cnnx.pytorch.diagnosis import diagnose_torch
    from cnnx.pytorch.memory_budget import available_memory
    from cnnx.pytorch.settings import Settings
    from cnnx.spec.folders import scan, search_folders

    catalogue = open_catalogue()
    folders = [scan(path) for path in search_folders()]
    return Diagnosis(
        environment=static_environment(command_line()),
        torch=diagnose_torch(),
        packages=installed_packages(),
        available_bytes=available_memory(Settings()),
        folders=tuple([SearchFolder(str(folder.path), sum(map(len, folder.files.values()))) for folder in folders]),
        names=len(catalogue.entries),
        problems=catalogue.warnings,
    )
