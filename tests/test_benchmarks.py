"""What the benchmarks hold against each other, and that static cost grows with the layers and not faster."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES, main
from benchmarks.built_against_handwritten import NETWORK, check_equal, written_with
from benchmarks.linear import SHAPES, SPEC, static_seconds
from benchmarks.noise import LAYERS
from benchmarks.noise import SPEC as CHAIN
from benchmarks.row import at_least, at_most
from cnnx import load
from cnnx.pytorch.latency import prepare
from cnnx.pytorch.settings import Settings
from cnnx.spec.library import Library

FEW, MANY = 400, 4_000
# Ten times the work took 8 to 12 times as long in all runs; work that grows with the square takes a hundred times.
GENEROUS = 30


def test_the_network_written_by_hand_is_the_built_one() -> None:
    built, inputs = prepare(load(NETWORK, input=(3, 32, 32)), Settings(threads=1))
    written = written_with(built)
    check_equal(built, written, inputs)
    next(built.parameters()).data.zero_()
    with pytest.raises(ValueError, match="different outputs"):
        check_equal(built, written, inputs)


@pytest.mark.parametrize("shape", SHAPES)
def test_static_cost_is_linear(shape: str, tmp_path: Path) -> None:
    nodes, layers = SHAPES[shape]
    (tmp_path / "shape.yaml").write_text(SPEC.format(layers=layers), encoding="utf-8")
    library = Library([tmp_path])
    target = library.open("shape")
    few, many = static_seconds(target, library, FEW // nodes, MANY // nodes, runs=3)
    assert many <= GENEROUS * few


def test_a_tenth_more_layers_is_a_tenth_more_work(tmp_path: Path) -> None:
    path = tmp_path / "chain.yaml"
    path.write_text(CHAIN, encoding="utf-8")
    assert [len(load(str(path), layers=layers)) for layers in (LAYERS, LAYERS + 1, LAYERS + 2)] == [20, 21, 22]


def test_a_promise_is_kept_or_not() -> None:
    assert at_most("one", 0.5, "other", 1.0, 0.5).kept
    assert not at_most("one", 0.6, "other", 1.0, 0.5).kept
    assert at_least("one", 0.5, "other", 20.0, 40).kept
    assert not at_least("one", 0.6, "other", 20.0, 40).kept
    assert "NOT KEPT" in str(at_most("one", 0.6, "other", 1.0, 0.5))


def test_every_benchmark_has_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert all(callable(import_module(f"benchmarks.{name}").rows) for name in NAMES)
    assert main(["nois"]) == 2
    assert "no benchmark is named nois; there are processes, static_figures" in capsys.readouterr().err
