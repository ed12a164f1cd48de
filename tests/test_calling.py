"""Ways of calling a module: eager, compiled, as a recorded CUDA graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from cnnx.errors import UsageError
from cnnx.pytorch.calling import check_calling, prepare_call
from cnnx.pytorch.settings import Settings


class Counting(nn.Module):
    """Counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, source: Tensor) -> Tensor:
        self.calls += 1
        return source + self.calls


SOURCE = torch.zeros(2)


def test_an_eager_call_is_the_modules_own() -> None:
    module = Counting()
    prepared = prepare_call(module, (SOURCE,), Settings())
    assert (module.calls, prepared.seconds) == (0, 0.0)  # there is nothing to prepare
    result = prepared.call()
    assert isinstance(result, Tensor)
    assert result.tolist() == [1.0, 1.0]


def test_what_the_compiler_says_reaches_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.exc import TorchDynamoException

    def fails(*arguments: object) -> None:
        raise TorchDynamoException("InvalidCxxCompiler: no compiler\n\nSet TORCHDYNAMO_VERBOSE=1 for more")

    monkeypatch.setattr(torch, "compile", lambda module, dynamic: fails)
    monkeypatch.setenv("CXX", "sh")  # something that is there
    with pytest.raises(UsageError, match=r"torch cannot compile this for `cpu`: InvalidCxxCompiler: no compiler$"):
        prepare_call(Counting(), (SOURCE,), Settings(compile=True))


def test_a_compiled_call_is_what_the_compiler_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda module, dynamic: lambda source: module(source) * 10)
    monkeypatch.setenv("CXX", "sh")
    prepared = prepare_call(Counting(), (SOURCE,), Settings(compile=True))
    assert prepared.seconds > 0
    result = prepared.call()
    assert isinstance(result, Tensor)
    assert result.tolist() == [20.0, 20.0]


@pytest.mark.parametrize("named", ["", "no-such-compiler"])
def test_a_compiler_is_needed_on_a_cpu(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", named)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="needs a C\\+\\+ compiler for `cpu`") as caught:
        check_calling(Settings(compile=True))
    assert "measure without compiling" in caught.value.hint
    check_calling(Settings())
    check_calling(Settings(device="cuda", compile=True))


class Recorder:
    """Stands for the parts of `torch.cuda` that record a graph, and notes what is asked of them."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.recording = False

    def wait_stream(self, other: object) -> None:
        self.done.append("wait")

    def replay(self) -> None:
        self.done.append("replay")

    @contextmanager
    def stream(self, stream: object) -> Iterator[None]:
        self.done.append("beside")
        yield

    @contextmanager
    def graph(self, graph: object) -> Iterator[None]:
        self.done.append("record")
        yield
        self.done.append("recorded")


def test_a_cuda_graph_is_recorded_after_a_few_calls_and_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, module = Recorder(), Counting()
    monkeypatch.setattr(torch.cuda, "Stream", lambda: recorder)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: recorder)
    monkeypatch.setattr(torch.cuda, "stream", recorder.stream)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: recorder)
    monkeypatch.setattr(torch.cuda, "graph", recorder.graph)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: recorder.done.append("synchronize"))
    call = prepare_call(module, (SOURCE,), Settings(device="cuda", cuda_graph=True)).call
    assert recorder.done == ["wait", "beside", "wait", "record", "recorded", "synchronize"]
    assert module.calls == 3 + 1  # beside, and recorded
    result = call()
    assert (module.calls, recorder.done[-1]) == (4, "replay")  # a replay calls nothing
    assert isinstance(result, Tensor)
    assert result.tolist() == [4.0, 4.0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler imports what torch itself deprecates
def test_a_really_compiled_module_computes_the_same() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    source = torch.randn(1, 3, 8, 8)
    with torch.inference_mode():
        result = prepare_call(module, (source,), Settings(compile=True)).call()
        torch.testing.assert_close(result, module(source))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("settings", [Settings(device="cuda", cuda_graph=True), Settings(device="cuda", compile=True, cuda_graph=True)])  # fmt: skip
def test_a_graph_on_a_gpu_computes_the_same(settings: Settings) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval().cuda()
    source = torch.randn(1, 3, 8, 8, device="cuda")
    with torch.inference_mode():
        result = prepare_call(module, (source,), settings).call()
        torch.testing.assert_close(result, module(source))
