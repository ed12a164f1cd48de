"""One training step, storage by storage: the forward pass, then the backward pass by reverse liveness.

In the forward pass a value lives while the code holds it or autograd keeps it. Backward, function by function in the
opposite order: the gradients of what it read appear, and those of its weights, which stay; then the gradient of its
output goes, and what it kept, unless another function keeps it too. Where several functions read a value, each
further gradient of it is added to those before in a new tensor. A gradient that a function passes on (a sum's, the
parts of a concatenation's) is no new memory, and lives as long as anybody needs a part of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cnnx.analysis.ledger import Held, Ledger
from cnnx.analysis.tape import Record, Tape

FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"


class TrainingStep:
    """The run of a tape; `ledger` has the storages, `saved` what autograd keeps between forward and backward."""

    def __init__(self, tape: Tape) -> None:
        self.ledger = Ledger()
        self.saved_bytes = 0
        self._tape = tape
        self._storages: dict[int, int] = {}  # the storage of each root
        self._gradients: dict[int, int] = {}  # the storage of each value's gradient, as far as it is known
        self._kept: dict[int, list[int]] = {}  # by the output of the function that keeps them

    def forward(self) -> None:
        """Run the forward pass."""
        for value in self._tape.inputs:
            self._storages[value] = self._make(value, Held.INPUT, self._tape.values[value].bytes)
        for record in self._tape.records:
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
        for output in self._outputs():
            given = self._make(output, Held.OUTPUT_GRADIENT, self._tape.values[output].bytes)
            self._arrive(output, self.ledger.hold(given))
        for record in reversed(self._tape.records):
            if record.output in self._gradients:
                self._backward(record)

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
        """Let a gradient of a value be its first, or add it to those that came before, in a new tensor."""
        before = self._gradients.get(value)
        if before is None:
            self._gradients[value] = gradient
            return
        self._gradients[value] = self._make(value, Held.GRADIENT, self._tape.values[value].bytes)
        self.ledger.release_all((before, gradient))

    def _outputs(self) -> Iterator[int]:
        return (value for value in self._tape.outputs if self._tape.values[value].has_gradient)

    def _make(self, value: int, held: Held, size: int) -> int:
        return self.ledger.make(self._tape.names[value], held, size)

    def _hold(self, value: int) -> int:
        return self.ledger.hold(self._storage(value))

    def _storage(self, value: int) -> int:
        return self._storages[self._tape.values[value].root]
