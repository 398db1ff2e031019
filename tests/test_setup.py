"""`.ci/venv`, the set-up behind `make demo` and `make test`: which Python it takes, what it says when there is none.

The Python here is a stand-in, a shell script that answers as the real one would and keeps a log of what it was asked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ("sh", "dirname", "grep", "rm", "mkdir", "cp", "chmod")

STAND_IN = """#!/bin/sh
echo "$(basename "$0") $*" >>"$LOG"
case "$*" in
*version_info*) [ "$VERSION" = new ] ;;
*ensurepip*) [ "$WHOLE" = yes ] ;;
*"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
--version) echo "Python 3.11.9" ;;
*"-r constraints.txt") [ "$INSTALL" = works ] ;;
esac
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with the set-up in it, and a `bin` that is all of PATH."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "venv", tmp_path / ".ci")
    (tmp_path / "constraints.txt").write_text("one==1\ntwo==2\n")
    (tmp_path / "bin").mkdir()
    for tool in (*TOOLS, "basename"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def python(tree: Path, name: str = "python3") -> None:
    (tree / "bin" / name).write_text(STAND_IN)
    (tree / "bin" / name).chmod(0o755)


def set_up(tree: Path, **answers: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(tree / "bin"), "LOG": str(tree / "log"), "VERSION": "new", "WHOLE": "yes"}
    environment |= {"INSTALL": "works"} | answers
    return subprocess.run([tree / ".ci" / "venv"], env=environment, capture_output=True, text=True, timeout=60)


def log(tree: Path) -> list[str]:
    return (tree / "log").read_text().splitlines()


def test_it_installs_what_is_pinned_and_then_ringbed(tree: Path) -> None:
    python(tree)
    done = set_up(tree)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("set-up: Python 3.11.9, 2 pinned packages into .venv")
    installs = [line for line in log(tree) if "pip install" in line]
    assert installs == [
        "python -m pip install -q --require-hashes -r constraints.txt",
        "python -m pip install -q --no-deps --no-build-isolation -e .",
    ]
    assert not (tree / ".venv" / ".unfinished").exists()


def test_a_venv_that_is_there_is_used_again(tree: Path) -> None:
    python(tree)
    set_up(tree)
    (tree / ".venv" / "mine").touch()
    assert set_up(tree).returncode == 0
    assert (tree / ".venv" / "mine").exists()


def test_a_set_up_that_was_cut_short_is_done_anew(tree: Path) -> None:
    python(tree)
    assert set_up(tree, INSTALL="fails").returncode != 0
    (tree / ".venv" / "half").touch()
    assert set_up(tree).returncode == 0
    assert not (tree / ".venv" / "half").exists()


@pytest.mark.parametrize("named", [{}, {"PYTHON": "/opt/python9"}])
def test_no_python_is_one_sentence(tree: Path, named: dict[str, str]) -> None:
    done = set_up(tree, **named)
    assert done.returncode == 3
    assert done.stderr.startswith("ringbed needs Python 3.11 or later, and found none")
    assert len(done.stderr.splitlines()) == 1
    assert all(name in done.stderr for name in named.values())


def test_an_old_python_is_not_taken(tree: Path) -> None:
    python(tree)
    assert "found none" in set_up(tree, VERSION="old").stderr


def test_a_python_without_venv_says_what_to_install(tree: Path) -> None:
    python(tree)
    done = set_up(tree, WHOLE="no")
    assert done.returncode == 3
    assert "python3-venv" in done.stderr
    assert not (tree / ".venv").exists()


def test_the_one_that_is_named_is_taken(tree: Path) -> None:
    python(tree)
    python(tree, "python3.12")
    set_up(tree, PYTHON="python3.12")
    assert "python3.12 -m venv .venv" in log(tree)


def test_the_scripts_can_be_run() -> None:
    assert [path.name for path in (ROOT / ".ci").iterdir() if not os.access(path, os.X_OK)] == []
