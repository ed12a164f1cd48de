"""Models by their names: what is found, what is called, and what is told where something is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch
from torch import nn

from cnnx.analysis.models.names import ModelInput, find_model_name
from cnnx.errors import UsageError
from cnnx.pytorch.foreign.source import ModelSource

NETS = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, width=4, *, deep=False):
            super().__init__()
            self.layer = nn.Linear(width, 3)
            self.deep = deep

        def forward(self, x):
            return self.layer(x)

    def make_net(width):
        return Net(width)

    def loud(**options):
        raise ValueError(f"no {sorted(options)}\\nand more")

    def pair():
        return Net(), "its preprocessing"

    class Zoo:
        small = Net(2)

    class Waves(nn.Module):
        def __init__(self):
            super().__init__()
            self.real = nn.Parameter(torch.ones(3, dtype=torch.float64))
            self.complex = nn.Parameter(torch.full((2, 5), 1 + 2j))

    class Unprepared(nn.Module):
        def __init__(self):
            pass

    class Cyclic(Net):
        def __init__(self):
            super().__init__()
            self.layer.above = self

    class Wordless(BaseException):
        def __str__(self):
            raise ValueError

    def wordless():
        raise Wordless

    hollow = nn.Linear(2, 2, device="meta")
    instance = Net(8).double()
    number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with a file of models; what is imported from it is forgotten afterwards."""
    (tmp_path / "nets_of_mine.py").write_text(dedent(NETS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def made(name: str, **arguments: Any) -> nn.Linear:
    """Make a model of the file, and give its one layer."""
    layer = source(name, **arguments).make().get_submodule("layer")
    assert isinstance(layer, nn.Linear)
    return layer


def source(name: str, **arguments: Any) -> ModelSource:
    found = find_model_name(name)
    assert found is not None
    return ModelSource(found, arguments)


@pytest.mark.parametrize("module", ["nets_of_mine", "nets_of_mine.py", "./nets_of_mine.py"])
def test_classes_functions_and_instances(folder: Path, module: str) -> None:
    assert made(f"{module}:Net").in_features == 4
    assert made(f"{module}:Net", width=6, deep=True).in_features == 6
    assert made(f"{module}:make_net", width=5).in_features == 5
    assert made(f"{module}:Zoo.small").in_features == 2
    assert made(f"{module}:instance").in_features == 8


def test_weights_are_of_the_dtype_and_drawn_from_the_seed(folder: Path) -> None:
    state = torch.get_rng_state()
    models = [source("nets_of_mine:Net").make(dtype="bfloat16", seed=seed) for seed in (3, 3, 4)]
    one, two, other = (model.get_parameter("layer.weight") for model in models)
    assert one.dtype is torch.bfloat16
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_complex_weights_stay_complex(folder: Path) -> None:
    for made in (
        source("nets_of_mine:Waves").make(dtype="bfloat16"),
        source("nets_of_mine:Waves").make_shell("bfloat16"),
    ):
        assert made is not None
        assert {name: weight.dtype for name, weight in made.named_parameters()} == {
            "real": torch.bfloat16, "complex": torch.complex64,
        }  # fmt: skip


def test_files_elsewhere_import_what_stands_beside_them(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "beside_it.py").write_text("WIDTH = 7")
    (folder / "sub" / "main_of_it.py").write_text(
        "import beside_it, nets_of_mine\nnet = nets_of_mine.Net(beside_it.WIDTH)"
    )
    assert made("sub/main_of_it.py:net").in_features == 7


def test_a_file_takes_no_other_modules_place(folder: Path) -> None:
    import json

    (folder / "json.py").write_text("from torch import nn\nnet = nn.Identity()")
    assert isinstance(source("json.py:net").make(), nn.Identity)
    assert sys.modules["json"] is json


def test_a_shell_has_no_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "import torch\nfrom torch import nn\ndef huge():\n    print('made')\n    return nn.Linear(10**6, 10**6)\n"
    (folder / "of_any_size.py").write_text(text)
    shell = source("of_any_size:huge").make_shell()
    assert shell is not None
    assert {weight.device.type for weight in shell.parameters()} == {"meta"}
    assert capsys.readouterr().out == ""
    assert source("nets_of_mine:instance").make_shell() is None  # it is there already
    assert source("nets_of_mine:loud").make_shell() is None  # it will be told when it is made


def test_inputs_are_drawn() -> None:
    inputs = (ModelInput((3, 4)), ModelInput((7,), "int64"), ModelInput((2,), "bool"))
    name = find_model_name("a:b")
    assert name is not None
    floats, tokens, mask = ModelSource(name, {}, inputs).draw(batch=5, dtype="float16")
    assert (floats.shape, floats.dtype, float(floats.std()) > 0.5) == ((5, 3, 4), torch.float16, True)
    assert (tokens.tolist(), tokens.dtype) == ([[0] * 7] * 5, torch.int64)
    assert (mask.tolist(), mask.dtype) == ([[True] * 2] * 5, torch.bool)
    on_meta = ModelSource(name, {}, inputs).draw(device="meta")
    assert [(each.device.type, each.dtype) for each in on_meta] == [
        ("meta", torch.float32), ("meta", torch.int64), ("meta", torch.bool),
    ]  # fmt: skip


FILES = {
    "needs_more.py": "import a_package_that_is_not_there",
    "wrong_syntax.py": "def f(:",
    "leaves.py": "import sys; sys.exit(3)",
    "divides.py": "1 / 0",
    "pkg_of_mine/__init__.py": "",
    "pkg_of_mine/models.py": "from torch import nn\nNet = nn.Identity",
}
ERRORS: list[tuple[str, dict[str, Any], str]] = [
    ("nets_of_mime:Net", {}, "there is no module `nets_of_mime` (of `nets_of_mime:Net`); did you mean `nets_of_mine`?"),
    ("pkg_of_mine.model:Net", {}, "`pkg_of_mine` has no module `model` (of `pkg_of_mine.model:Net`); did you mean `models`?"),
    ("pkg_of_mine.models.deep:Net", {}, "`pkg_of_mine.models` has no module `deep`"),
    ("zzz.yyy:Net", {}, "the current folder and the installed packages were searched; a file is named with its .py"),
    ("nets_of_mime.py:Net", {}, "there is no file nets_of_mime.py; did you mean `nets_of_mine.py`?"),
    ("needs_more:f", {}, "`needs_more` imports `a_package_that_is_not_there`, which is not installed here; install it"),
    ("needs_more.py:f", {}, "`needs_more.py` imports `a_package_that_is_not_there`, which is not installed here"),
    ("wrong_syntax:f", {}, "importing `wrong_syntax` raised SyntaxError: invalid syntax"),
    ("leaves:f", {}, "importing `leaves` raised SystemExit: 3"),
    ("divides.py:f", {}, "importing `divides.py` raised ZeroDivisionError: division by zero"),
    ("nets_of_mine:Nett", {}, "`nets_of_mine` has no `Nett`; did you mean `Net`?"),
    ("nets_of_mine:Zoo.smal", {}, "`nets_of_mine` has no `Zoo.smal`; did you mean `small`?"),
    ("nets_of_mine:make_net", {}, "`nets_of_mine:make_net` needs `width`; --arg width=… gives it"),
    ("nets_of_mine:Net", {"widht": 3}, "`nets_of_mine:Net` takes no argument `widht`; did you mean `width`?"),
    ("nets_of_mine:pair", {"x": 3}, "`nets_of_mine:pair` takes no argument `x`; it takes none"),
    ("nets_of_mine:loud", {"a": 1, "b": "c"}, "`nets_of_mine:loud(a=1, b='c')` raised ValueError: no ['a', 'b']"),
    ("nets_of_mine:number", {}, "`nets_of_mine:number` is a value of type int: no nn.Module, and no class or function"),
    ("nets_of_mine:Unprepared", {}, "gives an nn.Module whose __init__ does not call super().__init__()"),
    ("nets_of_mine:Cyclic", {}, "`nets_of_mine:Cyclic` cannot be put on `cpu` in float32: RecursionError"),
    ("nets_of_mine:hollow", {}, "`nets_of_mine:hollow` cannot be put on `cpu` in float32: NotImplementedError"),
    ("nets_of_mine:wordless", {}, "`nets_of_mine:wordless()` raised Wordless"),
    ("nets_of_mine:pair", {}, "`nets_of_mine:pair` gives a value of type tuple, not an nn.Module"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "told"), ERRORS, ids=[told[:50] for _, _, told in ERRORS])
def test_errors(folder: Path, name: str, arguments: dict[str, Any], told: str) -> None:
    (folder / "pkg_of_mine").mkdir()
    for path, text in FILES.items():
        (folder / path).write_text(text)
    with pytest.raises(UsageError) as caught:
        source(name, **arguments).make()
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ctrl_c_in_a_models_code_is_ctrl_c(folder: Path) -> None:
    (folder / "waits.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        source("waits:f").make()
