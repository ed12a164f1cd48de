"""Annotations of GitHub Actions: lines that its runner reads from standard output and shows at a line of a file.

`::error file=…,line=…,title=…::message`. Source of what is escaped, and how: github.com/actions/toolkit,
packages/core/src/command.ts (`escapeData`, `escapeProperty`).
"""

from __future__ import annotations

_DATA = {ord("%"): "%25", ord("\r"): "%0D", ord("\n"): "%0A"}
_PROPERTY = {**_DATA, ord(":"): "%3A", ord(","): "%2C"}


def github_error(message: str, *, file: str, line: int, title: str) -> str:
    """Write an error at a line of a file, which counts from 1."""
    properties = {"file": file, "line": str(line), "title": title}
    told = ",".join(f"{name}={text.translate(_PROPERTY)}" for name, text in properties.items())
    return f"::error {told}::{message.translate(_DATA)}"
