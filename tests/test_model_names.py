"""Names of models in Python, and the shapes of what they are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnx.analysis.models.names import ModelInput, ModelName, find_model_name, read_model_inputs
from cnnx.errors import UsageError


@pytest.mark.parametrize(
    ("text", "module", "attribute"),
    [
        ("torchvision.models:resnet50", "torchvision.models", "resnet50"),
        ("my_models.py:make_net", "my_models.py", "make_net"),
        ("./nets/mine.py:Net", "./nets/mine.py", "Net"),
        ("pkg.mod:Nets.small", "pkg.mod", "Nets.small"),
        ("models:Größe", "models", "Größe"),
    ],
)
def test_names_of_models(text: str, module: str, attribute: str) -> None:
    assert find_model_name(text) == ModelName(module, attribute)
    assert str(ModelName(module, attribute)) == text
    assert ModelName(module, attribute).is_file == module.endswith(".py")


@pytest.mark.parametrize(
    "text", ["resnet50", "mine.yaml", "a:", ":b", "a:b:c", "a:b-c", "a:1b", "bottleneck@r=8", r"C:\mine.yaml"]
)
def test_names_of_other_things(text: str) -> None:
    assert find_model_name(text) is None


def test_a_file_of_this_very_name_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine:spec"
    assert find_model_name(str(file)) == ModelName(str(tmp_path / "mine"), "spec")
    file.touch()
    assert find_model_name(str(file)) is None


def test_inputs() -> None:
    assert read_model_inputs(["3x224x224", "128", "int64:77", "bool:4×4", " 8*2 "]) == (
        ModelInput((3, 224, 224)),
        ModelInput((128,)),
        ModelInput((77,), "int64"),
        ModelInput((4, 4), "bool"),
        ModelInput((8, 2)),
    )
    assert [str(each) for each in read_model_inputs(["3x4", "int64:77"])] == ["3×4", "int64:77"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a model's input is a shape without the batch, such as 3x224x224, 128 or int64:77"),
        ("3x", "a model's input is a shape"),
        ("int64:", "a model's input is a shape"),
        ("x" * 500, f"--input {'x' * 59}…: a model's input"),
        ("int65:77", "no input is of `int65`; did you mean `int64`?"),
        ("float16:77", "no input is of `float16`; there are int64, int32, bool, and real numbers without a word"),
        ("0x3", "sizes are from 1 to 2,147,483,647"),
        ("9999999999", "sizes are from 1 to 2,147,483,647"),
    ],
)
def test_inputs_that_are_none(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_model_inputs([text])
    assert told in str(caught.value)
