"""What autograd sees of an operation: the functions that it calls in training, and what each keeps and allocates.

All of it was found by watching every storage that the dispatcher of PyTorch 2.13 gives out on CPU, and
`tests/test_training_step.py` holds it against what is seen. Sizes are bytes of a whole batch.
"""

from __future__ import annotations

from typing import NamedTuple


class Batch(NamedTuple):
    """How many images, and how many bytes an element of theirs has."""

    images: int
    element_bytes: int

    def bytes(self, count: int) -> int:
        """Give the bytes of so many elements an image."""
        return count * self.images * self.element_bytes


class Function(NamedTuple):
    """One function of autograd: its forward gives one value, its backward the gradient of each value that it reads.

    `reads` and `holds` count the operation's own inputs first, then what its functions gave before. Where `passes` is
    set, the gradient of every value that is read is the output's own gradient, or a view of it; else it is new.
    """

    reads: tuple[int, ...]
    bytes: int  # of the output
    view: bool = False  # the output is no memory of its own, but lives in that of the first value that is read
    keeps: tuple[int, ...] = ()  # positions in `reads` of the values that are kept for the backward pass
    keeps_output: bool = False
    kept_bytes: int = 0  # made and kept beside them; where no gradient passes, dropped with the end of the function
    weight_bytes: tuple[int, ...] = ()  # of the gradient of each weight, which stays
    passes: bool = False
    scratch_bytes: int = 0  # that live only while the backward function runs, beside the gradients that it gives
    holds: tuple[int, ...] = ()  # values that the code around it lets go with its end, though it does not read them
