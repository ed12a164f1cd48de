"""A counted model comes back as it was, whatever its forward does, and whatever it raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

from cnnx.errors import UsageError
from cnnx.pytorch.foreign.count import count_module


class Restless(nn.Module):
    """A model with everything that can be disturbed; its forward disturbs what it can, then does as `ending` says."""

    calls: Tensor
    passing: Tensor

    def __init__(self, ending: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Dropout(0.5))
        self.tied = nn.Linear(4, 4)
        self.same = nn.Linear(4, 4)
        self.same.weight = self.tied.weight
        self.tied.bias.requires_grad_(False)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("passing", torch.ones(2), persistent=False)
        self.loose = torch.ones(4)
        self.cache: dict[str, Tensor] = {}
        self.seen: list[Any] = ["before"]
        self.ending = ending
        self.first.eval()  # unlike the rest

    def forward(self, x: Tensor) -> Any:
        self.calls += 1
        self.cache["mean"] = x.mean()
        self.seen.append(x.shape)
        self.passing = self.passing * 2
        self.late = nn.Linear(4, 4)
        self.first.register_forward_hook(lambda module, given, made: None)
        self.first[0].train()
        noise = torch.rand(4)
        features = self.first(x).mean((2, 3)) + self.loose + noise.to(x.device)
        return self.ending(self.same(self.tied(features)))


def fail(x: Tensor) -> Any:
    raise ValueError("no more")


def choose(x: Tensor) -> Tensor:
    return x if x.sum() > 0 else -x


def picture(model: nn.Module) -> dict[str, Any]:
    """Say all that must stay: objects by identity, numbers by value."""
    return {
        "weights": [
            (name, id(weight), weight.requires_grad, weight.device) for name, weight in model.named_parameters()
        ],
        "numbers": {name: (tensor.tolist(), str(tensor.device)) for name, tensor in model.state_dict().items()},
        "modes": [(name, id(part), part.training) for name, part in model.named_modules()],
        "hooks": [len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules()],
        "buffers": [id(buffer) for buffer in model.buffers()],
        "attributes": [sorted(vars(part)) for part in model.modules()],
        "loose": (id(model.loose), model.cache, model.seen, "late" in model._modules),
        "versions": [tensor._version for tensor in (*model.parameters(), *model.buffers())],
    }


def surroundings() -> tuple[Any, ...]:
    hooks = (torch_module._global_forward_hooks, torch_module._global_forward_pre_hooks)
    return (
        torch.get_rng_state().tolist(),
        [len(each) for each in hooks],
        torch.is_grad_enabled(),
        torch.backends.mkldnn.enabled,
        torch.backends.mha.get_fastpath_enabled(),
    )


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "with others beside"])
@pytest.mark.parametrize("ending", [torch.relu, choose], ids=["on meta", "on the CPU"])
def test_a_model_comes_back(ending: Callable[[Tensor], Any], beside: bool) -> None:
    model, x = Restless(ending), torch.ones(1, 3, 6, 6)
    before, around = picture(model), surroundings()
    count_module(model, x, beside=beside)
    assert picture(model) == before
    assert surroundings() == around
    assert model.seen == ["before"]
    assert torch.equal(x, torch.ones(1, 3, 6, 6))


def test_a_model_comes_back_after_an_exception() -> None:
    model = Restless(fail)
    before, around = picture(model), surroundings()
    with pytest.raises(UsageError, match="ValueError: no more"):
        count_module(model, torch.ones(1, 3, 6, 6))
    assert picture(model) == before
    assert surroundings() == around


def test_a_model_comes_back_after_an_interruption() -> None:
    def interrupt(x: Tensor) -> Any:
        raise KeyboardInterrupt

    model = Restless(interrupt)
    before, around = picture(model), surroundings()
    with pytest.raises(KeyboardInterrupt):
        count_module(model, torch.ones(1, 3, 6, 6))
    assert picture(model) == before
    assert surroundings() == around


def test_a_model_works_as_before() -> None:
    model = Restless(torch.relu).eval()
    torch.manual_seed(3)
    expected = model(torch.ones(1, 3, 6, 6))
    model = Restless(torch.relu).eval()
    model.load_state_dict(Restless(torch.relu).state_dict())
    count_module(model, torch.ones(1, 3, 6, 6))
    torch.manual_seed(3)
    assert model(torch.ones(1, 3, 6, 6)).shape == expected.shape
    assert model.calls == 1


def test_a_module_that_raises_within_is_left_for_its_caller() -> None:
    class Careful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.risky = Restless(fail)
            self.layer = nn.Linear(3, 5)

        def forward(self, x: Tensor) -> Any:
            try:
                return self.risky(x)
            except ValueError:
                return self.layer(x.mean((2, 3))) + 1

    figures = count_module(Careful(), torch.ones(1, 3, 6, 6)).figures
    names = [node.name for node in figures.by_node]
    assert "layer" in names
    assert "add" in names  # in the model itself: the stack of paths went back


def test_gradients_that_are_there_stay() -> None:
    model = nn.Linear(3, 2)
    model(torch.ones(1, 3)).sum().backward()
    gradient = model.weight.grad
    count_module(model, torch.ones(1, 3, requires_grad=True))
    assert model.weight.grad is gradient
    assert model(torch.ones(1, 3)).requires_grad
