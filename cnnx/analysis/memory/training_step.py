"""One training step, storage by storage: the forward pass, then the backward pass by reverse liveness.

In the forward pass a value lives while the code holds it or autograd keeps it. Backward, function by function in the
opposite order: the gradients of what it read appear, and those of its weights, which stay; then the gradient of its
output goes, and what it kept, unless another function keeps it too. A gradient that a function passes on (a sum's, the
parts of a concatenation's) is no new memory, and lives as long as anybody needs a part of it.

Where several functions read a value, each further gradient of it is added to those before in a new tensor. So autograd
does while something watches what is dispatched; else, with `sums_in_place`, it writes over the sum of those before, if
nobody else holds that and it is a whole tensor (torch/csrc/autograd/input_buffer.cpp, torch 2.13).
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnx.analysis.memory.ledger import Held, Ledger, Phase
from cnnx.analysis.memory.tape import Record, Tape


class TrainingStep:
    """The run of a tape; `ledger` has the storages, `saved_bytes` are what autograd keeps from forward to backward.

    `state_bytes` are what the optimizer keeps all the time.
    """

    def __init__(self, tape: Tape, state_bytes: int = 0, *, sums_in_place: bool = False) -> None:
        self.ledger = Ledger((Phase.FORWARD, ""))
        if state_bytes:
            self.ledger.make("", Held.STATE, state_bytes)
        self.saved_bytes = 0
        self._tape = tape
        self._sums_in_place = sums_in_place
        self._storages: dict[int, int] = {}  # the storage of each root
        self._gradients: dict[int, int] = {}  # the storage of each value's gradient, as far as it is known
        self._kept: dict[int, list[int]] = {}  # by the output of the function that keeps them

    def forward(self) -> None:
        """Run the forward pass."""
        for value in self._tape.inputs:
            self._storages[value] = self._make(value, Held.INPUT, self._tape.values[value].bytes)
        for record in self._tape.records:
            self.ledger.where = (Phase.FORWARD, record.node)
            self._forward(record)
        kept = {number for numbers in self._kept.values() for number in numbers}
        self.saved_bytes = sum(self.ledger.bytes_of(number) for number in kept)

    def _forward(self, record: Record) -> None:
        function, output = record.function, record.output
        value = self._tape.values[output]
        if value.root == output:
            self._storages[output] = self._make(output, Held.ACTIVATION, value.bytes)
        else:
            self._hold(output)
        beside = [self._make(output, Held.STATISTIC, function.kept_bytes)] if function.kept_bytes else []
        if value.has_gradient:
            kept = [record.reads[place] for place in function.keeps] + [output] * function.keeps_output
            self._kept[output] = [self._hold(each) for each in kept] + beside
        else:
            self.ledger.release_all(beside)
        self.ledger.release_all(self._storage(each) for each in record.dropped)

    def backward(self) -> None:
        """Run the backward pass, from a gradient of every output that has one; the caller holds these."""
        self.ledger.where = (Phase.BACKWARD, "")
        for output in self._outputs():
            given = self._make(output, Held.OUTPUT_GRADIENT, self._tape.values[output].bytes)
            self._arrive(output, self.ledger.hold(given))
        for record in reversed(self._tape.records):
            if record.output in self._gradients:
                self.ledger.where = (Phase.BACKWARD, record.node)
                self._backward(record)

    def update(self, scratch_bytes: int) -> None:
        """Change the weights; `scratch_bytes` live while the largest is changed."""
        self.ledger.where = (Phase.UPDATE, "")
        if scratch_bytes:
            self.ledger.release(self.ledger.make("", Held.SCRATCH, scratch_bytes))

    def _backward(self, record: Record) -> None:
        function, ledger = record.function, self.ledger
        gradient = self._gradients.pop(record.output)
        wanted = [value for value, asked in zip(record.reads, record.asked, strict=True) if asked]
        if function.passes:
            given = [ledger.hold(gradient) for _ in wanted]
        else:
            given = [self._make(value, Held.GRADIENT, self._tape.values[value].bytes) for value in wanted]
        for size in function.weight_bytes:
            self._make(record.output, Held.WEIGHT_GRADIENT, size)
        if function.scratch_bytes:
            ledger.release(self._make(record.output, Held.SCRATCH, function.scratch_bytes))
        ledger.release(gradient)
        ledger.release_all(self._kept.pop(record.output))
        for value, each in zip(wanted, given, strict=True):
            self._arrive(value, each)

    def _arrive(self, value: int, gradient: int) -> None:
        """Let a gradient of a value be its first, or add it to those that came before."""
        before, size = self._gradients.get(value), self._tape.values[value].bytes
        if before is None:
            self._gradients[value] = gradient
        elif self._sums_in_place and self.ledger.is_held_once(before, size):
            self.ledger.release(gradient)
        else:
            self._gradients[value] = self._make(value, Held.GRADIENT, size)
            self.ledger.release_all((before, gradient))

    def _outputs(self) -> Iterator[int]:
        return (value for value in self._tape.outputs if self._tape.values[value].has_gradient)

    def _make(self, value: int, held: Held, size: int) -> int:
        return self.ledger.make(self._tape.names[value], held, size)

    def _hold(self, value: int) -> int:
        return self.ledger.hold(self._storage(value))

    def _storage(self, value: int) -> int:
        return self._storages[self._tape.values[value].root]
