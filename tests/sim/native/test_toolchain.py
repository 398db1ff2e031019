"""Every missing or broken tool is one sentence that names it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbed.sim import needs
from ringbed.sim.native.toolchain import (
    BuildError,
    Compiler,
    SourceError,
    ToolchainMissing,
    failure,
    find_compiler,
    find_verilator,
    run_tool,
)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    find_compiler.cache_clear()
    find_verilator.cache_clear()
    yield
    find_compiler.cache_clear()
    find_verilator.cache_clear()


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


MINE = """case "$*" in
*--version*) echo my compiler 1.2;;
*) echo version: 201703L;;
esac"""


def test_no_compiler_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(BuildError, match=r"no C\+\+ compiler: g\+\+ or clang\+\+ is not on PATH"):
        find_compiler()


def test_the_environment_names_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = script(tmp_path / "my c++", MINE)
    script(tmp_path / "my-c++", MINE)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for named, command in ((str(mine), (str(mine),)), ("my-c++ -m64", (str(tmp_path / "my-c++"), "-m64"))):
        monkeypatch.setenv("CXX", named)
        find_compiler.cache_clear()
        assert find_compiler() == Compiler(command, "my compiler 1.2")


@pytest.mark.parametrize("named", ["absent-c++", " ", "/bin/true", "c++98", "g++ --no-such-word"])
def test_what_is_named_and_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    script(tmp_path / "c++98", "echo version: 199711L")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("CXX", named)
    with pytest.raises(ToolchainMissing, match="^" + re.escape(f"no C++ compiler: {named} is not on PATH, or does")):
        find_compiler()


def test_without_the_package_verilator_on_path_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "packaged_verilator", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="no Verilator: neither is the package verilator installed nor"):
        find_verilator()
    script(tmp_path / "verilator_bin", "echo Verilator 5.020 2024-01-01")
    with pytest.raises(BuildError, match=r"is Verilator 5\.020 2024-01-01; 5\.036 or newer is needed"):
        find_verilator()
    script(tmp_path / "verilator_bin", "echo Verilator 5.040 2025-08-30")
    assert find_verilator().version == "Verilator 5.040 2025-08-30"


def test_a_tool_that_fails_is_named_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    with pytest.raises(BuildError, match=r"^the linker failed with exit code 7; full log: .*build\.log$"):
        run_tool("the linker", ["sh", "-c", "echo out; echo err >&2; exit 7"], log)
    assert log.read_text().splitlines()[1:] == ["out", "err"]
    with pytest.raises(BuildError, match="the linker cannot be run"):
        run_tool("the linker", [str(tmp_path / "absent")], log)


@pytest.mark.parametrize(
    ("output", "error"),
    [
        ("-Info: x\n%Error: a.v:3:1: syntax error\n%Error: b", " (Error: a.v:3:1: syntax error)"),
        ("%Error-NEEDTIMINGOPT: a.v:3:1: Use --timing", " (Error-NEEDTIMINGOPT: a.v:3:1: Use --timing)"),
        ("In file included from\na.c:1:9: fatal error: b.h: none", " (a.c:1:9: fatal error: b.h: none)"),
        ("a.v:3: warning: timescale\na.v:4: syntax error\na.v:4: error: malformed", " (a.v:4: syntax error)"),
        ("a.v:4: sorry: streams are not supported.", " (a.v:4: sorry: streams are not supported.)"),
        ("/usr/bin/ld: a.o: in function `f':\na.cpp:(.text+0x9): undefined reference to `g'",
         " (a.cpp:(.text+0x9): undefined reference to `g')"),
        ("g++ -o error.o\nall is well", ""),
        ("%Error: a.v:3:1: too wide " + "1" * 5000, " (Error: a.v:3:1: too wide " + "1" * 375 + " ...)"),
    ],
    ids=["Verilator", "Verilator by name", "compiler", "Icarus", "Icarus' limits", "linker", "none", "no end of it"],
)  # fmt: skip
def test_the_first_error_of_every_tool_is_found(tmp_path: Path, output: str, error: str) -> None:
    (tmp_path / "build.log").write_text(output)
    assert failure(tmp_path / "build.log") == error


def test_whose_fault_it_is(tmp_path: Path) -> None:
    command = [str(script(tmp_path / "tool", "echo '%Error: a.v:1: no'; exit 2"))]
    with pytest.raises(SourceError, match=r"^a tool failed with exit code 2 \(Error: a.v:1: no\); full log: "):
        run_tool("a tool", command, tmp_path / "log", fault=SourceError)
    with pytest.raises(BuildError) as raised:
        run_tool("a tool", [str(tmp_path / "absent")], tmp_path / "log", fault=SourceError)
    assert type(raised.value) is BuildError  # that is this machine's
