"""`cnnx doctor`: it tells what is there and what is not, and never fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cnnx.analysis.diagnosis import Ability, Device, TorchBuild
from cnnx.cli.app import run
from cnnx.errors import DeviceError
from cnnx.pytorch import diagnosis
from cnnx.version import __version__


def test_it_tells_what_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    told = capsys.readouterr().out
    for section in ("machine", "packages", "devices", "specs", "what works here"):
        assert f"\n{section}\n" in f"\n{told}"
    assert f"{__version__}, Python" in told
    assert "yes  latency on cpu" in told


def test_json_has_it_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "cnnx/1"
    assert found["torch"]["devices"][0]["name"] == "cpu"
    assert {"what": "latency on cpu", "works": True, "why_not": ""} in found["abilities"]
    assert found["available_bytes"] > 0
    assert sum(folder["files"] for folder in found["folders"]) > 50


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("csv", "what works here,latency on cpu,,true"),
        ("md", "| what works here | latency on cpu | | yes |"),
        ("latex", r"what works here & latency on cpu & & yes \\"),
    ],
)
def test_every_format_has_a_row_for_each_thing(form: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--format", form]) == 0
    assert line in [" ".join(row.split()) for row in capsys.readouterr().out.splitlines()]


def test_without_torch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # `import torch` then raises ImportError
    assert run(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "torch cannot be imported" in told
    assert "no   latency" in told
    assert "yes  static figures" in told


def test_why_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise DeviceError(f"`{name}` cannot be used: no NVIDIA driver is loaded")

    monkeypatch.setattr(diagnosis, "check_device", refuse)
    assert diagnosis.diagnose_torch().devices[1] == Device("cuda", False, "no NVIDIA driver is loaded")


def test_hidden_and_broken_specs_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.yaml").write_text("input: [8, 4, 4]\nlayers: [conf]\n", encoding="utf-8")
    (tmp_path / "bottleneck.yaml").write_text("input: [8, 4, 4]\nlayers: [relu]\n", encoding="utf-8")
    monkeypatch.setenv("CNNX_CONFIGS", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert run(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "broken.yaml:2:10: unknown operation or spec `conf`" in told
    assert "hides" in told


def test_what_a_missing_package_costs() -> None:
    from cnnx.analysis.diagnosis import Diagnosis, Package
    from cnnx.analysis.environment import static_environment

    torch = TorchBuild("2.6", None, 2, (Device("cpu", True, "AVX2"),))
    packages = (Package("torch", "2.6", ""), Package("fvcore", None, ""))
    found = Diagnosis(static_environment("cnnx doctor"), torch, packages, None, (), 0, ())
    assert Ability("cross-check by fvcore", False, "fvcore not installed") in found.abilities
    assert Ability("latency on cpu", True) in found.abilities
