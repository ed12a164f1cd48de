"""Keeping torch's compiler away from what is never compiled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_SWITCHED_OFF = "__dynamo_disable"


@contextmanager
def compiler_left_alone(mode: object) -> Iterator[None]:
    """Keep torch from importing its compiler for a dispatch mode, which takes as long as importing torch.

    torch wraps the handler of every dispatch mode so that it is never compiled, and keeps what the compiler made of
    it in this attribute (2.13, `torch/_compile.py`). Nothing is compiled here, so the handler itself will do. Where
    torch does not look there, the import comes back and the counts are the same.
    """
    handler = getattr(getattr(mode, "__torch_dispatch__", None), "__wrapped__", None)
    if handler is None or hasattr(handler, _SWITCHED_OFF):
        yield
        return
    setattr(handler, _SWITCHED_OFF, handler)
    try:
        yield
    finally:
        delattr(handler, _SWITCHED_OFF)
