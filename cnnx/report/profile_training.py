"""What `profile --train` tells of training: the step's times and memory beside what is predicted, and their notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.text import Text

from cnnx.analysis.memory.ledger import Phase
from cnnx.analysis.memory.training import Optimizer, StepMemory
from cnnx.analysis.profiling.profile import Profile, ProfiledRun
from cnnx.analysis.profiling.training_runs import ProfiledTraining, TrainingRun
from cnnx.analysis.records import Latency
from cnnx.report.document import Object, latency_object
from cnnx.report.memory import draw_shares
from cnnx.report.numbers import NOTHING, aligned, counted, exact, interval, significant
from cnnx.report.table import Column, draw_folded
from cnnx.report.text import listed

_ALIGNED = ("forward ms", "backward ms", "update ms", "step ms", "images/s")


_CALLED: Mapping[Optimizer, str] = {
    Optimizer.SGD: "SGD",
    Optimizer.MOMENTUM: "SGD with momentum",
    Optimizer.ADAM: "Adam",
}


def backward_facts(training: ProfiledTraining) -> Iterator[tuple[str, str]]:
    """Give the line of the backward pass among the figures of a network."""
    if training.backward is not None:
        flops = "" if training.backward.flops is None else f"; {exact(training.backward.flops)} FLOPs"
        yield "backward MACs", exact(training.backward.macs) + flops


def training_facts(training: ProfiledTraining, batch: int) -> Iterator[tuple[str, str]]:
    """Give the lines of one run's summary: what each is called, and what it says."""
    memory, run = training.predicted, training.run
    if memory is not None:
        yield from _memory(memory, run)
    elif run is not None:
        yield "saved", f"{exact(run.memory.saved_bytes)} bytes observed"
        yield "step memory", f"{exact(run.memory.peak_bytes)} bytes observed"
    if training.failure is not None:
        yield "step", f"not measured: {training.failure.message}"
    if run is not None:
        yield from _times(run, batch)


def _memory(memory: StepMemory, run: TrainingRun | None) -> Iterator[tuple[str, str]]:
    seen = None if run is None else run.memory
    yield "saved", _both(memory.saved_bytes, None if seen is None else seen.saved_bytes)
    where = f"in the {memory.phase}{'' if memory.phase is Phase.UPDATE else ' pass'}{_at(memory.node)}"
    yield "step memory", _both(memory.peak_bytes, None if seen is None else seen.peak_bytes, f" {where}")
    optimizer = memory.optimizer
    kept = optimizer.state_bytes + optimizer.counter_bytes
    scratch = f"; {exact(optimizer.scratch_bytes)} more in the update" if optimizer.scratch_bytes else ""
    yield "optimizer", f"{_both(kept, None if seen is None else seen.state_bytes)}{scratch}"


def _both(predicted: int, observed: int | None, where: str = "") -> str:
    return f"{exact(predicted)} bytes{where}" + ("" if observed is None else f"; {exact(observed)} observed")


def _at(node: str) -> str:
    return f" at {node}" if node else ""


def _times(run: TrainingRun, batch: int) -> Iterator[tuple[str, str]]:
    for name, latency in (("forward", run.forward), ("backward", run.backward), ("update", run.update)):
        yield name, _time(latency)
    yield "step", _time(run.step)
    yield "images/s", significant(_images_per_second(run, batch))


def _time(latency: Latency) -> str:
    quartiles = f"{interval(latency.p25, latency.p75)} ms in the middle half of {counted(latency.rounds, 'round')}"
    return f"{significant(latency.median)} ms ({quartiles})"


def _images_per_second(run: TrainingRun, batch: int) -> float:
    return 1e3 * batch / run.step.median


def draw_training_runs(
    runs: Sequence[ProfiledRun], label: Callable[[ProfiledRun], str], width: int | None
) -> list[Text]:
    """Draw the training of several runs as a table, a row each."""
    told = [(each, each.training) for each in runs if each.training is not None]
    lead = Column("training", tuple([label(each) for each, _ in told]), left=True, style="bold")

    def column(header: str, write: Callable[[ProfiledRun, TrainingRun], str]) -> Column:
        cells = [NOTHING if training.run is None else write(each, training.run) for each, training in told]
        return Column(header, aligned(cells) if header in _ALIGNED else tuple(cells))

    def predicted(header: str, read: Callable[[StepMemory], int]) -> Column:
        memories = [training.predicted for _, training in told]
        return Column(header, tuple([NOTHING if memory is None else exact(read(memory)) for memory in memories]))

    return draw_folded(
        lead,
        [
            [
                column("forward ms", lambda each, run: significant(run.forward.median)),
                column("backward ms", lambda each, run: significant(run.backward.median)),
                column("update ms", lambda each, run: significant(run.update.median)),
            ],
            [
                column("step ms", lambda each, run: significant(run.step.median)),
                column("images/s", lambda each, run: significant(_images_per_second(run, each.batch))),
            ],
            [
                predicted("saved bytes", lambda memory: memory.saved_bytes),
                column("observed", lambda each, run: exact(run.memory.saved_bytes)),
            ],
            [
                predicted("step bytes", lambda memory: memory.peak_bytes),
                column("observed", lambda each, run: exact(run.memory.peak_bytes)),
            ],
        ],
        width,
    )


def draw_step_memory(memory: StepMemory, top: int, width: int | None) -> list[Text]:
    """Draw what is alive at the peak of a step, where it is told: by what it is for, then the largest storages."""
    if not memory.alive:
        return []
    where = f"{memory.phase}{_at(memory.node)}"
    kinds = [(str(held), count) for held, count in memory.by_kind().items()]
    largest = sorted(memory.alive, key=lambda each: -each.bytes)
    named = [(f"{each.name}: {each.held}" if each.name else str(each.held), each.bytes) for each in largest[:top]]
    others = largest[top:]
    if others:
        named.append((f"{len(others)} others", sum(each.bytes for each in others)))
    return [
        *draw_shares(f"alive in {where}", kinds, memory.peak_bytes, width),
        Text(),
        *draw_shares("storage", named, memory.peak_bytes, width),
    ]


def training_notes(profile: Profile) -> Iterator[str]:
    """Say what backward counts, a step's times and its memory mean."""
    told = [run.training for run in profile.runs if run.training is not None]
    if not told:
        return
    yield (
        "Backward MACs: those of the forward pass for each gradient asked for, that of the weights and, unless what "
        "enters needs none, that of the input. Backward FLOPs, by cnnx's own convention: 2·MACs, and of all else "
        "as many as in the forward pass for the gradients of inputs and for those of weights; a sum's gradient costs "
        "nothing, and several gradients of one value are added up."
    )
    yield from _model_notes(profile, told[0])
    yield (
        "Step: forward in training mode, backward from a fixed gradient of the output, update by torch's "
        f"{_CALLED[told[0].optimizer]} with foreach=False and learning rate 0. The times are of the eager module, by "
        "clocks read in between; gradients of weights are let go untimed before each step."
    )
    yield _memory_note(told)


def _model_notes(profile: Profile, training: ProfiledTraining) -> Iterator[str]:
    """Say how the backward pass of a model in Python came about, or why it is not told."""
    if profile.model is None:
        return
    if training.backward is None:
        yield "The backward pass is not counted, as the model does not run on the meta device."
        return
    yield (
        "The backward pass is counted as torch dispatches it: a gradient that torch composes of other operators costs "
        "what these cost."
    )
    unknown = training.backward.unknown
    if unknown:
        yield (
            f"Nothing is known of what {listed(unknown)} {'costs' if len(unknown) == 1 else 'cost'} in it: there are "
            "no backward FLOPs, and the MACs are those of the others."
        )


def _memory_note(told: Sequence[ProfiledTraining]) -> str:
    note = (
        "Saved: what autograd keeps from forward to backward. Step memory: the most bytes that live at once beside "
        "weights and buffers, with inputs, outputs and the gradient of these, gradients of weights and the "
        "optimizer's state; the workspace of kernels is not included."
    )
    if any(each.run is not None and not each.run.memory.with_workspace for each in told):
        note += (
            " While storages are watched, autograd adds gradients of one value in new tensors; else it may spare some."
        )
    return note


def training_object(training: ProfiledTraining) -> Object:
    """Give all of it for JSON; what cannot be told or was not measured is null."""
    backward, run = training.backward, training.run
    failure = training.failure
    return {
        "optimizer": str(training.optimizer),
        "backward_macs": None if backward is None else backward.macs,
        "backward_flops": None if backward is None else backward.flops,
        "unknown_backward_operators": [] if backward is None else list(backward.unknown),
        "failure": None if failure is None else {"kind": failure.kind, "message": failure.message},
        **(_NOTHING_MEASURED if run is None else _measured(run)),
        "predicted": None if training.predicted is None else _predicted(training.predicted),
    }


_NOTHING_MEASURED: Object = dict.fromkeys(("forward_ms", "backward_ms", "update_ms", "step_ms", "observed", "warnings"))


def _measured(run: TrainingRun) -> Object:
    memory = run.memory
    return {
        "forward_ms": latency_object(run.forward),
        "backward_ms": latency_object(run.backward),
        "update_ms": latency_object(run.update),
        "step_ms": latency_object(run.step),
        "observed": {
            "saved_bytes": memory.saved_bytes,
            "peak_step_bytes": memory.peak_bytes,
            "optimizer_state_bytes": memory.state_bytes,
            "with_workspace": memory.with_workspace,
        },
        "warnings": list(run.environment.warnings),
    }


def _predicted(memory: StepMemory) -> Object:
    optimizer = memory.optimizer
    return {
        "saved_bytes": memory.saved_bytes,
        "peak_step_bytes": memory.peak_bytes,
        "peak_phase": str(memory.phase),
        "peak_node": memory.node or None,
        "weight_bytes": memory.weight_bytes,
        "buffer_bytes": memory.buffer_bytes,
        "optimizer_state_bytes": optimizer.state_bytes,
        "optimizer_counter_bytes": optimizer.counter_bytes,
        "update_scratch_bytes": optimizer.scratch_bytes,
        "alive_bytes": {str(held): count for held, count in memory.by_kind().items()},
    }
