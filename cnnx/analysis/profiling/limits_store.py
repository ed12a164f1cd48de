"""The limits of a machine, kept between runs under the environment that they belong to.

They lie in the cache folder, a file for each processor or GPU, dtype, number of threads and version of torch. What
cannot be read, or belongs to another environment, is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from cnnx.analysis.cache_folder import cache_folder, keep
from cnnx.analysis.profiling.roofline import Limits

LimitsEnvironment = Mapping[str, str | int | None]


def kept_limits(environment: LimitsEnvironment) -> Limits | None:
    """Give the limits that an earlier run measured in this environment; None where there are none."""
    place = _place(environment)
    if place is None:
        return None
    try:
        read = json.loads(place.read_text("utf-8"))
        limits = Limits(**{**read, "warnings": tuple(read["warnings"]), "kept": True})
        sensible = limits.environment == environment and limits.flops_per_second > 0 and limits.bytes_per_second > 0
    except (OSError, ValueError, LookupError, TypeError):  # not there, or not what was written
        return None
    return limits if sensible else None


def keep_limits(limits: Limits) -> None:
    """Keep limits for later runs; those that were measured on a busy machine are not kept."""
    place = _place(limits.environment)
    if place is not None and not limits.warnings:
        with suppress(OSError):  # a full or locked disk: the next run measures anew
            keep(place, json.dumps(asdict(replace(limits, environment=dict(limits.environment)))))


def _place(environment: LimitsEnvironment) -> Path | None:
    folder = cache_folder()
    if folder is None:
        return None
    key = hashlib.sha256(json.dumps(dict(environment), sort_keys=True).encode()).hexdigest()[:32]
    return folder / f"limits-{key}.json"
