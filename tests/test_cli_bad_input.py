"""Bad input, as a user comes by it: one clear error at its place, exit code 2, nothing answered and nothing written.

Each row is a command run in a folder of its own. What bad input may cost is in `test_cli_bad_input_cost.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnx.spec.library import Library
from tests.conftest import CommandLine

HEAD = "parameters: {c: 64}\ninput: [c, 8, 8]\nlayers:\n"

SPECS = [  # (what, what stands beneath HEAD, place, message)
    ("YAML syntax", "- conv: {out: c\n", "5:1", "not valid YAML: did not find expected ',' or '}'"),
    ("an alias", "- conv: &a {out: c, kernel: 1}\n- conv: *a\n", "4:9", "an anchor (&a); specs have no aliases"),
    ("a merge key", "- conv: {<<: {kernel: 1}, out: c}\n", "4:10", "a merge key (<<); write the entries out"),
    ("a tag", "- conv: {out: !!int 3, kernel: 1}\n", "4:15", "a tag (tag:yaml.org,2002:int); specs have none"),
    ("Python by a tag", "- !!python/object/apply:os.system [touch hacked]\n", "4:3", "a tag (tag:yaml.org,2002:python/object/apply:os.system)"),
    ("a duplicate key", "- conv: {out: c, out: c, kernel: 1}\n", "4:18", "`out` is written twice; first in line 4"),
    ("an unknown key", "- conv: {out: c, kernal: 1}\n", "4:18", "unknown key `kernal` in `conv`"),
    ("a wrong type", "- conv: {out: [c], kernel: 1}\n", "4:15", "out: [`c`] is a list; an integer is needed here"),
    ("a missing key", "- conv: {out: c}\n", "4:3", "`conv` needs `kernel`"),
    ("a call", "- conv: {out: open(c), kernel: 1}\n", "4:15", "out: `open(c)`: there is no function `open`"),
    ("an import", "- conv: {out: __import__('os'), kernel: 1}\n", "4:15", "out: `__import__('os')`: there is no function `__import__`"),
    ("an attribute", "- conv: {out: c.__class__, kernel: 1}\n", "4:15", "out: `c.__class__`: an attribute (`.`) is not part of the language"),
    ("an unknown name", "- conv: {out: chanels, kernel: 1}\n", "4:15", "unknown name `chanels`"),
    ("a division by zero", "- conv: {out: c // (c - 64), kernel: 1}\n", "4:15", "`c // (c - 64)`: division by zero"),
    ("10⁵ characters", f"- conv: {{out: {'1+' * 50_000}1, kernel: 1}}\n", "4:15", "out: an expression of 100001 characters; at most 1000 are read"),
    ("a tower of powers", "- conv: {out: 9**9**9, kernel: 1}\n", "4:15", "`9**9**9`: an exponent of 387420489; at most 64"),
    ("groups", "- conv: {out: c, kernel: 1, groups: 3}\n", "4:37", "groups=3 does not divide in_channels=64"),
    ("a kernel", "- conv: {out: c, kernel: 9, padding: 0}\n", "4:26", "a kernel that reaches over 9 does not fit into the height of 8"),
    ("a zero", "- conv: {out: 0, kernel: 1}\n", "4:15", "out: 0 is too small; at least 1 is needed here"),
    ("a negative size", "- conv: {out: c, kernel: -1}\n", "4:26", "kernel: -1 is too small; at least 1 is needed here"),
    ("a computed zero", "- conv: {out: c // 100, kernel: 1}\n", "4:15", "`c // 100`: 0 is too small; at least 1 is needed here"),
    ("a boolean", "- conv: {out: true, kernel: 1}\n", "4:15", "out: true is a boolean; an integer is needed here"),
    ("NaN", "- conv: {out: .nan, kernel: 1}\n", "4:15", "out: nan is not an integer"),
    ("32.0", "- conv: {out: 32.0, kernel: 1}\n", "4:15", "out: 32.0 is not an integer; write an integer, or use // to divide"),
    ("a spec that calls itself", "- mine\n", "4:3", "a spec that calls itself: mine → mine"),
    ("a loop of 10⁹", "- repeat: {times: 1000000000, layers: [relu]}\n", "4:19", "a loop of 1000000000; at most 100000 steps are taken"),
    ("a name with markup", "- '[/x]'\n", "4:3", "unknown operation or spec `[/x]`"),
    ("a name with an escape code", '- "\\e[31mred"\n', "4:3", "unknown operation or spec `\\x1b[31mred`"),
    ("a name with a line's end", '- "a\\nb"\n', "4:3", "unknown operation or spec `a\\nb`"),
    ("a name that leads out", "- ../../etc/passwd\n", "4:3", "unknown operation or spec `../../etc/passwd`"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", [("compare", "--static", "-o", "answer.json"), ("show",), ("explain",)])
@pytest.mark.parametrize(("steps", "place", "message"), [row[1:] for row in SPECS], ids=[row[0] for row in SPECS])
def test_a_bad_spec_is_one_error_at_its_place(
    steps: str, place: str, message: str, command: tuple[str, ...], folder: Path, command_line: CommandLine
) -> None:
    (folder / "mine.yaml").write_text(HEAD + steps, "utf-8")
    answer = command_line(*command, "./mine.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: mine.yaml:{place}: {message}")
    assert answer.err.count("error: ") == 1
    assert answer.err.replace("\n", "").isprintable()
    assert [path.name for path in folder.iterdir()] == ["mine.yaml"]


def test_branches_whose_shapes_do_not_match_are_told_with_both(folder: Path, command_line: CommandLine) -> None:
    text = "- add:\n    left: {conv: {out: 32, kernel: 1}}\n    right: {conv: {out: c, kernel: 3, stride: 2}}\n"
    (folder / "mine.yaml").write_text(HEAD + text, "utf-8")
    answer = command_line("show", "./mine.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: mine.yaml:4:")
    assert "32×8×8" in answer.err
    assert "64×4×4" in answer.err


def test_specs_that_call_each_other_are_told_with_the_cycle(folder: Path, command_line: CommandLine) -> None:
    (folder / "configs").mkdir()
    for name, other in (("one", "two"), ("two", "three"), ("three", "one")):
        (folder / f"configs/{name}.yaml").write_text(f"input: [8, 4, 4]\nlayers: [{other}]\n", "utf-8")
    answer = command_line("show", "one")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: configs/three.yaml:2:10: a spec that calls itself: one → two → three → one\n")


def test_several_errors_are_told_at_once(folder: Path, command_line: CommandLine) -> None:
    (folder / "mine.yaml").write_text(f"{HEAD}- conv: {{out: 0, kernel: 1}}\n- reul\n- conv: {{out: c}}\n", "utf-8")
    answer = command_line("show", "./mine.yaml")
    assert (answer.code, answer.out) == (2, "")
    told = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert [line.split(": ")[1] for line in told] == ["mine.yaml:4:15", "mine.yaml:5:3", "mine.yaml:6:3"]


def test_very_many_errors_are_not_all_told(folder: Path, command_line: CommandLine) -> None:
    (folder / "mine.yaml").write_text(HEAD + "- reul\n" * 1_000, "utf-8")
    answer = command_line("validate", "mine.yaml")
    assert answer.code == 2
    told = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert told[0] == "error: mine.yaml: 100 errors or more; the first are told"
    assert told[1].startswith("error: mine.yaml:4:3: ")
    assert len(told) == 101


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "mine.yaml: no such file"),
        ("folder", "mine.yaml: a folder, not a spec"),
        (b"input: [1, 8, 8]\ntitle: caf\xe9\n", "mine.yaml:2:1: not UTF-8: byte 0xe9"),
        ("input: [1, 8, 8]\n".encode("utf-16"), "mine.yaml:1:1: not UTF-8: byte 0xff"),
        (b"", "mine.yaml: the file is empty; a spec has `input` and `layers`"),
        (b"\0\0\0", "mine.yaml:1:1: not valid YAML: control characters are not allowed"),
        (b"a: " + b"[" * 1_000_000, "mine.yaml:1:35: nested more than 32 levels deep"),
        (b"#" * 100_000_000, "mine.yaml: 100000000 bytes; a spec has at most 1048576 (1 MiB)"),
    ],
    ids=["missing", "a folder", "not UTF-8", "UTF-16", "empty", "binary", "10⁶ levels", "100 MB"],
)
def test_a_file_that_holds_no_spec(
    content: bytes | str | None, told: str, folder: Path, command_line: CommandLine
) -> None:
    if content == "folder":
        (folder / "mine.yaml").mkdir()
    elif isinstance(content, bytes):
        (folder / "mine.yaml").write_bytes(content)
    answer = command_line("show", "./mine.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {told}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["botleneck"], "no spec is named `botleneck`; did you mean `bottleneck`?"),
        (["mobilenetv3_larg"], "no spec is named `mobilenetv3_larg`; did you mean `mobilenetv3_large`?"),
        (["[bold]x[/x]"], "[bold]x[/x]: no such file"),
        (["a\x1b[31mb"], r"no spec is named `a\x1b[31mb`; `cnnx list` shows every name"),
        (["a\nb"], r"no spec is named `a\nb`; `cnnx list` shows every name"),
        (["../../../etc/passwd"], "../../../etc/passwd"),
        (["a\0b.yaml"], r"a\x00b.yaml: no such file"),
        (["\udcff.yaml"], r"\udcff.yaml: no such file"),
        (["bottleneck", "--set", "R=8"], "`bottleneck` has no parameter `R`; did you mean `r`?"),
        (["bottleneck", "--set", "width=8"], "`bottleneck` has no parameter `width`; it has channels, r, bias"),
        (["bottleneck", "--set", "r"], "--set r: a setting is written k=v, such as r=8"),
        (["bottleneck", "--set", "r=2**10**9"], "--set r=2**10**9: `2**10**9`: an exponent of "),
        (["bottleneck@r=8,r=4"], "bottleneck@r=4: `r` is set twice"),
        (["bottleneck", "--input", "256x56"], "--input 256x56: an input is channels, height and width, such as 256x56x56"),
        (["bottleneck", "--input", "0x8x8"], "an input is channels×height×width, such as 256x56x56: 0 is too small"),
        (["bottleneck", "--input", "-1x8x8"], "--input -1x8x8: an input is channels, height and width"),
        (["bottleneck", "--input", "1e9x8x8"], "--input 1e9x8x8: an input is channels, height and width"),
        (["bottleneck", "--input", "x" * 10_000], f"--input {'x' * 59}…: an input is channels, height and width"),
    ],
)  # fmt: skip
def test_a_bad_name_setting_or_input(arguments: list[str], told: str, folder: Path, command_line: CommandLine) -> None:
    answer = command_line("show", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {told}")
    assert answer.err.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_a_broken_neighbour_hinders_nothing(folder: Path, command_line: CommandLine) -> None:
    (folder / "configs").mkdir()
    for name, content in {
        "broken": b"input: [8, 4\n", "latin": b"title: caf\xe9\n", "deep": b"a: " + b"[" * 100_000,
        "big": b"# variants: bottleneck:\n" * 100_000, "cycle": b"input: [8, 4, 4]\nlayers: [cycle]\n",
        "variants": b"variants: {mine: [, bottleneck: 3}\n", "conv": b"input: [8, 4, 4]\nlayers: [relu]\n",
    }.items():  # fmt: skip
        (folder / f"configs/{name}.yaml").write_bytes(content)
    (folder / "configs/loop.yaml").symlink_to("loop.yaml")
    (folder / "configs/mine.yaml").write_text("input: [8, 4, 4]\nlayers: [relu]\n", "utf-8")
    for name in ("bottleneck", "mine", "mobilenetv3_small"):
        answer = command_line("compare", name, "--static")
        assert (answer.code, answer.err) == (0, "")
    told = "\n".join(Library([Path("configs")]).problems())  # `list` warns of them
    for name in ("broken", "latin", "deep", "big", "variants", "conv", "loop"):
        assert f"configs/{name}.yaml:" in told
    assert "configs/mine.yaml" not in told


@pytest.mark.parametrize("command", ["compare", "profile"])
@pytest.mark.parametrize(
    ("build", "visible", "driver", "cause"),
    [
        (None, None, True, "was built without CUDA; install a CUDA build of torch, or measure on `cpu`"),
        ("12.8", None, False, "no NVIDIA driver is loaded"),
        ("12.8", None, True, "the NVIDIA driver shows no GPU"),
        ("12.8", "", True, "no GPU is visible (CUDA_VISIBLE_DEVICES=''); unset CUDA_VISIBLE_DEVICES"),
    ],
    ids=["build", "driver", "no GPU", "hidden"],
)
def test_a_missing_gpu_is_told_with_the_cause(
    build: str | None, visible: str | None, driver: bool, cause: str, command: str,
    folder: Path, monkeypatch: pytest.MonkeyPatch, command_line: CommandLine,
) -> None:  # fmt: skip
    import torch

    monkeypatch.setattr(torch.version, "cuda", build)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("cnnx.pytorch.devices._DRIVER_FILE", folder if driver else folder / "none")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    answer = command_line(command, "bottleneck", "--device", "cuda", "-o", "answer.json")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("error: `cuda` cannot be used: ")
    assert cause in answer.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", ["compare", "profile"])
def test_what_is_larger_than_the_memory_is_refused_before_it_is_built(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, command_line: CommandLine
) -> None:
    import torch

    monkeypatch.setattr(torch.nn.Conv2d, "__init__", lambda *arguments, **options: pytest.fail("it was built"))
    answer = command_line(command, "plain3x3", "--input", "256x200000x200000", "-o", "answer.json")
    assert (answer.code, answer.out) == (2, "")
    # The input and the output of the one convolution: 2·256·200,000² numbers of 4 bytes are 76,293.9 GiB.
    assert "76,29" in answer.err
    assert "GiB" in answer.err
    assert list(folder.iterdir()) == []
