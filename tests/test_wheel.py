"""The wheel holds every module and every data file of the rooms, and each module imports from it alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
ROOMS = sorted({name.split(".")[1] for name in PACKAGES})
IMPORT_ALL = """
import importlib, sys
for name in sys.argv[2:]:
    module = importlib.import_module(name)
    assert module.__file__.startswith(sys.argv[1]), f"{name} came from {module.__file__}, not from the wheel"
"""


def files() -> list[Path]:
    """Every file of the rooms, below ROOT."""
    found = (path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file())
    return sorted(path.relative_to(ROOT) for path in found if "__pycache__" not in path.parts)


def module(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(("ringbed", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def run(*command: object, cwd: Path) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """site-packages of a fresh venv that holds the wheel; dependencies are those of this venv, found by a path."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # built from a copy: setuptools leaves files beside its sources
    for name in ROOMS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        source,
        cwd=folder,
    )
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("ringbed-*.whl")
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel, cwd=folder)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    # A path line gives the packages in it, but not its own .pth files, so not the editable ringbed of this venv.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return site


def test_every_module_imports(installed: Path) -> None:
    names = [module(path) for path in files() if path.suffix == ".py"]
    assert "ringbed.cli.main" in names
    python = installed.parents[2] / "bin" / "python"
    run(python, "-I", "-c", IMPORT_ALL, installed, *names, cwd=installed.parents[3])


def test_every_data_file_is_there(installed: Path) -> None:
    assert [str(path) for path in files() if not (installed / "ringbed" / path).is_file()] == []


def test_nothing_else_is_installed(installed: Path) -> None:
    tops = {path.name for path in installed.iterdir()} - {"dependencies.pth", "_virtualenv.py", "__pycache__"}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"ringbed"}


def test_the_command_is_installed(installed: Path) -> None:
    run(installed.parents[2] / "bin" / "ringbed", "nic", "info", "em", cwd=installed.parents[3])
