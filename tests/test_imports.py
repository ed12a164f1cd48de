"""Static answers come without torch, fvcore, sympy and matplotlib; help comes without almost everything."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "torchvision", "fvcore", "sympy", "matplotlib"}
STATIC = [
    ["list"],
    ["list", "plain*", "--json"],
    ["show", "mobilenetv3", "--expand"],
    ["show", "bottleneck", "--json"],
    ["show", "bottleneck", "--yaml"],
    ["compare", "bottleneck", "plain3x3", "--static"],
    ["compare", "bottleneck", "--static", "--json"],
    ["compare", "bottleneck", "--static", "--device", "cuda", "--dtype", "float16"],
    ["validate", "configs/blocks/bottleneck.yaml"],
    ["check", "mobilenetv3", "--max-params", "5M", "--annotate", "github"],
    ["show", "no_such_spec"],
    ["compare", "bottleneck", "--input", "nonsense"],
    ["profile", "no_such_spec"],
]


def modules_after(code: str) -> set[str]:
    """Run a program of one's own and give the top-level packages that it imported."""
    told = "import json, sys; sys.stderr.write(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{told}"], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", STATIC, ids=" ".join)
def test_a_static_command_imports_nothing_heavy(arguments: list[str]) -> None:
    imported = modules_after(f"from cnnx.cli.app import run; run({arguments!r})")
    assert "cnnx" in imported
    assert not HEAVY & imported


def test_help_needs_no_spec_and_no_table() -> None:
    imported = modules_after("from cnnx.cli.app import run; run(['--help'])")
    assert not (HEAVY | {"pydantic", "yaml", "rich", "numpy", "psutil"}) & imported


def test_the_library_needs_no_torch_to_load_and_count() -> None:
    code = "import cnnx; assert cnnx.count(cnnx.load('bottleneck')).params == 69632"
    assert not HEAVY & modules_after(code)
    assert "pydantic" not in modules_after("import cnnx")


def test_python_runs_the_package() -> None:
    done = subprocess.run([sys.executable, "-m", "cnnx", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("cnnx ")
