"""The README's two commands on a fresh Debian, with what the README asks for and nothing more, as an ordinary user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ringbed.sim.needs import Missing

ROOT = Path(__file__).parents[1]


def fresh(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / ".ci" / "fresh", *words], capture_output=True, text=True, check=False)


@pytest.mark.full
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_both_commands_end_well(suite: str) -> None:
    if os.getuid() != 0 or shutil.which("debootstrap") is None:
        raise Missing("no fresh Debian: that takes root and debootstrap (Debian: apt-get install debootstrap)")
    done = fresh(suite)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-8000:]
    assert "Everything agrees, nothing is lost." in said or "Every frame accounted for" in said
    assert re.search(r"^left out: \d+ tests; no QEMU: ", said, re.M)
    assert re.search(r"^\d+ passed, \d+ skipped", said, re.M)


def test_without_a_suite_it_says_how_to_ask() -> None:
    done = fresh()
    assert (done.returncode, done.stderr) == (3, "fresh: name a suite of Debian: .ci/fresh trixie\n")


def test_the_readme_names_what_the_fresh_debian_gets() -> None:
    """Names of packages that bookworm and trixie both have; python3-venv, which Debian keeps apart, is one."""
    (line,) = re.findall(r"^apt-get install (.*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert fresh("--packages").stdout.split() == line.split() == ["python3-venv", "make", "g++", "ca-certificates"]
    assert "venv" in (ROOT / ".ci" / "venv").read_text(encoding="utf-8")


STUBS = {
    ".ci/venv": "mkdir -p .venv/bin && printf '#!/bin/sh\\n' >.venv/bin/python && chmod +x .venv/bin/python",
    "bin/apt-get": 'echo "apt-get $*" >>apt.log', "bin/id": "echo 0", "bin/debootstrap": "",
}  # fmt: skip


@pytest.mark.parametrize(("script", "goal"), [("run", "test"), ("full", "test-full")])
def test_what_is_full_has_a_script_that_runs_it(tmp_path: Path, script: str, goal: str) -> None:
    """With a stub for all that it calls. `test-full` of the Makefile leaves nothing out."""
    for name in ("run", "full"):
        (tmp_path / ".ci").mkdir(exist_ok=True)
        shutil.copy(ROOT / ".ci" / name, tmp_path / ".ci" / name)
    (tmp_path / "bin").mkdir()
    for name, text in STUBS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "Makefile").write_text("test test-full:\n\t@echo goal $@, CI $(CI)\n")
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "FULL"))}
    env = {**outer, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "TMPDIR": str(tmp_path), "CI": "true"}
    done = subprocess.run([tmp_path / ".ci" / script], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.splitlines()[-1] == f"goal {goal}, CI true"
    assert '-m "" $(ARGS)' in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f".ci/{script}" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
