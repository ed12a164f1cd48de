"""A clock in a model's forward: read wherever another of its modules begins to run, which run as they would without."""

from __future__ import annotations

from itertools import count, cycle

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from cnnx.analysis.memory.inference import Alive
from cnnx.analysis.models.parts import WHOLE
from cnnx.analysis.records import NodeTime
from cnnx.errors import UsageError
from cnnx.pytorch.foreign.clocked import ClockedForward, most_by_name, time_by_name


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        self.last = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.inner(x) + 1) * 2
        return out


def test_a_clock_is_read_wherever_another_module_begins_to_run() -> None:
    model = Nested().eval()
    forward = ClockedForward(model, [torch.zeros(1, 2)], ["inner.0", "inner.1", "last", "inner.7", WHOLE])
    assert forward.names == ("", "inner.0", "", "inner.1", "", "last", "")
    outputs, readings = forward(count().__next__)
    assert readings == list(range(8))
    assert torch.equal(outputs, model(torch.zeros(1, 2)))
    within = ClockedForward(model, [torch.zeros(1, 2)], ["inner", "inner.0"])
    assert within.names == ("", "inner", "inner.0", "inner", "")


def test_the_modules_are_called_as_before_after_a_call_that_raises() -> None:
    model = Nested().eval()
    own = vars(model.last)["_compiled_call_impl"] = model.last._call_impl  # as `Module.compile` sets it
    forward = ClockedForward(model, [torch.zeros(1, 2)], ["inner.0", "last"])
    model.last.weight = nn.Parameter(torch.zeros(5, 5))
    before = {path: dict(vars(module)) for path, module in model.named_modules()}
    with pytest.raises(RuntimeError):
        forward(count().__next__)
    assert vars(model.last)["_compiled_call_impl"] is own
    assert {path: vars(module) for path, module in model.named_modules()} == before


def test_hooks_of_the_model_run_as_before() -> None:
    model, seen = Nested().eval(), list[nn.Module]()
    model.last.register_forward_hook(lambda module, inputs, output: seen.append(module))
    forward = ClockedForward(model, [torch.zeros(1, 2)], ["inner.0", "last"])
    seen.clear()
    assert forward(count().__next__)[1] == [0, 1, 2, 3, 4, 5]
    assert seen == [model.last]


def test_hooks_that_the_model_adds_while_it_runs_run_too() -> None:
    class Listens(Nested):
        def forward(self, x: Tensor) -> Tensor:
            heard: list[Tensor] = []
            handle = self.inner.register_forward_hook(lambda module, inputs, output: heard.append(output))
            with handle:
                self.inner(x)
            out: Tensor = self.last(heard[0])
            return out

    model = Listens().eval()
    forward = ClockedForward(model, [torch.ones(1, 2)], ["inner", "last"])
    assert torch.equal(forward(count().__next__)[0], model(torch.ones(1, 2)))


def test_hooks_that_hold_for_all_modules_run_as_before() -> None:
    model, seen = Nested().eval(), list[nn.Module]()
    with register_module_forward_hook(lambda module, inputs, output: seen.append(module)):
        forward = ClockedForward(model, [torch.zeros(1, 2)], ["inner.0", "last"])
        seen.clear()
        forward(count().__next__)
    assert seen == [model.inner[0], model.inner[1], model.inner, model.last, model]


def test_a_forward_that_the_model_replaces_while_it_runs_is_the_one_that_runs() -> None:
    class Patches(Nested):
        def forward(self, x: Tensor) -> Tensor:
            plain = self.last.forward
            self.last.forward = lambda given: 2 * plain(given)  # type: ignore[assignment]
            out = super().forward(x)
            del self.last.forward
            return out

    model = Patches().eval()
    forward = ClockedForward(model, [torch.ones(1, 2)], ["inner", "last"])
    assert torch.equal(forward(count().__next__)[0], model(torch.ones(1, 2)))


def test_an_attribute_that_is_called_as_torchs_hooks_are_is_the_models_own() -> None:
    model = Nested().eval()
    model.last.register_buffer("my_hooks", torch.ones(3))
    vars(model.last)["their_hooks"] = torch.ones(3)
    assert ClockedForward(model, [torch.zeros(1, 2)], ["last"])(count().__next__)[1] == [0, 1, 2, 3]


def test_calls_that_follow_each_other_are_set_up_once() -> None:
    model = Nested().eval()
    forward = ClockedForward(model, [torch.zeros(1, 2)], ["last"])
    with forward.ready():
        ours = vars(model.last)["_compiled_call_impl"]
        assert forward(count().__next__)[1] == [0, 1, 2, 3]
        assert vars(model.last)["_compiled_call_impl"] is ours
    assert "_compiled_call_impl" not in vars(model.last)


def test_a_module_that_raises_has_run_where_its_caller_goes_on() -> None:
    class Careful(Nested):
        def forward(self, x: Tensor) -> Tensor:
            try:
                return super().forward(x)
            except RuntimeError:
                return x

    model = Careful()
    model.last = nn.Linear(5, 5)
    forward = ClockedForward(model, [torch.zeros(1, 2)], ["inner", "last"])
    assert forward.names == ("", "inner", "", "last", "")
    assert forward(count().__next__)[1] == [0, 1, 2, 3, 4, 5]


class Turns(nn.Module):
    """Takes another way in every call, as `ways` say."""

    def __init__(self, *ways: int) -> None:
        super().__init__()
        self.layer, self.ways = nn.Linear(2, 2), cycle(ways)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(next(self.ways)):
            x = self.layer(x)
        return x


def test_a_model_that_takes_another_way_each_time_is_one_part() -> None:
    forward = ClockedForward(Turns(1, 2), [torch.zeros(1, 2)], ["layer"])
    assert forward.names == ("",)
    assert forward(count().__next__)[1] == [0, 1]
    late = ClockedForward(Turns(1, 1, 2), [torch.zeros(1, 2)], ["layer"])
    with pytest.raises(UsageError, match="took another way through its modules"):
        late(count().__next__)


def test_stretches_of_one_module_are_put_together() -> None:
    assert time_by_name([NodeTime("a", 1.0), NodeTime("b", 2.0), NodeTime("a", 4.0)]) == (
        NodeTime("a", 5.0), NodeTime("b", 2.0),
    )  # fmt: skip
    assert most_by_name([Alive("a", 1), Alive("b", 2), Alive("a", 4)]) == (Alive("a", 4), Alive("b", 2))
