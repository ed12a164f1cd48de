"""What a user writes on the command line, as data."""

from __future__ import annotations

import pytest

from cnnx.cli.names import load, read_arguments, read_input, read_settings, split_model_name, split_name
from cnnx.errors import CnnxError, UsageError
from cnnx.spec.library import Library


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("r=8", 8),
        ("r=-8", -8),
        ("eps=1e-3", 0.001),
        ("flag=true", True),
        ("act=relu", "relu"),
        ("c=2 * 64 + 1", 129),
        ("rates=[1,2,5]", [1, 2, 5]),
        ("rates=[ 1, [2, x], [] ]", [1, [2, "x"], []]),
        ("c=max(3, 4)", 4),
        ("act=no", "no"),  # YAML 1.2: a word
        ("n=017", 17),
        (" r = 8 ", 8),
    ],
)
def test_a_setting_is_the_languages_data(written: str, value: object) -> None:
    assert list(read_settings([written]).values()) == [value]


@pytest.mark.parametrize(
    "written",
    [
        "r",
        "=8",
        "r=",
        "r=[1,2",
        "r=9**9**9",
        "r=__import__('os')",
        "r=x.y",
        "r=" + "9" * 60,
        "r=" + "[" * 50 + "]" * 50,
        "r=" + "1+" * 10**5 + "1",
    ],
)
def test_what_is_no_setting_is_an_error_that_shows_it_in_short(written: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_settings([written])
    assert str(raised.value).startswith("--set ")
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("width=2", 2),
        ("width=2 * 32", 64),
        ("depths=[2, 2]", [2, 2]),
        ("pretrained=false", False),
        ("pretrained=False", False),
        ("weights=None", None),
        ("name=efficientnet-b0", "efficientnet-b0"),
        ("name=vit.augreg in21k", "vit.augreg in21k"),
        ("name='2'", "2"),
        ('name=""', ""),
    ],
)
def test_an_argument_of_a_model_may_be_any_text(written: str, value: object) -> None:
    assert list(read_arguments([written]).values()) == [value]
    assert split_model_name(f"nets:Net@{written}") == ("nets:Net", read_arguments([written]))


@pytest.mark.parametrize("written", ["width=1/0", "depths=[a-b]", "width=", "width"])
def test_what_is_no_argument_is_an_error(written: str) -> None:
    with pytest.raises(UsageError, match=r"^--arg "):
        read_arguments([written])


def test_nothing_is_set_twice() -> None:
    with pytest.raises(UsageError, match="`r` is set twice"):
        read_settings(["r=8", "r=4"])


@pytest.mark.parametrize(
    ("name", "bare", "settings"),
    [
        ("bottleneck", "bottleneck", {}),
        ("bottleneck@r=8", "bottleneck", {"r": 8}),
        ("bottleneck@r=8,channels=128", "bottleneck", {"r": 8, "channels": 128}),
        ("hdc@rates=[1,2,5],c=max(2, 3)", "hdc", {"rates": [1, 2, 5], "c": 3}),
        ("./me@home/mine.yaml@r=8", "./me@home/mine.yaml", {"r": 8}),
    ],
)
def test_a_name_may_bring_its_settings(name: str, bare: str, settings: dict[str, object]) -> None:
    assert split_name(name) == (bare, settings)


@pytest.mark.parametrize("name", ["@r=8", "bottleneck@", "bottleneck@r", "bottleneck@r=8,", "bottleneck@r=8,r=4"])
def test_half_a_setting_is_an_error(name: str) -> None:
    with pytest.raises(UsageError):
        split_name(name)


def test_a_file_may_have_an_at_in_its_name(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    with open("a@b.yaml", "w") as file:  # noqa: PTH123 - a plain name
        file.write("input: [3, 4, 4]\nlayers: [relu]\n")
    assert split_name("a@b.yaml") == ("a@b.yaml", {})


def test_what_a_name_sets_goes_before_what_is_set_for_all() -> None:
    library = Library()
    graph = load("bottleneck@r=8", library, {"r": 2, "channels": 128}, None).graph
    assert graph.parameters["r"] == 8
    assert graph.parameters["channels"] == 128


def test_a_parameter_that_a_spec_does_not_have_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(CnnxError) as raised:
        load("bottleneck@chanels=8", Library(), {}, None)
    assert "did you mean `channels`?" in str(raised.value)


@pytest.mark.parametrize("text", ["256x56x56", "256×56×56", "256,56,56", "256X56X56"])
def test_an_input_has_three_sizes(text: str) -> None:
    assert read_input(text) == (256, 56, 56)
    assert read_input(None) is None


@pytest.mark.parametrize(
    "text", ["", "256", "256x56", "1x2x3x4", "axbxc", "3x-1x4", "3x1.5x4", "0x4x4", "3x4x" + "9" * 30]
)
def test_any_other_input_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        read_input(text)
