"""Baselines: what a model cost when it was last agreed on, kept in a file.

    {"schema": "cnnx-baseline/1", "cnnx": "0.1.0", "results": [
      {"name": "mine", "settings": {"r": 8}, "given_inputs": null, "dtype": "float32", "batch": 1, "convention": "cnnx",
       "parameters": {…}, "input": {"input": [256, 56, 56]}, "output": {…},
       "figures": {"params": …, "macs": …, …}, "peak_node": "conv3",
       "layers": [{"name", "operation", "output", "params", "macs", "flops", "activation_elements"}, …]}]}

`settings` and `given_inputs` are what was asked for, `parameters` and `input` what came of it: a spec whose own
defaults changed since is compared, one that is asked for otherwise is not. What another command of cnnx wrote as JSON
is read too, where it has the figures; of what was asked for then, only what came of it is known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from cnnx.analysis.budgets.snapshot import Snapshot
from cnnx.errors import UsageError, nearest
from cnnx.graph.operation import show_shape

SCHEMA = "cnnx-baseline/1"


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot that a baseline keeps; `knows_asked` says whether it was written down what was asked for."""

    snapshot: Snapshot
    knows_asked: bool


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a file keeps, and how the file is called."""

    file: str
    kept: tuple[Kept, ...]

    def find(self, snapshot: Snapshot) -> Snapshot:
        """Give what is kept of the same model, asked for in the same way.

        Raises `UsageError` where there is nothing of that name, or only with other settings, input, dtype …
        """
        named = [each for each in self.kept if each.snapshot.name == snapshot.name]
        if not named:
            names = list(dict.fromkeys(each.snapshot.name for each in self.kept))
            known = f"it has {', '.join(names[:5])}{' …' if len(names) > 5 else ''}" if names else "it has nothing"
            raise UsageError(f"{self.file} has no `{snapshot.name}`", hint=nearest(snapshot.name, names) or known)
        differences = [_difference(each, snapshot) for each in named]
        if "" not in differences:
            raise UsageError(
                f"{self.file} has `{snapshot.name}` {differences[0]}", hint="ask in the same way, or write it anew"
            )
        return named[differences.index("")].snapshot


def _difference(kept: Kept, snapshot: Snapshot) -> str:
    """Say what was asked for otherwise, `with r=8, here with r=4`; nothing where all is the same."""
    there, here = kept.snapshot.asked, snapshot.asked
    if kept.knows_asked:
        pairs = [(_settings(there.settings), _settings(here.settings)), (_given(there.inputs), _given(here.inputs))]
    else:
        pairs = [
            (_settings(kept.snapshot.parameters), _settings(snapshot.parameters)),
            (_inputs(kept.snapshot), _inputs(snapshot)),
        ]
    pairs += [
        (f"in {there.dtype}", f"in {here.dtype}"),
        (f"for a batch of {there.batch}", f"for a batch of {here.batch}"),
        (f"by the convention {there.convention}", f"by the convention {here.convention}"),
    ]
    return next((f"{one}, and here {other}" for one, other in pairs if one != other), "")


def _settings(settings: Any) -> str:
    told = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(settings.items())]
    return f"with {', '.join(told)}" if told else "without settings"


def _given(inputs: Sequence[str] | None) -> str:
    return "with its own input" if inputs is None else f"with the input {' + '.join(inputs)}"


def _inputs(snapshot: Snapshot) -> str:
    return f"with the input {' + '.join(map(show_shape, snapshot.input.values()))}"


def write_baseline(snapshots: Sequence[Snapshot], version: str) -> str:
    """Give the text of a baseline, a layer a line, so that a change of it can be read."""
    results = ",\n".join(map(_result, snapshots))
    return f'{{\n"schema": {json.dumps(SCHEMA)},\n"cnnx": {json.dumps(version)},\n"results": [\n{results}\n]\n}}\n'


def _result(snapshot: Snapshot) -> str:
    head = {"name": snapshot.name, **_asked(snapshot), **asdict(replace(snapshot, layers=None))}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items() if key not in ("asked", "layers")]
    layers = ",\n".join(f"  {json.dumps(asdict(layer))}" for layer in snapshot.layers or ())
    return "{" + ",\n".join([*lines, f'"layers": [\n{layers}\n]']) + "}"


def _asked(snapshot: Snapshot) -> dict[str, Any]:
    asked = asdict(snapshot.asked)
    return {"settings": asked.pop("settings"), "given_inputs": asked.pop("inputs"), **asked}
