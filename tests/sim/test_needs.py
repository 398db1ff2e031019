"""What a machine may lack: each need says so in one sentence, and what asks for it takes the sentence from there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ringbed.cli.errors import Exit, explain
from ringbed.sim import engines, needs
from ringbed.sim.cocotb.build import CocotbMissing, require
from ringbed.sim.native.toolchain import ToolchainMissing, find_compiler
from ringbed.sim.needs import ENGINES, NEEDS, Missing, Need, lacking, need_of_module
from ringbed.sim.yosys.tools import SynthMissing, versions

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("need", NEEDS.values(), ids=list(NEEDS))
def test_a_sentence_says_what_and_what_for_and_what_to_do(need: Need) -> None:
    said = Need(need.name, need.what, need.purpose, need.install, lambda: "it is nowhere").lacking()
    assert said.startswith(f"no {need.what}: it is nowhere ({need.purpose}")
    assert "\n" not in said
    assert need.name == "tap" or "apt-get install" in said or "pip install" in said
    assert Need("x", "x", "x", "x", lambda: "").lacking() == ""


def test_every_engine_has_its_needs() -> None:
    assert set(ENGINES) == set(engines.ENGINES)
    assert {name for names in ENGINES.values() for name in names} <= set(NEEDS)


def test_every_extra_of_the_project_is_one_need_s_or_is_what_all_tests_want() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {name for name in extras if any(f"[{name}]" in need.install for need in NEEDS.values())}
    assert named == set(extras)


def test_a_name_that_is_none_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="there is no need 'qmeu'; there are compiler, "):
        lacking("qmeu")


@pytest.mark.parametrize("absent", NEEDS)
def test_an_engine_lacks_what_it_needs_and_nothing_else(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, need in list(NEEDS.items()):
        gone = "gone" if name == absent else ""
        monkeypatch.setitem(NEEDS, name, Need(name, need.what, "", "", lambda gone=gone: gone))  # type: ignore[misc]
    for engine, wanted in ENGINES.items():
        assert (lacking(engine) != "") == (absent in wanted)


def test_whoever_asks_raises_its_own_kind_and_the_command_explains_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_words, **_more: None)
    monkeypatch.setattr(needs, "_importable", lambda module: False)
    find_compiler.cache_clear()
    for kind, ask in (
        (ToolchainMissing, find_compiler), (CocotbMissing, lambda: require("icarus")), (SynthMissing, versions),
        (Missing, lambda: needs.require("scapy")),
    ):  # fmt: skip
        with pytest.raises(kind) as raised:
            ask()
        assert explain(raised.value) == (str(raised.value), Exit.ENVIRONMENT)


def test_the_compiler_that_is_named_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "/nowhere/c++")
    assert lacking("compiler").startswith(
        "no C++ compiler: /nowhere/c++ is not on PATH, or does not run, or does not know C++17 ("
    )


def test_a_compiler_that_does_not_run_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for text in ("#!/bin/sh\nexit 1\n", "#!/no/such/shell\n"):
        (tmp_path / "g++").write_text(text)
        (tmp_path / "g++").chmod(0o755)
        monkeypatch.delenv("CXX", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert lacking("compiler")


@pytest.mark.needs("cocotb")
def test_a_python_without_its_library_is_told_before_cocotb_falls_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    monkeypatch.delenv("LIBPYTHON_LOC", raising=False)
    monkeypatch.delenv("GPI_USERS", raising=False)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert lacking("libpython").endswith(f"Debian: apt-get install libpython{version})")
    monkeypatch.setenv("LIBPYTHON_LOC", "/opt/libpython.so")
    assert lacking("libpython") == ""


def test_a_failed_import_is_somebody_s() -> None:
    assert need_of_module("cocotbext.axi") is NEEDS["cocotb"]
    assert need_of_module("scapy.layers.inet") is NEEDS["scapy"]
    assert need_of_module("numpy") is None


def test_packages_of_debian_for_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    assert set(needs.debian_packages()) >= {"g++", "make", "flex", "bison", "iverilog", "qemu-system-x86"}
    monkeypatch.setattr("shutil.which", lambda name, **_more: "/bin/true")
    monkeypatch.setattr(needs, "_knows_cpp17", lambda words: True)
    assert set(needs.debian_packages()) <= {f"libpython3.{sys.version_info.minor}"}
