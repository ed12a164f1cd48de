"""What is installed and found on this machine, and what of cnnx would work with it; no torch is needed for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from cnnx.analysis.environment import Environment

# What cnnx uses, and for what.
PACKAGES = {
    "torch": "builds, cross-checks and measures",
    "fvcore": "one of the three counters of the cross-check",
    "numpy": "medians and intervals",
    "sympy": "closed forms of formulas",
    "psutil": "memory and clocks",
    "pydantic": "reads specs",
    "PyYAML": "reads specs",
    "rich": "draws tables",
    "typer": "the command line",
}


@dataclass(frozen=True, slots=True)
class Package:
    """A package that cnnx uses, with its version; None where it is not installed."""

    name: str
    version: str | None
    purpose: str


@dataclass(frozen=True, slots=True)
class Device:
    """A device, whether it can be used, and what it is or why it cannot."""

    name: str
    usable: bool
    about: str


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """What torch says of itself; `error` is why it cannot be imported, else empty."""

    version: str | None
    cuda: str | None
    threads: int | None
    devices: tuple[Device, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class SearchFolder:
    """A folder in which specs are found."""

    path: str
    files: int


@dataclass(frozen=True, slots=True)
class Ability:
    """Something that cnnx does, whether it would work here, and if not, why."""

    what: str
    works: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All of it; `problems` are the hidden and broken specs."""

    environment: Environment
    torch: TorchBuild
    packages: tuple[Package, ...]
    available_bytes: int | None
    folders: tuple[SearchFolder, ...]
    names: int  # specs, variants and families that can be asked for
    problems: tuple[str, ...]

    @property
    def abilities(self) -> tuple[Ability, ...]:
        """What would work here."""
        return tuple(_abilities(self.torch, {package.name for package in self.packages if package.version}))


def installed_packages() -> tuple[Package, ...]:
    """Look up the versions of what cnnx uses; nothing is imported."""
    return tuple([Package(name, _version(name), purpose) for name, purpose in PACKAGES.items()])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _abilities(torch: TorchBuild, installed: set[str]) -> Iterator[Ability]:
    def needs(what: str, *names: str) -> Ability:
        missing = [name for name in names if name not in installed]
        why = torch.error or (f"{' and '.join(missing)} not installed" if missing else "")
        return Ability(what, not why, why)

    yield Ability("static figures (list, show, validate, compare --static)", True)
    yield needs("cross-check by forward hooks and FlopCounterMode", "torch")
    yield needs("cross-check by fvcore", "torch", "fvcore")
    yield from _measuring(torch.devices, torch.error)
    formulas = "sympy" in installed
    yield Ability("formulas in closed form", formulas, "" if formulas else "sympy not installed")


def _measuring(devices: Sequence[Device], error: str) -> Iterator[Ability]:
    if error:
        yield Ability("latency", False, error)
    for device in devices:
        yield Ability(f"latency on {device.name}", device.usable, "" if device.usable else device.about)
