"""The other C++ compiler, where there is no g++: not told g++'s words, and with a library that g++ needs not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.toolchain import find_compiler
from tests.sim.toy import toy_spec

pytestmark = pytest.mark.needs("clang", "verilator")

SCRATCH = 16


@pytest.fixture(autouse=True)
def _clang(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CXX", "clang++")
    find_compiler.cache_clear()
    yield
    find_compiler.cache_clear()


def test_a_card_is_built_and_runs() -> None:
    assert "clang" in find_compiler().version
    engine = open_engine("native", toy_spec(), HostMemory())
    engine.write(SCRATCH, 77)
    assert engine.read(SCRATCH) == 77
    engine.close()


@pytest.mark.full
@pytest.mark.needs("cocotb-verilator")
def test_cocotb_s_build_too() -> None:
    engine = open_engine("cocotb-verilator", toy_spec(), HostMemory())
    engine.write(SCRATCH, 77)
    assert engine.read(SCRATCH) == 77
    engine.close()
