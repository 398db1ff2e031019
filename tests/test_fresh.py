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
