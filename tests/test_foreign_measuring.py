"""Models measured: their modules by clocks in their forwards (`test_foreign_clocked.py`), their memory as predicted on meta, made once and only where needed."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import torch

import cnnx
from cnnx.analysis.memory.inference import predict_memory as predict_graph
from cnnx.analysis.memory.training import Optimizer
from cnnx.analysis.models.names import ModelInput, ModelName
from cnnx.analysis.models.parts import WHOLE, model_parts
from cnnx.errors import InputError, MemoryBudgetError, UsageError
from cnnx.pytorch.build import build, example_inputs
from cnnx.pytorch.foreign.count import count_module
from cnnx.pytorch.foreign.model import Model, count_model
from cnnx.pytorch.foreign.predicted import predict_model
from cnnx.pytorch.foreign.profiling import predict_memory, profile_model
from cnnx.pytorch.foreign.source import ModelSource
from cnnx.pytorch.foreign.training import count_model_backward, predict_model_step, train_model
from cnnx.pytorch.latency import measure_graphs
from cnnx.pytorch.settings import Settings

QUICK = Settings(rounds=2, threads=1, max_time=1.0)

MODELS = """
    import torch
    from torch import nn

    MADE = []

    class Net(nn.Module):
        def __init__(self, width=4):
            super().__init__()
            self.stem = nn.Conv2d(3, width, 3, padding=1)
            MADE.append(self.stem.weight.device.type)
            self.blocks = nn.ModuleList([nn.Conv2d(width, width, 1), nn.BatchNorm2d(width)])

        def forward(self, x):
            x = self.stem(x)
            for block in self.blocks:
                x = block(x).relu()
            return {"logits": x.mean((2, 3))}

    class Chooses(Net):
        def forward(self, x):
            return self.stem(x) if x.sum() > 1e9 else super().forward(x)

    class Numbers(Net):
        def __init__(self):
            super().__init__()
            self.rate = float(torch.ones(()))

    class Lazy(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.LazyConv2d(5, 1)

        def forward(self, x):
            return self.layer(x)

    class Raises(Net):
        def forward(self, x):
            if x.shape[0] > 1:
                raise ValueError("one at a time")
            return super().forward(x)

    class Wanders(Net):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return self.stem(x) if self.calls > 2 else super().forward(x)

    class Keeps(Net):
        kept = torch.ones(())

        def forward(self, x):
            out = self.stem(x) * self.kept
            self.kept = self.kept * 0.5
            return out

    def huge():
        return nn.Linear(10**6, 10**6)
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelSource]:
    (tmp_path / "models_to_measure.py").write_text(dedent(MODELS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield source_of("Net")
    sys.modules.pop("models_to_measure", None)


def source_of(attribute: str, *shape: int) -> ModelSource:
    return ModelSource(ModelName("models_to_measure", attribute), {}, (ModelInput(shape or (3, 6, 6)),))


def made() -> list[str]:
    found = sys.modules["models_to_measure"].MADE
    assert isinstance(found, list)
    return found


def watched(model: Model) -> list[str]:
    return [part.name for part in model_parts(model.counted)]


@pytest.mark.parametrize("name", ["bottleneck", "mobilenetv3_small", "densenet121", "shufflenetv2", "inception", "se"])
def test_memory_on_meta_is_what_the_graph_predicts(name: str) -> None:
    graph = cnnx.load(name)
    module, inputs = build(graph, device="meta"), example_inputs(graph, device="meta", batch=2)
    counted = count_module(module, *inputs)
    memory, by_module = predict_model(module, inputs, [part.name for part in model_parts(counted)], "float32", 2)
    graphs = predict_graph(graph, batch=2)
    assert memory is not None
    assert memory.peak.bytes == graphs.peak.bytes == max(alive.bytes for alive in by_module)
    assert memory.training == graphs.training


def test_a_model_is_counted_without_data_and_made_once(source: ModelSource) -> None:
    model = count_model(source)
    assert made() == ["meta"]
    predicted, _ = predict_memory(model, watched(model), QUICK)
    assert predicted is not None
    assert made() == ["meta"]
    for batch in (1, 2):
        run = profile_model(model, watched(model), Settings(rounds=2, threads=1, max_time=1.0, batch=batch))
        assert run.memory is not None
        assert run.times is not None
        assert run.memory.peak_bytes == batch * predicted.peak.bytes
        assert sorted(node.name for node in run.times.nodes) == sorted([WHOLE, "stem", "blocks.0", "blocks.1"])
    assert made() == ["meta", "cpu"]


def test_another_process_makes_it_anew(source: ModelSource) -> None:
    model = count_model(source)
    model.prepare(QUICK)
    sent = pickle.loads(pickle.dumps(model))
    assert (sent.source, sent.figures, sent.shell) == (source, model.figures, None)
    module, inputs = sent.prepare(Settings(dtype="bfloat16", batch=3, channels_last=True))
    assert made() == ["meta", "cpu", "cpu"]
    assert module.get_parameter("stem.weight").dtype is torch.bfloat16
    assert module.get_parameter("stem.weight").is_contiguous(memory_format=torch.channels_last)
    assert [tuple(each.shape) for each in inputs] == [(3, 3, 6, 6)]
    assert inputs[0].is_contiguous(memory_format=torch.channels_last)


def test_what_needs_its_numbers_is_made_on_the_cpu(source: ModelSource) -> None:
    chooses = count_model(source_of("Chooses"))
    assert made() == ["meta", "cpu"]
    assert chooses.counted.device == "cpu"
    assert predict_memory(chooses, watched(chooses), QUICK) == (None, ())
    numbers = count_model(source_of("Numbers"))
    assert numbers.counted.device == "meta"  # only its making needs numbers
    assert chooses.figures.macs == numbers.figures.macs == 36 * (3 * 4 * 9 + 4 * 4)


def test_lazy_layers_are_run_once(source: ModelSource) -> None:
    model = count_model(source_of("Lazy"))
    assert (model.figures.params, model.figures.macs) == (3 * 5 + 5, 36 * 3 * 5)
    assert profile_model(model, watched(model), QUICK).latency.median > 0
    with pytest.raises(InputError, match="cannot be run on 1×3:"):
        count_model(source_of("Lazy", 3))


def test_what_memory_cannot_hold_is_counted_and_refused_before_it_is_made(source: ModelSource) -> None:
    model = count_model(source_of("huge", 10**6))
    assert model.figures.macs == 10**12
    with pytest.raises(MemoryBudgetError, match="at least 3,725 GiB of memory are needed"):
        profile_model(model, watched(model), QUICK)


def test_errors_of_a_models_code_while_it_is_measured(source: ModelSource) -> None:
    model = count_model(source_of("Raises"))
    with pytest.raises(UsageError, match="running `models_to_measure:Raises` raised ValueError: one at a time"):
        profile_model(model, watched(model), Settings(batch=2, rounds=2, max_time=1.0))


def test_a_model_that_leaves_the_way_it_took_is_measured_as_one_part(source: ModelSource) -> None:
    model = count_model(source_of("Wanders"))
    run = profile_model(model, watched(model), QUICK)
    assert run.times is not None
    assert [each.name for each in run.times.nodes] == [WHOLE]
    assert any("takes another way through its modules at each call" in each for each in run.environment.warnings)


def test_training_is_measured_and_its_backward_counted(source: ModelSource) -> None:
    model = count_model(source)
    backward = count_model_backward(model, QUICK)
    assert backward is not None
    # The stem gives no gradient to the image; the 1×1 convolution gives both.
    assert backward.macs == 36 * 3 * 4 * 9 + 2 * 36 * 4 * 4
    run = train_model(model, Optimizer.ADAM, Settings(rounds=2, threads=1, max_time=1.0, batch=2))
    predicted, _ = predict_memory(model, watched(model), Settings(batch=2))
    assert predicted is not None
    assert run.memory.saved_bytes == predicted.training.saved_bytes
    step = predict_model_step(model, Optimizer.ADAM, Settings(batch=2))
    assert step is not None
    assert (step.saved_bytes, step.peak_bytes) == (run.memory.saved_bytes, run.memory.peak_bytes)
    assert step.optimizer.state_bytes == 2 * step.weight_bytes
    assert step.optimizer.state_bytes + step.optimizer.counter_bytes == run.memory.state_bytes


def test_what_a_model_keeps_from_inference_is_not_trained_with(source: ModelSource) -> None:
    model = count_model(source_of("Keeps"))
    profile_model(model, watched(model), QUICK)
    assert train_model(model, Optimizer.SGD, QUICK).step.rounds > 0


def test_graphs_and_models_are_measured_against_each_other(source: ModelSource) -> None:
    graph = cnnx.load("bottleneck", input=(256, 6, 6))
    measurement, _ = measure_graphs([graph, count_model(source)], QUICK)
    assert [latency.median > 0 for latency in measurement.latencies] == [True, True]
