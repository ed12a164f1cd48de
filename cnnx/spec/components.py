"""The components of node names, which depend on how a list of steps is written and on nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from cnnx.spec.actions import JOINS

TRANSPARENT = frozenset({*JOINS, "repeat", "each", "call"})  # alone in a list: no component of its own


def number_components(steps: Sequence[dict[str, Any]]) -> None:
    """Number equal components of normalised steps; the only step, if a call, a loop or a join, has none."""
    if len(steps) == 1 and steps[0]["action"]["op"] in TRANSPARENT:
        steps[0]["component"] = ""
        return
    named = [step for step in steps if step["action"]["op"] != "pass"]
    counts = Counter(step["component"] for step in named)
    seen: Counter[str] = Counter()
    for step in named:
        component = step["component"]
        if counts[component] > 1:
            seen[component] += 1
            step["component"] = f"{component}{seen[component]}"
