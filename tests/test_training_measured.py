"""Training measured: its times and memory, and a module that comes back as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

import cnnx
from cnnx.analysis.memory.training import Optimizer, predict_step
from cnnx.errors import MemoryBudgetError, UsageError
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.environment import before_measuring
from cnnx.pytorch.settings import Settings
from cnnx.pytorch.training.measuring import train_graph, train_module
from cnnx.pytorch.training.state import training_state
from cnnx.pytorch.training.step import Step, make_optimizer, state_of
from tests.conftest import Expand

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = Settings(batch=2, rounds=4, max_time=2.0)
TEXT = """
input: [4, 8, 8]
layers:
  - conv: {out: 8, kernel: 3, norm: batchnorm, act: relu}
  - dropout
  - {add: [[], [{conv: {out: 8, kernel: 1}}]]}
  - global_avgpool
  - flatten
  - linear: {out: 3}
"""


def test_a_step_is_measured_in_its_parts(expand_text: Expand) -> None:
    graph = expand_text(TEXT)
    found = train_graph(graph, Optimizer.ADAM, QUICK, command="cnnx profile")
    predicted = predict_step(graph, Optimizer.ADAM, batch=2)
    assert found.memory.peak_bytes == predicted.peak_bytes
    assert found.memory.saved_bytes == predicted.saved_bytes
    assert found.memory.state_bytes == predicted.optimizer.state_bytes + predicted.optimizer.counter_bytes
    assert not found.memory.with_workspace
    parts = (found.forward, found.backward, found.update)
    assert all(0 < part.p25 <= part.median <= part.p75 for part in parts)
    assert {part.rounds for part in parts} == {found.step.rounds}
    assert max(part.median for part in parts) < found.step.median
    assert found.environment.command == "cnnx profile"


def test_every_round_sums_its_parts(monkeypatch: pytest.MonkeyPatch, expand_text: Expand) -> None:
    graph = expand_text(TEXT)
    readings = iter(range(0, 10**12, 1_000_000))  # each reading a millisecond after the one before
    monkeypatch.setattr("cnnx.pytorch.training.measuring.node_reader", lambda settings: lambda: next(readings))
    found = train_graph(graph, Optimizer.SGD, QUICK)
    assert (found.forward.median, found.backward.median, found.update.median) == pytest.approx((1, 1, 1))
    assert found.step.median == pytest.approx(3)


def test_a_step_runs_forward_backward_and_update(expand_text: Expand) -> None:
    network = build(expand_text("input: [4, 2, 2]\nlayers: [flatten, {linear: {out: 3}}]\n"))
    (source,) = example_inputs(network.graph, batch=2)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    before = network.get_parameter("linear.bias").detach().clone()
    step = Step(network, [source], optimizer)
    step.whole()
    # The gradient of each output is 1, so that of a bias is the number of images.
    torch.testing.assert_close(network.get_parameter("linear.bias").detach(), before - 2)
    gradient = network.get_parameter("linear.weight").grad
    assert gradient is not None
    torch.testing.assert_close(gradient, source.flatten(1).sum(0).expand(3, -1))
    step.drop()
    assert all(weight.grad is None for weight in network.parameters())


@pytest.mark.parametrize("optimizer", Optimizer)
def test_optimizers_leave_the_weights(expand_text: Expand, optimizer: Optimizer) -> None:
    network = build(expand_text(TEXT))
    inputs, before = example_inputs(network.graph, batch=2), copy.deepcopy(dict(network.named_parameters()))
    changing = make_optimizer(network, optimizer)
    step = Step(network, inputs, changing)
    for _ in range(2):
        step.whole()
    for name, weight in network.named_parameters():
        assert torch.equal(weight, before[name])
    sizes = sum(weight.numel() for weight in network.parameters())
    state = sum(tensor.numel() for tensor in state_of(changing) if tensor.dim())  # without Adam's counters
    assert state == {Optimizer.SGD: 0, Optimizer.MOMENTUM: sizes, Optimizer.ADAM: 2 * sizes}[optimizer]


class Refusing(nn.Module):
    """A layer with all that a module can have, which refuses its second call."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.frozen = nn.Linear(3, 3).requires_grad_(False).eval()
        self.calls = 0

    def forward(self, source: Tensor) -> Tensor:
        self.calls += 1
        if self.calls > 1:
            raise RuntimeError("no more")
        return torch.nn.functional.dropout(self.norm(self.frozen(source)))


def test_a_module_comes_back_as_it_was_also_after_an_exception() -> None:
    module, source = Refusing().eval(), torch.randn(4, 3)
    weight = module.norm.weight
    weight.grad = torch.ones(3)
    state, threads, numbers = copy.deepcopy(module.state_dict()), torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(RuntimeError, match="no more"), torch.no_grad():
        train_module(module, [source], Optimizer.MOMENTUM, QUICK, before_measuring(QUICK, ""))
    assert all(torch.equal(tensor, state[name]) for name, tensor in module.state_dict().items())
    assert weight.grad is not None
    assert torch.equal(weight.grad, torch.ones(3))
    assert not any(part.training for part in module.modules())
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), numbers)


def test_weights_are_restored_even_where_training_ruins_them() -> None:
    module = nn.Linear(2, 2)
    before = copy.deepcopy(module.state_dict())
    with training_state(module, QUICK):
        Step(module, [torch.full((1, 2), torch.inf)], make_optimizer(module, Optimizer.SGD)).whole()
        assert module.weight.isnan().any()  # 0 times infinity
    assert torch.equal(module.weight, before["weight"])


def test_what_cannot_be_trained_on_one_image_says_so(expand_text: Expand) -> None:
    graph = expand_text("input: [4, 2, 2]\nlayers: [{conv: {out: 4, kernel: 2, padding: 0, norm: batchnorm}}]\n")
    with pytest.raises(UsageError, match="cannot train this with batch 1: Expected more than 1 value") as caught:
        train_graph(graph, Optimizer.SGD, Settings(rounds=2))
    assert caught.value.hint == "a larger --batch may do"


def test_a_step_that_cannot_fit_is_refused_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch, expand_text: Expand
) -> None:
    graph = expand_text(TEXT)
    need = predict_step(graph, Optimizer.ADAM, batch=2).bytes
    monkeypatch.setattr("cnnx.pytorch.training.measuring.available_memory", lambda settings: need - 1)
    with pytest.raises(MemoryBudgetError, match=f"a training step needs at least {need:,} bytes of memory on `cpu`"):
        train_graph(graph, Optimizer.ADAM, QUICK)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_step_on_cuda_is_within_2_percent_of_what_is_predicted() -> None:
    graph = cnnx.load("resnet18")
    settings = Settings(device="cuda", batch=32, rounds=20, max_time=10.0)
    for optimizer in Optimizer:
        found = train_graph(graph, optimizer, settings)
        predicted = predict_step(graph, optimizer, batch=32, sums_in_place=True)
        assert found.memory.with_workspace
        assert found.memory.saved_bytes == pytest.approx(predicted.saved_bytes, rel=0.02)
        assert found.memory.peak_bytes == pytest.approx(predicted.peak_bytes, rel=0.02)
        assert 0 < found.forward.median < found.step.median
