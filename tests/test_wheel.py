"""The wheel carries the specs: built, installed without dependencies, used from elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a fresh environment that has the wheel and borrows this one's packages."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    site_packages = next((environment / "lib").glob("python3.*/site-packages"))
    # A plain path, so that this environment's editable install of cnnx is not followed.
    (site_packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    install = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install"]
    subprocess.run([*install, "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    return environment / "bin"


def run(installed: Path, folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CNNX_CONFIGS")}
    done = subprocess.run(
        [installed / "cnnx", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_wheel_is_what_answers(installed: Path, tmp_path: Path) -> None:
    code = "import cnnx.spec.folders as folders; print(folders.built_in_folder())"
    done = subprocess.run([installed / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(installed.parent)


def test_it_lists_every_spec_of_the_project(installed: Path, tmp_path: Path) -> None:
    listed = {result["name"] for result in json.loads(run(installed, tmp_path, "list", "--json"))["results"]}
    assert {
        path.stem for path in (ROOT / "configs").rglob("*.yaml") if path.parent.name in ("blocks", "networks")
    } <= listed


def test_it_compares(installed: Path, tmp_path: Path) -> None:
    table = run(installed, tmp_path, "compare", "bottleneck", "plain3x3", "--static")
    assert "69,632" in table
    assert "589,824" in table


def test_an_editable_install_finds_the_same_folder() -> None:
    from cnnx.spec.folders import built_in_folder

    assert built_in_folder() == ROOT / "configs"
