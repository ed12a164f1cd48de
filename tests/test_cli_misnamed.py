"""Names that are half those of models in Python: what is told of each, to the letter."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.conftest import CommandLine

NETS = """
    import nothing_that_is_there
    from torch import nn

    def make_net(width=2):
        return Net(width)

    class Settings:
        pass

    class Net(nn.Module):
        pass

    def _hidden():
        pass
"""
BEHIND = "behind the colon stands a class, a function that makes a model, or an instance"
NAMED = "write nets:Net or nets:Settings or nets:make_net"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nets.py").write_text(dedent(NETS))
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pkg" / "mod.py").write_text("def tiny():\n    pass\n")
    (tmp_path / "broken.py").write_text("def (\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", [("profile",), ("compare", "--static"), ("check", "--max-params", "1M")])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nets:", f"`nets:` names a module and no model in it; {NAMED}"),
        ("nets:@width=3", f"`nets:` names a module and no model in it; {NAMED}"),
        ("pkg.mod:", "`pkg.mod:` names a module and no model in it; write pkg.mod:tiny"),
        ("other:", f"`other:` names a module and no model in it; write other:NAME; {BEHIND}"),
        ("broken:", f"`broken:` names a module and no model in it; write broken:NAME; {BEHIND}"),
        (":Net", "`:Net` names no module before the colon; write nets.py:Net"),
        (
            ":Other",
            "`:Other` names no module before the colon; "
            "write MODULE:Other, such as torchvision.models:resnet50 or nets.py:Net",
        ),
        ("nets:1a", f"`nets:1a`: `1a` is no name in Python; {NAMED}"),
        ("nets::Net", "`nets::Net` has more than one colon; write nets:Net"),
        ("nets", f"no spec is named `nets`; {NAMED}"),
        ("pkg.mod", "no spec is named `pkg.mod`; write pkg.mod:tiny"),
        ("pkg", f"no spec is named `pkg`; write pkg:NAME; {BEHIND}"),
        ("nets.py", f"`nets.py` is a Python file and names no model in it; {NAMED.replace('nets:', 'nets.py:')}"),
        ("./pkg/mod.py", "`./pkg/mod.py` is a Python file and names no model in it; write ./pkg/mod.py:tiny"),
        ("mets.py", "there is no file mets.py; did you mean `nets.py`?"),
        ("something_else.py", f"there is no file something_else.py; write something_else.py:NAME; {BEHIND}"),
        ("nets.Net", "no spec is named `nets.Net`; the model `Net` of the module `nets` is named nets:Net"),
        (
            "torchvision.models.resnet50",
            "no spec is named `torchvision.models.resnet50`; the model `resnet50` of the module `torchvision.models` is "
            "named torchvision.models:resnet50",
        ),
        ("resnet50:", "`resnet50:` has a colon and nothing behind it; the spec is named `resnet50`"),
        (":resnet50", "`:resnet50` has a colon and nothing before it; the spec is named `resnet50`"),
        ("mine.yaml:", "`mine.yaml:` has a colon and nothing behind it; the spec is named `mine.yaml`"),
    ],
)
def test_half_a_name_is_told_with_the_nearest_that_would_do(
    command: tuple[str, ...], name: str, told: str, command_line: CommandLine
) -> None:
    answer = command_line(command[0], name, *command[1:])
    assert (answer.code, answer.out, answer.err) == (2, "", f"error: {told}\n")


def test_a_spec_may_be_named_as_a_python_file_beside_it_is(folder: Path, command_line: CommandLine) -> None:
    (folder / "bottleneck.py").write_text("class Net:\n    pass\n")
    assert command_line("compare", "bottleneck", "--static").code == 0
    (folder / "a:b").write_text("title: A\ninput: [3, 4, 4]\nlayers: [relu]\n")
    assert "the file is named ./a:b" in command_line("compare", "a:b", "--static").err


def test_where_no_models_are_taken_python_is_told_of(command_line: CommandLine) -> None:
    assert "`cnnx profile`, `compare` and `check` take models in Python" in command_line("show", "nets.py").err
