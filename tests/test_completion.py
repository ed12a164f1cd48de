"""Shell completion, through the environment variables by which a shell asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnx.cli.app import make_app
from cnnx.cli.completion import VARIABLE, answer


def _bash(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Ask as bash does, with the words that it divides at @, = and :, the last of them incomplete."""
    monkeypatch.setenv("COMP_WORDS", "\n".join(("cnnx", *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    monkeypatch.setenv(VARIABLE, "complete_bash")
    assert answer(make_app()) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("sho",), ["show"]),
        (("show", "bottlen"), ["bottleneck"]),
        (("show", "resnet10"), ["resnet101", "resnet101_v2", "resnet101_v2_keras"]),  # variants of families
        (("compare", "bottleneck", "plain3"), ["plain3x3"]),
        (("verify", "mobilenetv3_l"), ["mobilenetv3_large", "mobilenetv3_large_minimal"]),
        (("compare", "bottleneck", "@", "r"), ["@r="]),  # bash keeps what stands before the @
        (("compare", "bottleneck", "@"), ["@channels=", "@r="]),
        (("compare", "bottleneck", "@", "r", "=", "8,cha"), ["8,channels="]),
        (("show", "bottleneck", "--set", "cha"), ["channels=", "channels=256"]),
        (("show", "bottleneck", "--set", "r", "="), ["4"]),  # the default
        (("show", "bottleneck", "--set", "bi"), ["bias=", "bias=true", "bias=false"]),
        (("show", "hdc", "--set", "rates", "="), ["[1,2,5]"]),
        (("show", "resnext_grouped", "--set", "ca"), ["cardinality=", "cardinality=32"]),
        (("show", "resnet101", "--set", "dep"), ["depths=", "depths=[3,4,23,3]"]),  # the variant's
        (("explain", "plain3x3", "fire", "--set", "sq"), ["squeeze=", "squeeze=16"]),
        (("compare", "bottleneck", "--columns", "params,ma"), ["params,macs"]),
        (("compare", "bottleneck", "--columns", "peak"), ["peak_inference_bytes"]),
        (("compare", "bottleneck", "--columns", "+to"), ["+top1", "+top5"]),
        (("compare", "bottleneck", "--columns", "+top1,-fl"), ["+top1,-flops"]),
        (("compare", "bottleneck", "--sort", "lat"), ["latency"]),
        (("compare", "bottleneck", "--sort", "-ma"), ["-macs"]),  # the largest first
        (("compare", "bottleneck", "--sort", "=", "-ma"), ["-macs"]),
        (("compare", "bottleneck", "--columns", "-ma"), ["-macs"]),
        (("explain", "bottleneck", "--figure", "ac"), ["access"]),
        (("compare", "bottleneck", "--device", "=", "cp"), ["cpu"]),
        (("profile", "bottleneck", "--device", "=", "cpu,a"), ["cpu,auto"]),
        (("compare", "bottleneck", "--dtype", "b"), ["bfloat16"]),
        (("compare", "bottleneck", "--convention", "fv"), ["fvcore"]),
        (("compare", "bottleneck", "--format", "la"), ["latex"]),
        (("check", "bottleneck", "--annotate", ""), ["github"]),
        (("check", "bottleneck", "--set", "cha"), ["channels="]),
        (("show", "./conf"), []),  # a path is the shell's
        (("show", "no_such_name"), []),
        (("show", "no_such_name", "@"), []),
    ],
    ids=" ".join,
)
def test_bash(
    words: tuple[str, ...], offered: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [found for found in _bash(monkeypatch, capsys, *words) if found in offered] == offered
    if not offered:
        assert _bash(monkeypatch, capsys, *words) == []


def test_a_name_that_is_given_is_offered_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _bash(monkeypatch, capsys, "compare", "bottleneck", "@", "r", "=", "8,")
    assert "8,channels=" in found
    assert "8,r=" not in found


def test_fish(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "cnnx compare bottleneck@r=8,cha")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv(VARIABLE, "complete_fish")
    assert answer(make_app()) == 0
    assert capsys.readouterr().out.splitlines() == [
        "bottleneck@r=8,channels=",  # so that no blank comes behind it
        "bottleneck@r=8,channels=256",
    ]


def test_a_broken_spec_hinders_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "bottlebroken.yaml").write_text("variants: {bottle\nparameters: [", encoding="utf-8")
    monkeypatch.setenv("CNNX_CONFIGS", str(tmp_path))
    assert _bash(monkeypatch, capsys, "show", "bottl") == ["bottlebroken", "bottleneck", "bottleneck_s0"]
    assert _bash(monkeypatch, capsys, "show", "bottlebroken", "@") == []


def test_the_script_can_be_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(VARIABLE, "source_bash")
    assert answer(make_app()) == 0
    assert "complete -o default -F _cnnx_completion cnnx" in capsys.readouterr().out
