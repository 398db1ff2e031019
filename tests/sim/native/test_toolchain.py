"""Every missing or broken tool is one sentence that names it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringbed.sim import needs
from ringbed.sim.native.toolchain import BuildError, find_compiler, find_verilator, run_tool


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


def test_no_compiler_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(BuildError, match=r"no C\+\+ compiler: g\+\+ or clang\+\+ is not on PATH"):
        find_compiler()


def test_the_environment_names_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = script(tmp_path / "my-c++", "echo my compiler 1.2")
    monkeypatch.setenv("CXX", str(mine))
    assert find_compiler().version == "my compiler 1.2"
    monkeypatch.setenv("CXX", "absent-c++")
    find_compiler.cache_clear()
    with pytest.raises(BuildError, match=r"no C\+\+ compiler: absent-c\+\+ is not on PATH"):
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
