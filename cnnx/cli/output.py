"""Where an answer goes: to standard output, or to a file that is replaced as a whole."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnx.errors import UsageError, brief

if TYPE_CHECKING:
    from rich.text import Text

    from cnnx.report.document import Object
    from cnnx.report.grid import Grid

# What a file's suffix says of its format; a file without a suffix, such as /dev/stderr, gets the table.
SUFFIXES: Mapping[str, str] = {
    ".json": "json",
    ".csv": "csv",
    ".md": "md",
    ".tex": "latex",
    ".txt": "table",
    "": "table",
}


@dataclass(frozen=True, slots=True)
class Output:
    """How to answer, and into which file (None: standard output)."""

    form: str  # table, json, csv, md or latex
    path: Path | None

    def write(
        self,
        draw: Callable[[int | None], list[Text]],
        document: Callable[[], Object],
        grid: Callable[[], Grid] | None = None,
    ) -> None:
        """Draw a table for the width at hand, write the document as JSON, or the grid as the format says."""
        from cnnx.report.console import width_of
        from cnnx.report.document import write_json

        if self.form == "json":
            self.write_text(write_json(document()))
        elif grid is not None and self.form != "table":
            from cnnx.report.grid import WRITERS

            self.write_text(WRITERS[self.form](grid()))
        elif self.path is None:
            _print(draw(width_of(sys.stdout)))
        else:
            self.write_text("".join(f"{drawn.plain}\n" for drawn in draw(None)))

    def write_text(self, text: str) -> None:
        """Write text as it stands."""
        if self.path is None:
            if sys.stdout is not None:
                sys.stdout.write(text)
        else:
            replace_file(self.path, text)


def choose_output(form: str | None, as_json: bool, path: Path | None) -> Output:
    """Settle in which format to answer; where none is asked for, as the suffix of the file says.

    Raises `UsageError` where a file could not be written, two formats are asked for, or the suffix says none, before
    any work is done.
    """
    if as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format {form}: one of them")
    if path is not None:
        check_writable(path)
    asked = "json" if as_json else form
    return Output(asked or _format_by_suffix(path), path)


def _format_by_suffix(path: Path | None) -> str:
    suffix = "" if path is None else path.suffix.lower()
    if suffix not in SUFFIXES:
        hint = f"there are {' '.join(filter(None, SUFFIXES))}; or name the format: --format"
        raise UsageError(f"-o {path}: no format has the suffix `{brief(suffix, 40)}`", hint=hint)
    return SUFFIXES[suffix]


def check_writable(path: Path, option: str = "-o") -> None:
    """Check that a file can be written: its folder is there, and it is no folder itself. Raises `UsageError`."""
    try:
        there, folder = path.exists(), (_followed(path) if path.is_symlink() else path).parent
        if path.is_dir():
            raise UsageError(f"{option} {path}: a folder, not a file")
        if not there and not folder.is_dir():
            raise UsageError(f"{option} {path}: there is no folder {folder}")
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte
        raise UsageError(f"{option} {brief(path, 200)}: {_reason(error)}") from None
    if not os.access(path if there else folder, os.W_OK):
        raise UsageError(f"{option} {path}: not allowed to write there")


def _followed(path: Path) -> Path:
    """Give the file that a link leads to; of links that lead to themselves, one of them."""
    return Path(os.path.realpath(path))


def _reason(error: OSError | ValueError) -> str:
    """Say what is wrong, without the number of the error and the path, which is told already."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def replace_file(path: Path, text: str, option: str = "-o") -> None:
    """Write a file so that readers see the old one or the new one, never a part. Raises `UsageError`."""
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", errors="replace")  # a device or pipe cannot be replaced
        else:
            _replace(_followed(path), text)  # the file that a link leads to, not the link
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from None


def _replace(target: Path, text: str) -> None:
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        temporary.chmod(mode)
        temporary.replace(target)
    except BaseException:  # Ctrl-C too: nothing half written stays behind
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _print(lines: Iterable[Text]) -> None:
    from cnnx.report.console import out_console, print_lines

    print_lines(out_console(), lines)


def aside() -> AbstractContextManager[object]:
    """Give a context in which what others print goes to standard error: the answer is alone on standard output."""
    return redirect_stdout(sys.stderr)


def warn(messages: Iterable[str]) -> None:
    """Tell warnings on standard error."""
    from cnnx.report.console import error_console
    from cnnx.report.failure import print_failure

    console = error_console()
    for message in messages:
        print_failure(console, "warning", message)
