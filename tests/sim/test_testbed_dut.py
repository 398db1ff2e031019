"""Somebody's card on an engine: memory where its addresses reach, and what is told when nothing comes back."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.portmap import PortMapError
from ringbed.sim.testbed import StackHost, StackOnDriver
from ringbed.sim.testbed_dut import open_dut
from ringbed.sim.testbed_peer import NoAnswer, Peer, ping
from ringbed.stack.stack import Stack

NIC = Path(__file__).parents[2] / "examples" / "third_party" / "nic"
ENGINES = ["native", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb)]

Edits = tuple[tuple[str, str], ...]
Open = Callable[..., tuple[StackHost, Peer]]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
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


def narrow(bits: int) -> tuple[Edits, Edits]:
    """Of a card whose memory bus has so many address bits."""
    return (("[63:0] mem_addr", f"[{bits - 1}:0] mem_addr"),), (("addr_width = 64", f"addr_width = {bits}"),)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_card_of_32_bit_addresses(opened: Open, engine: str) -> None:
    host, peer = opened(engine, *narrow(32))
    for size in (0, 1, 56, 1472):
        ping(host, peer, bytes(size))
    assert 1 << 31 <= host.memory.regions[0].iova < 1 << 32
    assert host.engine.findings() == []
    host.down()


def test_the_least_that_a_card_must_reach(opened: Open) -> None:
    host, peer = opened("native", *narrow(20))
    ping(host, peer)
    assert host.engine.findings() == []
    host.down()
    with pytest.raises(PortMapError, match="addr_width 19 reaches 524288 bytes, too few for host memory: 20 bits is"):
        opened("native", *narrow(19))


@pytest.mark.parametrize("engine", ENGINES)
def test_no_answer_says_what_was_found_and_counted(opened: Open, engine: str) -> None:
    """A card that asks for the frame 4 GiB beside where it is."""
    host, peer = opened(engine, (("address <= mem_rdata;", "address <= mem_rdata ^ 64'h1_0000_0000;"),))
    with pytest.raises(NoAnswer) as caught:
        ping(host, peer, within_ns=200_000)
    first, finding, *_, driver, memory, wire = str(caught.value).splitlines()
    assert first == "nic0: no answer of 10.0.0.1 within 200000 ns"
    assert finding.startswith(f"  clock {caught.value.findings[0].clock}: dma.read: the device reads 0x")
    assert driver.startswith("  driver: tx_frames 1")
    assert memory.startswith("  memory: ")
    assert wire.startswith("  wire: ")
