"""What stands beneath a table: the convention, the environment, where inputs differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from cnnx.analysis.environment import Environment
from cnnx.analysis.figures import CONVENTION as OWN
from cnnx.analysis.figures import Figures
from cnnx.report.numbers import counted
from cnnx.report.text import paragraph

MACS = "MACs: multiply–adds of convolutions and linear layers."
CONVENTION = (
    "MACs: multiply–adds of convolutions and linear layers; FLOPs: 2·MACs and everything else that an arithmetic "
    "unit does at inference. Figures are for one image."
)


def convention_note(figures: Sequence[Figures]) -> str:
    """Say what the MACs and FLOPs of figures are, all by one convention; imports it only if it is not cnnx's own."""
    if figures[0].convention == OWN:
        return CONVENTION
    from cnnx.report.bridge import flops_note

    return f"{MACS} {flops_note(figures[0].convention, figures)} Figures are for one image."


def memory_note(dtype: str, batch: int) -> str:
    """Say what the bytes of peak and training hold, and what they leave out."""
    return (
        f"Memory for {counted(batch, 'image')} in {dtype}. Peak inference bytes: the most input and "
        "activation bytes that live at once; weights and the workspace of kernels are not included. Training bytes: "
        "weights, gradients and what is kept for the backward pass, with plain SGD; the workspace is not included."
    )


def draw_notes(notes: Sequence[str], width: int | None) -> list[Text]:
    """Draw notes one beneath the other, each broken at blanks where the width asks for it."""
    lines: list[Text] = []
    for note in notes:
        first, *others = paragraph(note, None if width is None else width - 2, "dim")
        lines += [first, *[Text("  ").append_text(other) for other in others]]
    return lines


def environment_note(environment: Environment) -> str:
    """Say in one sentence where and how results came about."""
    return "; ".join(part for part in (_machine(environment), _software(environment), _protocol(environment)) if part)


def _machine(environment: Environment) -> str:
    parts = [environment.gpu, environment.cpu]
    if environment.cpu_capability:
        parts.append(environment.cpu_capability)
    if environment.threads is not None:
        parts.append(f"{environment.threads} of {environment.cores} threads")
    elif environment.cores is not None:
        parts.append(f"{environment.cores} cores")
    if environment.load is not None and environment.torch is not None:
        parts.append(f"load {environment.load:.2f}")
    if environment.clocks_before is not None:
        parts.append(f"clocks {environment.clocks_before} before, {environment.clocks_after} after")
    return _joined(parts)


def _software(environment: Environment) -> str:
    named = {"torch": environment.torch, "CUDA": environment.cuda, "cuDNN": environment.cudnn}
    named["driver"] = environment.driver
    versions = [f"{name} {version}" for name, version in named.items() if version is not None]
    return _joined([f"cnnx {environment.cnnx}", f"Python {environment.python}", *versions, environment.platform])


def _protocol(environment: Environment) -> str:
    parts = [environment.dtype, environment.layout]
    if environment.tf32 is not None and environment.gpu is not None:
        parts.append(f"TF32 {'on' if environment.tf32 else 'off'}")
    if environment.batch is not None:
        parts.append(f"batch {environment.batch}")
    if environment.rounds is not None:
        parts.append(counted(environment.rounds, "round"))
    if environment.warmup is not None:
        parts.append(f"warm-up {environment.warmup}")
    if environment.seed is not None:
        parts.append(f"seed {environment.seed}")
    return _joined(parts)


def _joined(parts: Sequence[str | None]) -> str:
    return ", ".join(part for part in parts if part)


def warning_notes(warnings: Iterable[str]) -> list[str]:
    """Say what makes a measurement doubtful."""
    return [f"Warning: {warning}." for warning in warnings]
