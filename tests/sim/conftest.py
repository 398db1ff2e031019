"""Engines for the tests of `sim/`: every test that takes `engine_kind` runs on both."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.testbed.assembly import StackHost, StackOnDriver
from ringbed.sim.testbed.dut import open_dut
from ringbed.sim.testbed.peer import Peer
from ringbed.stack.stack import Stack

NIC = Path(__file__).parents[2] / "examples" / "third_party" / "nic"
Edits = tuple[tuple[str, str], ...]
OpenMini = Callable[..., tuple[StackHost, Peer]]

PATIENCE_S = 240  # for Yosys where its answer is what a test asks for: less than the guard of a test, 300

needs_native = pytest.mark.needs("native")


@pytest.fixture(params=[pytest.param("native", marks=needs_native), "pysim"])
def engine_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(engine_kind: str) -> Iterator[Callable[..., AnyEngine]]:
    """Opens engines of the parametrised kind and closes them after the test."""
    engines: list[AnyEngine] = []

    def open_one(*args: Any, **options: Any) -> AnyEngine:
        engines.append(open_engine(engine_kind, *args, **options))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()


@pytest.fixture
def open_mini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenMini]:
    """mini_nic with `edits` of its Verilog and `of_map` of its map, up, and a peer at its wire."""
    monkeypatch.syspath_prepend(str(NIC))
    mini_nic = importlib.import_module("mini_driver").MiniNic
    hosts: list[StackHost] = []

    def open_one(engine: str, edits: Edits = (), of_map: Edits = (), **settings: Any) -> tuple[StackHost, Peer]:
        for name, changes in (("mini_nic.v", edits), ("mini_nic.toml", of_map)):
            shutil.copy(NIC / name, tmp_path / name)
            text = (tmp_path / name).read_text(encoding="utf-8")
            for old, new in changes:
                assert old in text
                text = text.replace(old, new)
            (tmp_path / name).write_text(text, encoding="utf-8")
        upper = StackOnDriver(Stack("mine"))
        hosts.append(open_dut(
            tmp_path / "mini_nic.toml", lambda *world: mini_nic(*world, lladdr=bytes.fromhex("020000000001")), upper,
            engine=engine, **settings,
        ))  # fmt: skip
        hosts[-1].up()
        upper.ifd.add_ifl().add_iff().add_ifa("10.0.0.2/24")
        return hosts[-1], Peer(hosts[-1].engine, "10.0.0.1/24", hosts[-1].frequency)

    yield open_one
    for host in hosts:
        host.engine.close()
    sys.modules.pop("mini_driver", None)
