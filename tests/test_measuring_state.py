"""Everything that measuring changes is as it was afterwards, also after an error."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import torch
from torch import nn

import cnnx
from cnnx.pytorch.measuring_state import evaluation, measuring_state, no_garbage_collection, tf32, threads
from cnnx.pytorch.settings import Settings


@pytest.fixture(autouse=True)
def collector_on() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def partly_training() -> nn.Module:
    module = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm2d(2), nn.ReLU()))
    module.train()
    module[1].eval()
    return module


def flags(module: nn.Module) -> list[bool]:
    return [part.training for part in module.modules()]


def test_all_is_set_meanwhile() -> None:
    module = partly_training()
    with measuring_state([module], Settings(threads=1)):
        assert torch.get_num_threads() == 1
        assert not gc.isenabled()
        assert torch.is_inference_mode_enabled()
        assert not any(flags(module))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_all_is_restored_after_an_error(error: type[BaseException]) -> None:
    module = partly_training()
    before = (torch.get_num_threads(), gc.isenabled(), torch.is_grad_enabled(), flags(module))
    with pytest.raises(error), measuring_state([module], Settings(threads=before[0] + 1)):
        raise error
    assert (torch.get_num_threads(), gc.isenabled(), torch.is_grad_enabled(), flags(module)) == before


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    with no_garbage_collection():
        pass
    assert not gc.isenabled()


def test_threads_are_left_alone_unless_given() -> None:
    before = torch.get_num_threads()
    with threads(None):
        assert torch.get_num_threads() == before


def test_a_module_that_is_measured_twice_is_restored() -> None:
    module = partly_training()
    before = flags(module)
    with evaluation([module, module]):
        assert not any(flags(module))
    assert flags(module) == before


def test_a_built_network_writes_over_inputs_at_inference_only(tmp_path: pytest.TempPathFactory) -> None:
    network = cnnx.build(cnnx.load("mobilenetv3_bottleneck", input=(16, 8, 8)))

    def in_place() -> list[bool]:
        return [bool(getattr(part, "inplace", False)) for part in network.modules()]

    before = in_place()
    with evaluation([network]):
        assert in_place() != before
    assert in_place() == before


@pytest.mark.parametrize(("allowed", "word"), [(True, "tf32"), (False, "ieee")])
def test_tf32_is_set_and_restored(allowed: bool, word: str) -> None:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if not hasattr(matmul, "fp32_precision"):
        pytest.skip("this torch has the switches of before 2.9")
    before = (matmul.fp32_precision, cudnn.conv.fp32_precision, matmul.allow_tf32, cudnn.allow_tf32)  # type: ignore[attr-defined]
    with tf32(allowed):
        assert (matmul.fp32_precision, cudnn.conv.fp32_precision) == (word, word)  # type: ignore[attr-defined]
    assert (matmul.fp32_precision, cudnn.conv.fp32_precision, matmul.allow_tf32, cudnn.allow_tf32) == before  # type: ignore[attr-defined]


def test_tf32_by_the_switches_before_torch_2_9(monkeypatch: pytest.MonkeyPatch) -> None:
    class Matmul:
        allow_tf32 = False

    class Cudnn:
        allow_tf32 = True

    matmul, cudnn = Matmul(), Cudnn()
    monkeypatch.setattr(torch.backends.cuda, "matmul", matmul)
    monkeypatch.setattr(torch.backends, "cudnn", cudnn)
    with tf32(False):
        assert (matmul.allow_tf32, cudnn.allow_tf32) == (False, False)
    with tf32(True):
        assert (matmul.allow_tf32, cudnn.allow_tf32) == (True, True)
    assert (matmul.allow_tf32, cudnn.allow_tf32) == (False, True)
