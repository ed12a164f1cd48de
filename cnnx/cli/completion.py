"""What a shell offers behind Tab. A name is completed from file names and variants, and nothing else is read for it.

Each function takes what was typed of a word and gives the whole words that it could become. Nothing here raises for
a spec that is wrong or a folder that cannot be read: completion then offers less.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from cnnx.spec.folders import Folder

VARIABLE = "_CNNX_COMPLETE"
_GPUS = Path("/proc/driver/nvidia/gpus")
# Bash divides words at these (COMP_WORDBREAKS), and completes what stands behind the last of them.
_BREAKS = ("@", "=", ":")
# A value of these options may begin with a dash. Click takes it for an option then, but not if it is a minus sign.
_DASHED = re.compile(r"(\s--(?:sort|columns)(?:\s+|=))-(\S*)$")
_MINUS = "\N{MINUS SIGN}"


def complete_name(incomplete: str) -> list[str]:
    """Complete the name of a spec or variant, or `NAME@k=v,k=v` by the spec's parameters; paths are the shell's."""
    name, at, settings = incomplete.rpartition("@")
    if at:
        before, comma, last = settings.rpartition(",")
        given = {part.partition("=")[0] for part in before.split(",")}
        others = {key: value for key, value in _parameters(name).items() if key not in given}
        return [f"{name}@{before}{comma}{setting}" for setting in _settings(others, last)]
    return [] if "/" in incomplete or os.sep in incomplete else _names(incomplete)


def complete_setting(context: typer.Context, incomplete: str) -> list[str]:
    """Complete `--set k=v` by the parameters of the specs that are named."""
    # Where the line ends in `--set`, its parser gives up, and what was named is still among the arguments.
    arguments = [context.params.get(each.name or "") for each in context.command.params if each.opts[0][:1] != "-"]
    named = [*context.args, *[name for given in arguments for name in (given if isinstance(given, list) else [given])]]
    parameters: dict[str, Any] = {}
    for name in named:
        parameters.update(_parameters(str(name).partition("@")[0]) if name else {})
    return _settings(parameters, incomplete)


def _settings(parameters: Mapping[str, Any], incomplete: str) -> list[str]:
    """Complete a setting of one of these parameters, with their defaults; of the only one left, its values too.

    A shell puts a blank behind what is certain, and behind `k=` none may stand: so there are two to choose from.
    """
    names = [name for name in parameters if f"{name}=".startswith(incomplete) or incomplete.startswith(f"{name}=")]
    values = [f"{names[0]}={value}" for value in _values(parameters, names[0])] if len(names) == 1 else []
    return values if "=" in incomplete else [*[f"{name}=" for name in names], *values]


def _values(parameters: Mapping[str, Any], name: str) -> list[str]:
    """Give what a parameter can be set to: both booleans, else its default, unless that is computed from others."""
    default = parameters[name]
    if isinstance(default, bool):
        return ["true", "false"]
    parts = default if isinstance(default, list) else [default]
    texts = [str(part).lower() if isinstance(part, bool) else str(part) for part in parts]
    if any(isinstance(part, str) and (part in parameters or not part.isidentifier()) for part in parts):
        return []
    return [f"[{','.join(texts)}]" if isinstance(default, list) else texts[0]]


def complete_columns(incomplete: str) -> list[str]:
    """Complete the last of the columns that have commas between them, with or without its `+` or `-`."""
    from cnnx.report.columns import COLUMNS, LATENCY

    last = incomplete.rpartition(",")[2]
    sign = last[:1] if last.startswith(("+", "-", _MINUS)) else ""
    return _listed([f"{sign}{column}" for column in (*COLUMNS, LATENCY)], incomplete)


def complete_sort(incomplete: str) -> list[str]:
    """Complete a column to sort by, with or without the `-` that turns the order round."""
    from cnnx.report.columns import COLUMNS, LATENCY

    sign = incomplete[:1] if incomplete.startswith(("-", _MINUS)) else ""
    return [f"{sign}{column}" for column in (*COLUMNS, LATENCY)]


def complete_device(incomplete: str) -> list[str]:
    """Complete the devices; a GPU by its number where the driver shows one."""
    gpus = len(list(_GPUS.iterdir())) if _GPUS.is_dir() else 0
    return _listed(["cpu", "cuda", "auto", *[f"cuda:{number}" for number in range(gpus)]], incomplete)


def complete_dtype() -> list[str]:
    """Give the types of numbers."""
    from cnnx.analysis.figures import ELEMENT_BYTES

    return [*ELEMENT_BYTES]


def complete_convention() -> list[str]:
    """Give the names of the conventions."""
    from cnnx.analysis.conventions.presets import PRESETS

    return [preset.name for preset in PRESETS]


def complete_figure() -> list[str]:
    """Give the figures that can be explained."""
    from cnnx.analysis.formulas.explanation import FIGURES

    return [*FIGURES]


def _listed(choices: Iterable[str], incomplete: str) -> list[str]:
    """Complete the last of several words with commas between them by one that is not there yet."""
    before, comma, _ = incomplete.rpartition(",")
    given = before.split(",")
    return [f"{before}{comma}{choice}" for choice in choices if choice not in given]


def _folders() -> Iterator[Folder]:
    from cnnx.spec.folders import scan, search_folders

    for path in search_folders():
        try:
            yield scan(path)
        except OSError:  # a folder that cannot be read offers nothing
            continue


def _names(incomplete: str) -> list[str]:
    names: set[str] = set()
    for folder in _folders():
        names.update(folder.files)
        for _, path, text in folder.texts():
            if "variants:" in text and incomplete in text:
                names.update(_section(path, text, "variants"))
    return sorted(names - {"default"})


def _parameters(name: str) -> Mapping[str, Any]:
    """Give the parameters of one spec with their defaults, by its name, a variant's, or a path; no other is read."""
    for path, text in _texts(name):
        variants = _section(path, text, "variants")
        if name in (path.stem, str(path)) or name in variants:
            own = variants.get(name)
            return {**_section(path, text, "parameters"), **(own if isinstance(own, dict) else {})}
    return {}


def _texts(name: str) -> Iterator[tuple[Path, str]]:
    """Give what may have a spec of this name: the file itself, else every text in which the name stands."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        try:
            yield path, path.read_text("utf-8", errors="replace")
        except OSError:
            return
    for folder in _folders():
        texts = [(path, text) for stem, path, text in folder.texts() if stem == name or name in text]
        yield from sorted(texts, key=lambda found: found[0].stem != name)


def _section(path: Path, text: str, key: str) -> Mapping[str, Any]:
    """Read a mapping at the top of a spec; empty where there is none or the text is wrong."""
    from cnnx.errors import SpecError
    from cnnx.spec.yaml_reader import Source, read_yaml

    if f"{key}:" not in text:
        return {}
    try:
        found = read_yaml(Source(str(path), text)).get(key)
    except SpecError:
        return {}
    return found if isinstance(found, dict) else {}


def answer(application: typer.Typer) -> int:
    """Answer the shell that asks through environment variables; give the exit code."""
    in_bash = os.environ[VARIABLE] == "complete_bash"
    cut = _join_bash_words() if in_bash else 0
    for line in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"):
        if line in os.environ:
            os.environ[line] = _DASHED.sub(rf"\1{_MINUS}\2", os.environ[line])
    with redirect_stdout(StringIO()) as told:
        try:
            typer.main.get_command(application)(args=[], prog_name="cnnx")
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
    answers = told.getvalue().replace(_MINUS, "-").splitlines()
    sys.stdout.writelines(f"{each[cut:]}\n" for each in answers if each or not in_bash)
    return code


def _join_bash_words() -> int:
    """Put together again what bash divided (`bottleneck @ r =`); give how much of the last word it keeps itself.

    Bash hands the words on in COMP_WORDS, one a line, and the number of the one at the cursor in COMP_CWORD.
    """
    words = os.environ.get("COMP_WORDS", "").split("\n")
    if len(words) == 1:
        words = words[0].split(" ")
    number = int(os.environ.get("COMP_CWORD", "0"))
    joined: list[str] = []
    for word in words[: number + 1]:
        divided = word[:1] in _BREAKS or (bool(joined) and joined[-1][-1:] in _BREAKS)
        if len(joined) > 1 and divided:
            joined[-1] += word
        else:
            joined.append(word)
    os.environ["COMP_WORDS"] = "\n".join(joined)
    os.environ["COMP_CWORD"] = str(len(joined) - 1)
    last = joined[-1]
    value = last.partition("=")[2] if last.startswith("--") else last  # of `--device=cu`, the value is completed
    # Readline divides at an @ too, but leaves it in the word that it completes.
    return max(value.rfind("@"), value.rfind("=") + 1, value.rfind(":") + 1)
