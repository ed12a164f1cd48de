"""Memory observed on CPU: the high-water mark of live storages, and what autograd saves.

Every storage that an operation gives out is weighed when it first appears and forgotten when it is freed.
Weights and buffers are left out, the inputs counted throughout; the workspace of kernels is not seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class StorageWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's mode is untyped
    """Weighs the storages of every operation's outputs beside those `counted` throughout; a module's own are left out.

    `peak` is the most bytes that lived at once, `take` gives the same since it was called last.
    """

    def __init__(self, module: nn.Module, counted: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's mode is untyped
        self.peak = 0
        self._recent = 0
        self._alive = 0
        self._left_out = own_storages(module)
        self._bytes: dict[int, int] = {}
        for tensor in counted:
            self._add(tensor)

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        outputs = func(*args, **(kwargs or {}))
        for output in tree_leaves(outputs):
            if isinstance(output, Tensor):
                self._add(output)
        return outputs

    def _add(self, tensor: Tensor) -> None:
        storage, key = tensor.untyped_storage(), storage_key(tensor)
        if key in self._left_out or key in self._bytes:
            return
        self._bytes[key] = storage.nbytes()
        self._alive += storage.nbytes()
        self.peak = max(self.peak, self._alive)
        self._recent = max(self._recent, self._alive)
        weakref.finalize(storage, self._forget, key)

    def take(self) -> int:
        """Give the most bytes that lived at once since this was called last."""
        recent, self._recent = self._recent, self._alive
        return recent

    def _forget(self, key: int) -> None:
        self._alive -= self._bytes.pop(key)


def own_storages(module: nn.Module) -> frozenset[int]:
    """Give the keys of the storages of a module's weights and buffers."""
    return frozenset([storage_key(tensor) for tensor in (*module.parameters(), *module.buffers())])


def storage_key(tensor: Tensor) -> int:
    """Give what tells the memory of a tensor from that of others, as long as both live."""
    return int(tensor.untyped_storage()._cdata)


def observed_saved(module: nn.Module, inputs: Sequence[Tensor]) -> int:
    """Run a module once in training mode; give the bytes that autograd saved, every storage once, weights left out."""
    left_out = own_storages(module)
    saved: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        # Detached, as a result would hold what made it, and that this function: nothing of it would ever be freed.
        key, kept = storage_key(tensor), tensor.detach()
        if key not in left_out:
            saved[key] = kept
        return kept

    was_training = module.training
    module.train()
    try:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            outputs = module(*inputs)  # held, so that nothing it needs is freed
    finally:
        module.train(was_training)
    total = sum(tensor.untyped_storage().nbytes() for tensor in saved.values())
    del outputs
    return total
