"""A ledger of storages: who holds which, how many bytes live, when they were most, and what lived then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """A part of a training step."""

    FORWARD = "forward"
    BACKWARD = "backward"
    UPDATE = "update"


Where = tuple[Phase, str]  # the phase, and the node


class Held(StrEnum):
    """What a storage is for."""

    INPUT = "input"
    ACTIVATION = "activation"
    STATISTIC = "kept beside activations"  # positions of maxima, masks, means
    OUTPUT_GRADIENT = "gradient of the output"
    GRADIENT = "gradient of an activation"
    WEIGHT_GRADIENT = "gradient of weights"
    STATE = "optimizer state"
    SCRATCH = "scratch"


@dataclass(slots=True)
class Entry:
    """A storage on the ledger, from the moment when it was `made` until it was `freed`; None while it lives."""

    name: str  # of the input or node that it belongs to
    held: Held
    bytes: int
    made: int
    freed: int | None = None
    holders: int = 1


class Ledger:
    """Storages, each with the number of those that hold it; one that nobody holds is freed.

    `where` is what the caller is doing, and kept for the peak; `peak` is the most bytes that lived at once.
    """

    def __init__(self, where: Where) -> None:
        self.where = self._peak_where = where
        self._entries: list[Entry] = []
        self._alive = 0
        self._moment = 0
        self._peak_moment = 0
        self.peak = 0

    def make(self, name: str, held: Held, size: int) -> int:
        """Enter a storage with one holder; give its number."""
        self._moment += 1
        self._entries.append(Entry(name, held, size, self._moment))
        self._alive += size
        if self._alive > self.peak:
            self.peak, self._peak_moment, self._peak_where = self._alive, self._moment, self.where
        return len(self._entries) - 1

    def hold(self, number: int) -> int:
        """Add a holder; give the storage's number again."""
        self._entries[number].holders += 1
        return number

    def release(self, number: int) -> None:
        """Take a holder away; with the last, the storage is freed."""
        entry = self._entries[number]
        entry.holders -= 1
        if not entry.holders:
            self._moment += 1
            entry.freed = self._moment
            self._alive -= entry.bytes

    def release_all(self, numbers: Iterable[int]) -> None:
        """Take a holder away from each."""
        for number in numbers:
            self.release(number)

    def bytes_of(self, number: int) -> int:
        """Give the bytes of a storage."""
        return self._entries[number].bytes

    def is_held_once(self, number: int, size: int) -> bool:
        """Tell whether a storage has a single holder, who needs all of it: `size` bytes."""
        entry = self._entries[number]
        return entry.holders == 1 and entry.bytes == size

    def at_peak(self) -> tuple[Where, list[Entry]]:
        """Give where the most bytes lived for the first time, and what did, in the order in which it was made."""
        moment = self._peak_moment
        alive = [entry for entry in self._entries if entry.made <= moment < (entry.freed or moment + 1)]
        return self._peak_where, alive
